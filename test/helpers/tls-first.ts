/**
 * Where Node loads `_tls_common` before `tls`, as a certificate's `toLegacyObject()` makes it do,
 * `tls.createSecureContext` stays undefined in that thread. Files that share one load `tls` first.
 */
import 'node:tls';
