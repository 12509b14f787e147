/**
 * What whoever reaches the public port can send, wrong in every way or too much of it. Nothing of it is any
 * operator's fault.
 */
import { once } from 'node:events';
import { clientFrame, closeFrame, frame } from '../../helpers/frames.ts';
import { handshakeRequest, type RequestOptions, rawConnect } from '../../helpers/raw-client.ts';

const page = '/app';
const socketPath = '/app/ws';

function get(path: string, ...lines: readonly string[]): string {
  return `${[`GET ${path} HTTP/1.1`, 'Host: gateway.test', ...lines].join('\r\n')}\r\n\r\n`;
}

/** Requests that are answered, or cut off. */
const requests: Readonly<Record<string, string>> = {
  'an unknown host': 'GET / HTTP/1.1\r\nHost: nobody.example\r\n\r\n',
  'a host that is none': 'GET / HTTP/1.1\r\nHost: a b\r\n\r\n',
  'no host': 'GET / HTTP/1.1\r\n\r\n',
  'two hosts': 'GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n',
  'an unknown path': get('/wp-admin/setup.php'),
  'a path upwards': get('/app/..%2f..%2fetc/passwd'),
  'the admin API': get('/api/connections'),
  'a server that breaks': get('/broken'),
  'no HTTP': 'EHLO mail.example\r\n\r\n',
  'TLS on a port without': '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n',
  'a line folded': get(page, 'X: a', ' b'),
  'a space before the colon': get(page, 'X : a'),
  'a null byte': get(page, 'X: \0'),
  'another method': 'BREW /app HTTP/1.1\r\nHost: a\r\n\r\n',
  'a tunnel': 'CONNECT db:5432 HTTP/1.1\r\nHost: db:5432\r\n\r\n',
  'two framings': 'POST /app HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
  'chunks that are none': 'POST /app HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n',
  'too large a header': get(page, `Cookie: ${'x'.repeat(70_000)}`),
  'too many lines': get(page, ...Array.from({ length: 300 }, (_, i) => `X-${i}: y`)),
  'too large a body': 'POST /app HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999\r\n\r\n',
  'forwarding headers': get(page, 'X-Forwarded-For: 10.0.0.1', 'X-Forwarded-Proto: https'),
  'an expectation': 'POST /app HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nExpect: a-miracle\r\n\r\nabcd',
};

/** Handshakes that must fail. */
const handshakes: Readonly<Record<string, RequestOptions>> = {
  'of another version': { path: socketPath, headers: { 'Sec-WebSocket-Version': '8' } },
  'without a key': { path: socketPath, headers: { 'Sec-WebSocket-Key': null } },
  'with a key that is none': { path: socketPath, headers: { 'Sec-WebSocket-Key': 'x' } },
  'by POST': { path: socketPath, method: 'POST' },
  'by HTTP/1.0': { path: socketPath, version: 'HTTP/1.0' },
  'without Connection': { path: socketPath, headers: { Connection: null } },
  'with a body': { path: socketPath, headers: { 'Content-Length': '5' } },
  'from nobody': { path: '/wp-admin/ws' },
  'with a page': { path: page },
  'that the server breaks': { path: '/broken' },
  'with a subprotocol that is none': { path: socketPath, headers: { 'Sec-WebSocket-Protocol': 'a,,b c' } },
  'from another origin': { path: '/wp-admin/ws', headers: { Origin: 'https://evil.example' } },
};

/** What is sent on an open WebSocket. */
const messages: Readonly<Record<string, readonly Buffer[]>> = {
  'a message of 21 MiB': [clientFrame('', { opcode: 2, length: 21 * 2 ** 20, lengthBits: 64 })],
  'a message of 2^62 bytes': [clientFrame('', { opcode: 2, length: 2n ** 62n, lengthBits: 64 })],
  'fragments without end': [
    clientFrame('', { fin: false }),
    ...Array.from({ length: 20_000 }, () => clientFrame('', { opcode: 0, fin: false })),
  ],
  'no mask': [frame('x')],
  'reserved bits': [clientFrame('x', { rsv: 7 })],
  'an unknown opcode': [clientFrame('x', { opcode: 11 })],
  'a continuation of nothing': [clientFrame('x', { opcode: 0 })],
  'a close code that is none': [closeFrame(1005, '', { mask: true })],
  'a flood of pings': Array.from({ length: 2000 }, () => clientFrame('x', { opcode: 9 })),
  'a flood of messages': Array.from({ length: 2000 }, () => clientFrame('x'.repeat(1000))),
  nothing: [],
};

/** Begun, and left. */
const beginnings: Readonly<Record<string, string>> = {
  'events that are not read': get('/events'),
  'half an upload': 'POST /app HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\nhalf',
  'a WebSocket that is not closed': handshakeRequest({ path: socketPath }),
  'half a header': 'GET /app HT',
};

/** Everything that a stranger does, by what it is. */
export const deeds: ReadonlyMap<string, (port: number) => Promise<void>> = new Map([
  ...of('request: ', requests, send),
  ...of('handshake: ', handshakes, (port, options) => send(port, handshakeRequest(options))),
  ...of('WebSocket: ', messages, sendFrames),
  ...of('begins: ', beginnings, leaves),
  ['500 requests at once', (port) => send(port, get(page).repeat(500))],
]);

function of<T>(
  prefix: string,
  things: Readonly<Record<string, T>>,
  act: (port: number, thing: T) => Promise<void>,
): [string, (port: number) => Promise<void>][] {
  return Object.entries(things).map(([name, thing]) => [prefix + name, (port) => act(port, thing)]);
}

/** Many do these at once; returns when nothing of it is open any more. */
export async function many(
  times: number,
  port: number,
  acts: readonly ((port: number) => Promise<void>)[],
): Promise<void> {
  await Promise.all(Array.from({ length: times }, () => acts.map((act) => act(port))).flat());
}

/** Sends text; leaves when it is answered and quiet, or cut off. */
async function send(port: number, text: string): Promise<void> {
  const peer = await rawConnect(port);
  peer.sendText(text);
  await Promise.race([peer.ended, once(peer.socket.setTimeout(quietMs), 'timeout')]);
  peer.socket.destroy();
}

async function sendFrames(port: number, frames: readonly Buffer[]): Promise<void> {
  const peer = await rawConnect(port);
  peer.sendText(handshakeRequest({ path: socketPath }));
  await peer.head().catch(() => '');
  for (const one of frames) peer.send(one);
  await Promise.race([peer.ended, once(peer.socket.setTimeout(quietMs), 'timeout')]);
  peer.socket.destroy();
}

/** Begins something, and is gone. */
async function leaves(port: number, text: string): Promise<void> {
  const peer = await rawConnect(port);
  peer.sendText(text);
  await Promise.race([peer.ended, once(peer.socket.setTimeout(quietMs), 'timeout')]);
  peer.reset();
}

const quietMs = 250;
