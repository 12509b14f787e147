/**
 * A client that leaves, in whatever phase: the server hears of it within a second, as it does where nothing is between
 * them. A machine that is busy may take that long by itself, so the quickest of some tries counts: what waits for a
 * clock is never quick.
 */
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { handshakeRequest } from '../../helpers/raw-client.ts';
import { ask, headOf } from './ask.ts';
import { type Servers, startServers, type Way } from './servers.ts';

let servers: Servers;

beforeAll(async () => {
  servers = await startServers('hypercorn', 'uvicorn');
});

afterAll(() => servers?.[Symbol.asyncDispose]());

const noticedWithinMs = 1000;
const mostTries = 8;

type Phase = (way: Way, socket: Socket, id: string) => void;

const handshake =
  (target: string): Phase =>
  (way, socket, id) =>
    socket.write(handshakeRequest({ path: `/${target}?id=${id}`, headers: { Host: way.host } }));

const phases: Readonly<Record<string, Phase>> = {
  'while it uploads': (way, socket, id) => {
    const bodyBytes = 100e6;
    socket.write(`${headOf(way, { method: 'PUT', target: `/uploading?id=${id}`, bodyBytes })}the first of it`);
  },
  'before the answer': (way, socket, id) => {
    socket.write(headOf(way, { method: 'GET', target: `/silent?id=${id}` }));
  },
  'before the answer to a whole upload': (way, socket, id) => {
    socket.write(`${headOf(way, { method: 'POST', target: `/silent?id=${id}`, bodyBytes: 5 })}whole`);
  },
  'in events that have become quiet': (way, socket, id) => {
    socket.write(headOf(way, { method: 'GET', target: `/streaming?id=${id}` }));
  },
  'in a download that it does not read': (way, socket, id) => {
    socket.pause();
    socket.write(headOf(way, { method: 'GET', target: `/flooding?id=${id}` }));
  },
  'before its WebSocket is open': handshake('opening'),
  'with its WebSocket open': handshake('opened'),
};

const manners: Readonly<Record<string, (socket: Socket) => void>> = {
  'closes its socket': (socket) => socket.destroy(),
  'resets it': (socket) => socket.resetAndDestroy(),
};

/** Runs a phase until the server is in it, leaves, and says how long the server takes to notice. */
async function noticedAfterMs(way: Way, direct: Way, phase: Phase, leave: (socket: Socket) => void): Promise<number> {
  const id = randomUUID();
  const socket = connect(way.port, '127.0.0.1').on('error', () => {});
  socket.resume();
  await once(socket, 'connect');
  phase(way, socket, id);
  await ask(direct, { method: 'GET', target: `/arrival?id=${id}` });
  const noticed = ask(direct, { method: 'GET', target: `/departure?id=${id}` });
  const left = performance.now();
  leave(socket);
  await noticed;
  return performance.now() - left;
}

/** The same, tried until it is quick enough. */
async function quickestMs(...[way, direct, phase, leave]: Parameters<typeof noticedAfterMs>): Promise<number> {
  let quickest = Number.POSITIVE_INFINITY;
  for (let tried = 0; tried < mostTries && quickest >= noticedWithinMs; tried++) {
    quickest = Math.min(quickest, await noticedAfterMs(way, direct, phase, leave));
  }
  return quickest;
}

describe.each(['hypercorn', 'uvicorn'] as const)('%s', (server) => {
  describe.each(Object.entries(phases))('a client that leaves %s', (_phase, phase) => {
    test.each(Object.entries(manners))('and %s', async (_manner, leave) => {
      const [direct, relayed] = servers.ways(server);
      expect(await quickestMs(direct!, direct!, phase, leave)).toBeLessThan(noticedWithinMs);
      expect(await quickestMs(relayed!, direct!, phase, leave)).toBeLessThan(noticedWithinMs);
    });
  });
});
