/**
 * Why there is no connection to an upstream, in one classification for HTTP and WebSockets. What the upstream or the
 * way to it did wrong is counted as its error. What Sluice lacks itself is not.
 */
import type { HandshakeResult, HttpFailure } from '../catalogue/outcomes.ts';

/** An error of the upstream, as `upstream_errors_total` labels it. */
export type UpstreamError = 'connect_refused' | 'connect_timeout' | 'dns' | 'reset' | 'tls' | 'loop' | 'other';

/**
 * Why a connection did not come about: an error of the upstream, too few descriptors or too little room of ours, or an
 * asker that has left.
 */
export type ConnectProblem = UpstreamError | 'descriptors' | 'busy' | 'aborted';

/** No connection, and why. */
export interface ConnectFailure {
  readonly problem: ConnectProblem;
  /** For the log: names, addresses, what the system said. */
  readonly detail: string;
  /** For `busy`: how many connections there may be, and how many are wanted. */
  readonly limit?: { readonly configured: number; readonly observed: number };
}

/** The ending that a problem leads to. An asker that has left has none of these. */
export const outcomeOf = {
  connect_refused: 'upstream_unreachable',
  connect_timeout: 'upstream_connect_timeout',
  dns: 'upstream_unreachable',
  reset: 'upstream_unreachable',
  tls: 'upstream_tls_failed',
  loop: 'upstream_unreachable',
  other: 'upstream_unreachable',
  descriptors: 'no_descriptors',
  busy: 'upstream_busy',
} as const satisfies Record<Exclude<ConnectProblem, 'aborted'>, HandshakeResult & HttpFailure>;

/** The upstream's error in a problem; `null` where the upstream is not to blame. */
export function blameOf(problem: ConnectProblem): UpstreamError | null {
  return problem === 'descriptors' || problem === 'busy' || problem === 'aborted' ? null : problem;
}

const byCode: Readonly<Record<string, ConnectProblem>> = {
  ECONNREFUSED: 'connect_refused',
  ETIMEDOUT: 'connect_timeout',
  ENOTFOUND: 'dns',
  EAI_AGAIN: 'dns',
  ECONNRESET: 'reset',
  EPIPE: 'reset',
  EMFILE: 'descriptors',
  ENFILE: 'descriptors',
};

/** What an error means that comes while a connection is being opened. */
export function classifyConnectError(error: NodeJS.ErrnoException): ConnectProblem {
  return byCode[error.code ?? ''] ?? 'other';
}

/**
 * Whether an error is one of TLS. It may come long after the handshake. In TLS 1.3 a server that misses a client's
 * certificate says so when the client believes that it is connected (RFC 8446 §4.4.2.4).
 */
export function isTlsError({ code = '' }: NodeJS.ErrnoException): boolean {
  return code === 'EPROTO' || code.startsWith('ERR_SSL_') || code.startsWith('ERR_TLS_');
}

/** What an error means that ends the TLS handshake. A system error is the connection's, all else is TLS's. */
export function classifyTlsError(error: NodeJS.ErrnoException): ConnectProblem {
  return isTlsError(error) ? 'tls' : (byCode[error.code ?? ''] ?? 'tls');
}

/** What to change for the usual causes, by the code of OpenSSL's check, or the words of its peer's alert. */
const tlsRemedies: readonly (readonly [cause: RegExp, remedy: string])[] = [
  [/SELF_SIGNED|UNABLE_TO_(GET_ISSUER|VERIFY)/, 'name the CA in upstream_tls.ca'],
  [/ALTNAME_INVALID/, 'name what the certificate holds in upstream_tls.server_name'],
  [/HAS_EXPIRED|NOT_YET_VALID/, 'renew the certificate of the upstream'],
  [/CERTIFICATE_REQUIRED|HANDSHAKE_FAILURE/, 'it may want a certificate: upstream_tls.client_cert'],
  [/UNKNOWN_CA|BAD_CERTIFICATE/, 'it does not take the certificate of upstream_tls.client_cert'],
  [/WRONG_VERSION_NUMBER|PACKET_LENGTH_TOO_LONG/, 'it may speak plain HTTP: write http:// in upstream'],
];

/** An error of TLS for the log, with what to change where that can be told. */
export function describeTlsError(error: NodeJS.ErrnoException & { readonly reason?: unknown }): string {
  const { code = '', message } = error;
  // OpenSSL's own messages name its source lines, and Node's advise on how to run Node.
  const what = typeof error.reason === 'string' && code !== 'ERR_TLS_CERT_ALTNAME_INVALID' ? error.reason : message;
  const remedy = tlsRemedies.find(([cause]) => cause.test(code) || cause.test(what.toUpperCase().replaceAll(' ', '_')));
  return [`TLS: ${what.replace(/; if the root CA is installed locally.*$/, '')}`, ...(remedy?.slice(1) ?? [])].join(
    '; ',
  );
}
