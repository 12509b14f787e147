/** TLS towards an upstream: whom Sluice trusts, and which certificate it shows. */
import { isIP } from 'node:net';
import { type ConnectionOptions, checkServerIdentity, type SecureContext } from 'node:tls';
import type { UpstreamTarget, UpstreamTls } from '../config/types.ts';

/** The authorities and the client's certificate of an `upstream_tls`, or why its files cannot be used. */
export type Trust = { readonly context: SecureContext } | { readonly problem: string };

/** Finds the trust of an `upstream_tls`; what its files hold may change from one connection to the next. */
export type TrustOf = (tls: UpstreamTls) => Promise<Trust>;

/** What Node's TLS needs to know besides the address. */
export function tlsOptions(
  { host }: UpstreamTarget,
  tls: UpstreamTls,
  secureContext: SecureContext,
  protocols: readonly string[] = ['http/1.1'],
): ConnectionOptions {
  // The name to verify is the backend's; the Host header is the client's.
  const name = tls.serverName ?? host;
  return {
    secureContext,
    // An address is no server name (RFC 6066 §3).
    servername: isIP(name) ? '' : name,
    checkServerIdentity: (_, certificate) => checkServerIdentity(name, certificate),
    rejectUnauthorized: !tls.insecureSkipVerify,
    // Without any the extension is left out.
    ALPNProtocols: [...protocols],
  };
}
