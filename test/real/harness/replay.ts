/**
 * Requests out of public reports of apps that broke behind a proxy, asked directly and through both lanes: what comes
 * back must be the same, but for what is different each time.
 */
import { once } from 'node:events';
import { connect } from 'node:net';
import { expect, test } from 'vitest';
import { HttpReader } from '../../helpers/http-reader.ts';
import { Peer } from '../../helpers/peer.ts';

export interface Replay {
  /** What the report is about; the name of a test. */
  readonly about: string;
  readonly report: string;
  readonly method?: string;
  /** `{port}` stands for the port of the server itself. */
  readonly target: string;
  readonly lines?: readonly string[];
  readonly body?: string;
  /** The body goes in chunks. */
  readonly chunked?: boolean;
  /** The answer goes on for ever; its first event counts. */
  readonly endless?: boolean;
  /** The answer is made anew each time: its body differs, also in its length, and so does its age. */
  readonly headOnly?: boolean;
  /** What must come back, so that not all the ways fail alike. */
  readonly status: number;
}

interface Answered {
  readonly status: number;
  readonly fields: readonly string[];
  readonly body: string;
}

/** The Host of every request: Jupyter takes no other but a local one. */
export const host = 'localhost:8443';
/** The lines of a handshake; who makes one adds an origin. */
export const upgrade: readonly string[] = [
  'Connection: Upgrade',
  'Upgrade: websocket',
  'Sec-WebSocket-Version: 13',
  'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
];
/** What each connection says of itself, and each answer of its moment. */
const ofConnection: ReadonlySet<string> = new Set(['date', 'expires', 'connection', 'keep-alive', 'transfer-encoding']);
/** What says something of one body. */
const ofBody: ReadonlySet<string> = new Set(['content-length', 'etag', 'last-modified']);

/** Declares a test for each; `ports` is asked when they run. */
export function testReplays(ports: () => { direct: number; relayed: number }, replays: readonly Replay[]): void {
  test.each(replays)('$report: $about', async (replay) => {
    const { direct, relayed } = ports();
    const asked = { ...replay, target: replay.target.replace('{port}', String(direct)) };
    const expected = await ask(direct, '', asked);
    expect(expected.status).toBe(replay.status);
    expect(await ask(relayed, '', asked)).toEqual(expected);
    // An empty line before it brings a connection into the careful lane.
    expect(await ask(relayed, '\r\n', asked)).toEqual(expected);
  });
}

async function ask(port: number, preface: string, replay: Replay): Promise<Answered> {
  const socket = connect({ port, host: '127.0.0.1' });
  try {
    await once(socket, 'connect');
    socket.write(preface + requestOf(replay), 'latin1');
    if (replay.endless || replay.status === 101) return await beginning(new Peer(socket), replay.status === 101);
    const reader = new HttpReader(socket);
    for (;;) {
      const { startLine, fields, body } = await reader.message('response', replay.method === 'HEAD');
      const status = statusOf(startLine);
      if (status >= 200) return { status, fields: told(fields, replay), body: replay.headOnly ? '' : mask(body) };
    }
  } finally {
    socket.destroy();
  }
}

function requestOf({ method = 'GET', target, lines = [], body, chunked }: Replay): string {
  const head = [`${method} ${target} HTTP/1.1`, `Host: ${host}`, ...lines];
  if (body === undefined) return `${head.join('\r\n')}\r\n\r\n`;
  if (!chunked) return `${head.join('\r\n')}\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
  const half = body.length >> 1;
  const chunks = [body.slice(0, half), body.slice(half)].map((text) => `${text.length.toString(16)}\r\n${text}\r\n`);
  return `${head.join('\r\n')}\r\nTransfer-Encoding: chunked\r\n\r\n${chunks.join('')}0\r\n\r\n`;
}

/** The head, and the first event behind it. */
async function beginning(peer: Peer, headOnly: boolean): Promise<Answered> {
  const [startLine, ...lines] = (await peer.head()).trimEnd().split('\r\n') as [string, ...string[]];
  const fields = lines.map((line) => {
    const colon = line.indexOf(':');
    return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()] as const;
  });
  let body = '';
  while (!headOnly && !body.includes('\n\n')) body += (await peer.bytes(1)).toString('latin1');
  return { status: statusOf(startLine), fields: told(fields, {}), body: mask(body) };
}

function statusOf(startLine: string): number {
  return Number(startLine.split(' ')[1]);
}

function told(fields: readonly (readonly [string, string])[], { headOnly = false }: { headOnly?: boolean }): string[] {
  return fields
    .filter(([name]) => !ofConnection.has(name) && !(headOnly && ofBody.has(name)))
    .map(([name, value]) => `${name}: ${name === 'set-cookie' ? cookieOf(value) : mask(value)}`)
    .sort();
}

/** Its name and attributes; the value is a new one for each client. */
function cookieOf(value: string): string {
  return value.replace(/=("[^"]*"|[^;]*)/, '=…').replace(/expires=[^;]*/i, 'expires=…');
}

/** Without what is new each time: identifiers and signed values. */
function mask(text: string): string {
  return text
    .replaceAll(/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f-]{22}/g, '…')
    .replaceAll(/'nonce-[^']*'/g, '…')
    .replaceAll(/2\|[0-9a-f]+\|[0-9a-f]+\|\d+/g, '…')
    .replaceAll(/[A-Za-z0-9_-]{40,}/g, '…');
}
