/** A 101 of the careful lane that its client does not take: the handshake ends with its time, and when it is given up. */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { expect, test } from 'vitest';
import { Tunnel, type TunnelRequest } from '../../../src/front/careful/tunnel.ts';
import { fakeUpstream } from '../../helpers/fake-upstream.ts';
import { budgetOf } from '../../helpers/memory.ts';
import { sampleKey } from '../../helpers/raw-client.ts';

/** A client's socket that takes nothing; the kernel's buffer is full. */
class FullSocket extends Duplex {
  /** Resolves when something waits. */
  readonly waits = once(this, 'waits');
  #written: ((error: Error) => void) | null = null;

  override _read(): void {}

  override _write(_chunk: unknown, _encoding: string, written: (error: Error) => void): void {
    this.#written = written;
    this.emit('waits');
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#written?.(new Error('closed'));
    done(error);
  }

  resetAndDestroy(): void {
    this.destroy();
  }
}

async function waiting(handshakeMs: number) {
  const upstream = await fakeUpstream();
  const socket = new FullSocket().on('error', () => {});
  const abort = new AbortController();
  const told: string[] = [];
  const upstreamSocket = connect(upstream.port, '127.0.0.1');
  await once(upstreamSocket, 'connect');
  const endpoint = {
    connect: async () => ({ socket: upstreamSocket, elapsedMs: 0 }),
    lease: () => ({ endpoint, [Symbol.dispose]: () => void told.push('endpoint') }),
  };
  const visit = {
    headerBytes: 100,
    takeLoan: () => null,
    changes: null,
    answerChanges: null,
    agreeOn() {},
    headers: [
      ...['Host', 'a.test', 'Upgrade', 'websocket', 'Connection', 'Upgrade'],
      ...['Sec-WebSocket-Version', '13', 'Sec-WebSocket-Key', sampleKey],
    ],
    target: '/',
    ask: { key: sampleKey, subprotocols: [] },
    signal: abort.signal,
    get left() {
      return abort.signal.aborted;
    },
    leave: () => abort.abort(),
    values: () => [],
    origination: { forwarding: [], trusted: false },
  };
  const memory = budgetOf();
  const connectSeconds = { observe: () => {} };
  const request = {
    visit,
    route: {
      endpoint,
      hub: null,
      counters: { connectSeconds },
      route: { name: 'a', timeouts: { connectMs: 0, handshakeMs } },
    },
    socket: socket as unknown as Socket,
    early: { take: () => Buffer.alloc(0) },
    recorder: { refused: (_: unknown, { outcome }: { outcome: string }) => told.push(outcome), blame: () => {} },
    memory,
    draining: () => false,
    open: () => told.push('opened'),
  };
  const tunnel = new Tunnel(request as unknown as TunnelRequest);
  await socket.waits;
  return {
    tunnel,
    told,
    visit,
    memory,
    upstreamSocket,
    [Symbol.asyncDispose]: () => upstream[Symbol.asyncDispose](),
  };
}

test.each([
  ['its time', 50, () => {}, 'client_gone'],
  ['its client', 0, ({ visit }: { visit: { leave(): void } }) => visit.leave(), 'client_gone'],
  ['a drain', 0, ({ tunnel }: { tunnel: Tunnel }) => tunnel.cancel(), 'draining'],
] as const)('ends with %s, and leaves nothing behind', async (_, handshakeMs, end, outcome) => {
  await using all = await waiting(handshakeMs);
  end(all);
  await all.tunnel.done;
  expect(all.told).toEqual(['endpoint', outcome]);
  expect(all.upstreamSocket.destroyed).toBe(true);
  expect(all.memory.usedBytes).toBe(0);
  expect(all.memory.holders.size).toBe(0);
});
