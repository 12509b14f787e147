/** Whether a request is a WebSocket handshake (RFC 6455 §4.2.1). Anything else never becomes a tunnel. */
import type { HandshakeResult } from '../catalogue/outcomes.ts';
import type { HeadFields } from '../http/head-fields.ts';
import { elementsIn, type FieldValues, hasElement } from '../http/raw-fields.ts';

/** The parts of a request that a handshake is judged by. */
export interface HandshakeRequest extends FieldValues {
  readonly method: string;
  readonly httpVersion: string;
}

/** What a valid handshake asks for. */
export interface HandshakeAsk {
  readonly key: string;
  /** The offered subprotocols, in order of preference. */
  readonly subprotocols: readonly string[];
}

/** Why a request is no handshake; `detail` says it to whoever reads the log. */
export interface InvalidHandshake {
  readonly outcome: Extract<HandshakeResult, 'bad_request' | 'method_not_allowed' | 'unsupported_version'>;
  readonly detail: string;
}

/** Base64 of 16 bytes. */
const keyPattern = /^[A-Za-z0-9+/]{22}==$/;

/**
 * Whether a request asks for WebSocket, rightly or wrongly. Many a proxy is told to write `Upgrade: websocket` into
 * every request; one in which nothing else speaks of WebSocket is a plain request, as servers take it too. It goes on
 * without `Upgrade`.
 */
export function asksForWebSocket(fields: HeadFields): boolean {
  return hasElement(fields.values('upgrade'), 'websocket') && fields.hasFamily('sec-websocket-');
}

/** Validates a request that asks for WebSocket. */
export function validateHandshake(request: HandshakeRequest): HandshakeAsk | InvalidHandshake {
  const { method, httpVersion } = request;
  if (method !== 'GET') return { outcome: 'method_not_allowed', detail: `the method is ${method}` };
  if (httpVersion !== '1.1') return bad(`the version is HTTP/${httpVersion}`);
  if (!hasElement(request.values('upgrade'), 'websocket')) return bad('Upgrade does not name websocket');
  if (!hasElement(request.values('connection'), 'upgrade')) return bad('Connection does not name Upgrade');
  // A body would stand where the first frame is expected, and some servers would read a second request out of it.
  if (request.values('transfer-encoding').length > 0) return bad('it has Transfer-Encoding');
  if (request.values('content-length').some((value) => !/^0+$/.test(value))) return bad('it has a body');
  const versions = request.values('sec-websocket-version');
  if (versions.length !== 1 || versions[0] !== '13') {
    return { outcome: 'unsupported_version', detail: `Sec-WebSocket-Version is ${versions.join(', ') || 'absent'}` };
  }
  const [key, ...moreKeys] = request.values('sec-websocket-key');
  if (key === undefined || moreKeys.length > 0 || !keyPattern.test(key)) {
    return bad('Sec-WebSocket-Key is not one key of 16 bytes');
  }
  return { key, subprotocols: elementsIn(request.values('sec-websocket-protocol')) };
}

function bad(detail: string): InvalidHandshake {
  return { outcome: 'bad_request', detail };
}
