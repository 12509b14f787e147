/** How TLS is spoken with whoever connects to a port of Sluice's own: the public one, and that of the routes API. */
import { constants } from 'node:crypto';
import type { SecureContextOptions } from 'node:tls';

/**
 * Forward secrecy: someone who gets at the key later reads nothing of what was recorded before. That leaves TLS 1.3,
 * and of TLS 1.2 the suites with ephemeral keys and authenticated encryption (RFC 9325 §4.2).
 */
const ciphers = [
  'TLS_AES_256_GCM_SHA384',
  'TLS_CHACHA20_POLY1305_SHA256',
  'TLS_AES_128_GCM_SHA256',
  'ECDHE-ECDSA-AES128-GCM-SHA256',
  'ECDHE-RSA-AES128-GCM-SHA256',
  'ECDHE-ECDSA-AES256-GCM-SHA384',
  'ECDHE-RSA-AES256-GCM-SHA384',
  'ECDHE-ECDSA-CHACHA20-POLY1305',
  'ECDHE-RSA-CHACHA20-POLY1305',
].join(':');

/** `asksClients`: whether clients are asked for certificates. */
export function serverTls(asksClients: boolean): SecureContextOptions {
  return {
    // Older versions are broken (RFC 8996).
    minVersion: 'TLSv1.2',
    ciphers,
    secureOptions:
      // A TLS handshake costs us far more than the client, which could ask for one after another on one connection.
      constants.SSL_OP_NO_RENEGOTIATION |
      // A resumed session is not judged again, so it would outlive a certificate, and the list of what is revoked.
      (asksClients ? constants.SSL_OP_NO_TICKET : 0),
  };
}
