/** What Node's HTTP parser or TLS could not read, or did not get in time. */
import type { TLSSocket } from 'node:tls';
import type { Refused } from '../admission/verdict.ts';

/** Why a request is refused before it is one; `null` for a connection that just ended. */
export function judgeBrokenRequest(error: NodeJS.ErrnoException): Refused | null {
  const code = error.code ?? '';
  if (code === 'HPE_HEADER_OVERFLOW') return { outcome: 'headers_too_large', detail: code };
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') return { outcome: 'request_timeout', detail: code };
  if (code === 'ERR_MEMORY') return { outcome: 'memory', detail: error.message };
  if (code === 'HPE_INVALID_EOF_STATE') return { outcome: 'client_gone', detail: 'the client left within a request' };
  return code.startsWith('HPE_') ? { outcome: 'bad_request', detail: error.message } : null;
}

const tlsWords: Partial<Record<string, string>> = {
  ERR_SSL_HTTP_REQUEST: 'the client speaks plain HTTP; its URL must begin with https or wss',
  ERR_SSL_UNSUPPORTED_PROTOCOL: 'the client speaks no TLS from 1.2 on',
  ERR_SSL_TLSV1_ALERT_UNKNOWN_CA: 'the client does not know who signed the certificate',
  ERR_SSL_NO_APPLICATION_PROTOCOL: 'the client speaks no HTTP/1.1',
};

/** Why a client is not let in with the certificate that it has shown; `null` lets it in. */
export function judgeClientCertificate(socket: TLSSocket, isRequired: boolean): Refused | null {
  // Node counts a resumed connection without a certificate as authorised.
  if (socket.getPeerX509Certificate() === undefined) {
    return isRequired ? { outcome: 'certificate_refused', detail: 'the client showed none' } : null;
  }
  // Node's types say Error; it is a code.
  const problem = (socket.authorizationError ?? null) as unknown as string | null;
  return problem === null ? null : { outcome: 'certificate_refused', detail: problem };
}

/**
 * Why a TLS handshake failed; `null` for a connection that just ended or stayed silent, such as a load balancer's
 * probe.
 */
export function judgeTlsFailure({ code = '' }: NodeJS.ErrnoException): Refused | null {
  return code.startsWith('ERR_SSL_') ? { outcome: 'tls_failed', detail: tlsWords[code] ?? code } : null;
}
