/** What Node's HTTP parser could not read, or did not get in time. */
import type { Refused } from '../admission/verdict.ts';

/** Why a request is refused before it is one; `null` for a connection that just ended, or never said anything. */
export function judgeBrokenRequest(error: NodeJS.ErrnoException, bytesRead: number): Refused | null {
  const code = error.code ?? '';
  if (bytesRead === 0) return null;
  if (code === 'HPE_HEADER_OVERFLOW') return { outcome: 'headers_too_large', detail: code };
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') return { outcome: 'request_timeout', detail: code };
  if (code === 'HPE_INVALID_EOF_STATE') return { outcome: 'client_gone', detail: 'the client left within a request' };
  return code.startsWith('HPE_') ? { outcome: 'bad_request', detail: error.message } : null;
}
