/** Whether a request is a WebSocket handshake (RFC 6455 §4.2.1). Anything else never becomes a tunnel. */
import type { HandshakeResult } from '../catalogue/outcomes.ts';
import { elementsOf, hasElement, type RawHeaders, valuesOf } from '../http/raw-fields.ts';

/** The parts of a request that a handshake is judged by. */
export interface HandshakeRequest {
  readonly method: string;
  readonly httpVersion: string;
  readonly headers: RawHeaders;
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
export function asksForWebSocket(headers: RawHeaders): boolean {
  return hasElement(headers, 'upgrade', 'websocket') && hasWebSocketField(headers);
}

function hasWebSocketField(headers: RawHeaders): boolean {
  for (let i = 0; i < headers.length; i += 2) {
    if (headers[i]!.toLowerCase().startsWith('sec-websocket-')) return true;
  }
  return false;
}

/** Validates a request that asks for WebSocket. */
export function validateHandshake({ method, httpVersion, headers }: HandshakeRequest): HandshakeAsk | InvalidHandshake {
  if (method !== 'GET') return { outcome: 'method_not_allowed', detail: `the method is ${method}` };
  if (httpVersion !== '1.1') return bad(`the version is HTTP/${httpVersion}`);
  if (!asksForWebSocket(headers)) return bad('Upgrade does not name websocket');
  if (!hasElement(headers, 'connection', 'upgrade')) return bad('Connection does not name Upgrade');
  // A body would stand where the first frame is expected, and some servers would read a second request out of it.
  if (valuesOf(headers, 'transfer-encoding').length > 0) return bad('it has Transfer-Encoding');
  if (valuesOf(headers, 'content-length').some((value) => !/^0+$/.test(value))) return bad('it has a body');
  const versions = valuesOf(headers, 'sec-websocket-version');
  if (versions.length !== 1 || versions[0] !== '13') {
    return { outcome: 'unsupported_version', detail: `Sec-WebSocket-Version is ${versions.join(', ') || 'absent'}` };
  }
  const [key, ...moreKeys] = valuesOf(headers, 'sec-websocket-key');
  if (key === undefined || moreKeys.length > 0 || !keyPattern.test(key)) {
    return bad('Sec-WebSocket-Key is not one key of 16 bytes');
  }
  return { key, subprotocols: elementsOf(headers, 'sec-websocket-protocol') };
}

function bad(detail: string): InvalidHandshake {
  return { outcome: 'bad_request', detail };
}
