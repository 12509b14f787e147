/**
 * An answer that goes on while its upload does, as ipfs/kubo#6402 tells of proxies that broke it: neither waits for the
 * end of the other, and both arrive whole.
 */
import { once } from 'node:events';
import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Peer } from '../../helpers/peer.ts';
import { headOf } from './ask.ts';
import { type Servers, startServers, type Way } from './servers.ts';

let servers: Servers;

beforeAll(async () => {
  servers = await startServers('hypercorn', 'uvicorn');
});

afterAll(() => servers?.[Symbol.asyncDispose]());

const pieces = 20;
const piece = Buffer.alloc(100_000, 'x');

/** Sends each piece when the server has told of the one before; the numbers that it told. */
async function upload(way: Way, framing: 'length' | 'chunks'): Promise<number[]> {
  const peer = new Peer(connect(way.port, '127.0.0.1'));
  await once(peer.socket, 'connect');
  const size = framing === 'length' ? { bodyBytes: pieces * piece.length } : { lines: ['Transfer-Encoding: chunked'] };
  peer.sendText(headOf(way, { method: 'POST', target: '/progress', ...size }));
  const told: number[] = [];
  for (let i = 1; i <= pieces; i++) {
    if (framing === 'chunks') peer.sendText(`${piece.length.toString(16)}\r\n`);
    peer.send(piece);
    if (framing === 'chunks') peer.sendText(i === pieces ? '\r\n0\r\n\r\n' : '\r\n');
    if (i === 1) expect(await peer.head()).toMatch(/^HTTP\/1\.1 200 /);
    while ((told.at(-1) ?? 0) < i * piece.length) told.push(...(await progress(peer)));
  }
  peer.socket.destroy();
  return told;
}

/** The numbers that have come, or come next. */
async function progress(peer: Peer): Promise<number[]> {
  let text = (await peer.bytes(1)).toString();
  while (!text.endsWith('\n')) text += (await peer.bytes(1)).toString();
  const line = text.trim();
  // The sizes of chunks stand between the numbers; numbers are what is as large as what was sent.
  return /^\d+$/.test(line) && Number(line) >= 1000 ? [Number(line)] : [];
}

describe.each(['hypercorn', 'uvicorn'] as const)('%s', (server) => {
  test.each(['length', 'chunks'] as const)(
    'tells of each piece of an upload with its %s before the next is sent',
    async (framing) => {
      for (const way of servers.ways(server)) {
        const told = await upload(way, framing);
        expect(told.at(-1)).toBe(pieces * piece.length);
      }
    },
  );
});
