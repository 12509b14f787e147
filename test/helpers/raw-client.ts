/** A WebSocket client of bare TCP: it sends any handshake, right or wrong, and any bytes after it. */
import { connect } from 'node:net';
import { Peer } from './peer.ts';

/** The sample key of RFC 6455 §1.3 and what a server answers to it. */
export const sampleKey = 'dGhlIHNhbXBsZSBub25jZQ==';
export const sampleAccept = 's3pPLMBiTxaQ9kYGzzhZRbK+xOo=';

export interface RequestOptions {
  readonly method?: string;
  readonly path?: string;
  /** `HTTP/1.1` unless given. */
  readonly version?: string;
  /** Replaces handshake headers of the same name (`null` removes one) and adds others, in order. */
  readonly headers?: Readonly<Record<string, string | readonly string[] | null>>;
}

/** The text of a handshake request; every part can be changed. */
export function handshakeRequest(options: RequestOptions = {}): string {
  const { method = 'GET', path = '/', version = 'HTTP/1.1', headers = {} } = options;
  const fields: Record<string, string | readonly string[] | null> = {
    Host: 'gateway.test',
    Upgrade: 'websocket',
    Connection: 'Upgrade',
    'Sec-WebSocket-Version': '13',
    'Sec-WebSocket-Key': sampleKey,
  };
  for (const [name, value] of Object.entries(headers)) {
    const known = Object.keys(fields).find((key) => key.toLowerCase() === name.toLowerCase());
    fields[known ?? name] = value;
  }
  const lines = Object.entries(fields).flatMap(([name, value]) =>
    value === null ? [] : [value].flat().map((one) => `${name}: ${one}\r\n`),
  );
  return `${method} ${path} ${version}\r\n${lines.join('')}\r\n`;
}

/** Where a client connects: a port of 127.0.0.1, or the path of a unix socket. */
export type Where = number | string;

/** A connected peer that has sent nothing. */
export async function rawConnect(where: Where): Promise<Peer> {
  const peer = new Peer(typeof where === 'number' ? connect(where, '127.0.0.1') : connect(where));
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  peer.socket.once('connect', resolve).once('error', reject);
  await promise;
  return peer;
}

/** A peer that has completed a WebSocket handshake; `answer` is the header block of the 101. */
export async function rawClient(
  where: Where,
  options: RequestOptions = {},
): Promise<Peer & { readonly answer: string }> {
  const peer = await rawConnect(where);
  peer.sendText(handshakeRequest(options));
  const answer = await peer.head();
  if (!answer.startsWith('HTTP/1.1 101 ')) throw new Error(`no 101 but ${answer}`);
  return Object.assign(peer, { answer });
}
