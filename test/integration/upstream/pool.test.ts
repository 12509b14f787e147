/** The pool with real sockets; the clocks are the test's. */
import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import type { ConnectFailure } from '../../../src/upstream/failure.ts';
import { Pool, type PoolLease, type Reuse } from '../../../src/upstream/pool.ts';
import { testConnector } from '../../helpers/connector.ts';
import { listen } from '../../helpers/listen.ts';
import { noUpstreamTls } from '../../helpers/relay.ts';

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
});
afterEach(() => {
  vi.useRealTimers();
});

interface Stand {
  readonly pool: Pool;
  /** The upstream's ends, in the order of their coming. */
  readonly ends: Socket[];
  lease(reuse?: Reuse, signal?: AbortSignal): Promise<PoolLease>;
  ask(reuse?: Reuse, signal?: AbortSignal): Promise<PoolLease | ConnectFailure>;
}

async function startStand(max = 10): Promise<Stand> {
  const ends: Socket[] = [];
  const server = createServer((socket) => ends.push(socket.on('error', () => {}).resume()));
  const port = await listen(server);
  const connector = testConnector();
  const target = { protocol: 'http:', host: '127.0.0.1', port, href: '' } as const;
  const pool = new Pool(
    (timeoutMs, signal) => connector.connect({ target, tls: noUpstreamTls, timeoutMs, signal }),
    max,
  );
  onTestFinished(() => {
    pool.retire();
    for (const end of ends) end.destroy();
    server.close();
  });
  const ask = (reuse: Reuse = 'any', signal = new AbortController().signal) =>
    pool.lease({ reuse, timeoutMs: 5000, signal });
  return {
    pool,
    ends,
    ask,
    async lease(reuse, signal) {
      const lease = await ask(reuse, signal);
      if ('problem' in lease) throw new Error(lease.detail);
      return lease;
    },
  };
}

/** Whether a promise is settled by what can happen without I/O. */
async function isPending(promise: Promise<unknown>): Promise<boolean> {
  const pending = Symbol();
  return (await Promise.race([promise, new Promise((resolve) => setImmediate(resolve, pending))])) === pending;
}

describe('connections that are given back', () => {
  test('are lent again, the last used first', async () => {
    const { pool, lease } = await startStand();
    const [a, b] = [await lease(), await lease()];
    expect([a.reused, b.reused]).toEqual([false, false]);
    expect(a.connectMs).not.toBeNull();
    a.giveBack();
    b.giveBack();
    const again = await lease();
    expect([again.socket, again.reused, again.connectMs]).toEqual([b.socket, true, null]);
    expect([pool.size, pool.idle]).toEqual([2, 1]);
    expect(pool.take('any')?.socket).toBe(a.socket);
    expect(pool.take('any')).toBeNull();
  });

  test('count once, however often they are given back or discarded', async () => {
    const { pool, lease } = await startStand();
    const a = await lease();
    a.giveBack();
    a.giveBack();
    a.discard();
    expect([pool.size, pool.idle, a.socket.destroyed]).toEqual([1, 1, false]);
    const b = await lease();
    b.discard();
    b.giveBack();
    b.discard();
    expect([pool.size, pool.idle, b.socket.destroyed]).toEqual([0, 0, true]);
  });

  test('are closed after 4 s without use', async () => {
    const { pool, lease } = await startStand();
    const [a, b] = [await lease(), await lease()];
    a.giveBack();
    vi.advanceTimersByTime(3000);
    b.giveBack();
    vi.advanceTimersByTime(999);
    expect(a.socket.destroyed).toBe(false);
    vi.advanceTimersByTime(1);
    expect([a.socket.destroyed, b.socket.destroyed]).toEqual([true, false]);
    vi.advanceTimersByTime(3000);
    expect([b.socket.destroyed, pool.size]).toEqual([true, 0]);
    expect(vi.getTimerCount()).toBe(0);
  });

  test('are not lent where a new one is asked for', async () => {
    const { lease, pool } = await startStand();
    const a = await lease();
    a.giveBack();
    expect((await lease('none')).reused).toBe(false);
    expect((await lease('any')).socket).toBe(a.socket);
    expect(pool.size).toBe(2);
  });

  test('are closed 60 s after they were opened, however busy they are', async () => {
    const { pool, lease, ends } = await startStand();
    const { socket } = await lease().then((first) => {
      first.giveBack();
      return first;
    });
    for (let second = 0; second < 60; second++) {
      vi.advanceTimersByTime(1000);
      const again = await lease();
      expect(again.socket).toBe(socket);
      again.giveBack();
    }
    vi.advanceTimersByTime(1);
    const next = await lease();
    expect(next.socket).not.toBe(socket);
    expect(socket.destroyed).toBe(true);
    vi.advanceTimersByTime(60_001);
    next.giveBack();
    expect([next.socket.destroyed, pool.size, ends.length]).toEqual([true, 0, 2]);
  });

  test.each([
    ['ends', (end: Socket) => end.end()],
    ['resets', (end: Socket) => end.resetAndDestroy()],
    ['writes out of turn on', (end: Socket) => end.write('HTTP/1.1 408 Request Timeout\r\n\r\n')],
  ])('are gone as soon as the upstream %s them', async (_, does) => {
    const { pool, lease, ends } = await startStand();
    const lent = await lease();
    const idle = await lease();
    idle.giveBack();
    const closed = new Promise((resolve) => idle.socket.once('close', resolve));
    does(ends[1]!);
    await closed;
    expect([pool.idle, pool.size, lent.socket.destroyed]).toEqual([0, 1, false]);
  });

  test('are closed where they have ended meanwhile', async () => {
    const { pool, lease, ends } = await startStand();
    const ended = await lease();
    const end = once(ended.socket, 'end');
    ended.socket.resume();
    ends[0]!.end();
    await end;
    ended.giveBack();
    expect([ended.socket.destroyed, pool.size]).toEqual([true, 0]);
  });
});

describe('at most so many connections', () => {
  test('are open: others wait in their order and get what is given back', async () => {
    const { pool, lease } = await startStand(2);
    const [a, b] = [await lease(), await lease()];
    const order: string[] = [];
    const first = lease().then((given) => {
      order.push('first');
      return given;
    });
    const second = lease('none').then((given) => {
      order.push('second');
      return given;
    });
    expect(await isPending(first)).toBe(true);
    expect(pool.waiting).toBe(2);
    b.giveBack();
    expect((await first).socket).toBe(b.socket);
    expect(await isPending(second)).toBe(true);
    a.discard();
    expect((await second).reused).toBe(false);
    expect(order).toEqual(['first', 'second']);
    expect([pool.size, pool.waiting]).toEqual([2, 0]);
  });

  test('are open: who needs a new one has it in the place of an idle one', async () => {
    const { pool, lease } = await startStand(1);
    const a = await lease();
    a.giveBack();
    const fresh = await lease('none');
    expect([a.socket.destroyed, fresh.reused, pool.size]).toEqual([true, false, 1]);
    const waiting = lease('none');
    expect(await isPending(waiting)).toBe(true);
    fresh.giveBack();
    expect((await waiting).reused).toBe(false);
    expect([fresh.socket.destroyed, pool.size]).toEqual([true, 1]);
  });

  test('are waited for as long as a connect may take, and by as many requests', async () => {
    const { pool, ask, lease } = await startStand(1);
    const a = await lease();
    const waiting = ask();
    const detail = expect.stringContaining('as many requests wait');
    expect(await ask()).toEqual({ problem: 'busy', detail, limit: { configured: 1, observed: 2 } });
    vi.advanceTimersByTime(4999);
    expect(await isPending(waiting)).toBe(true);
    vi.advanceTimersByTime(1);
    expect(await waiting).toMatchObject({ problem: 'busy', detail: expect.stringContaining('in 5000 ms') });
    a.discard();
    expect([pool.size, pool.waiting]).toEqual([0, 0]);
  });

  test('are shared out anew when the number changes', async () => {
    const { pool, lease } = await startStand(2);
    await Promise.all([lease(), lease()]);
    const [third, fourth] = [lease(), lease()];
    expect(await isPending(third)).toBe(true);
    pool.max = 3;
    expect((await third).reused).toBe(false);
    expect(await isPending(fourth)).toBe(true);
    pool.max = 4;
    expect((await fourth).reused).toBe(false);
  });
});

describe('a request that is given up', () => {
  test('before it has begun gets nothing', async () => {
    const { pool, ask } = await startStand();
    expect(await ask('any', AbortSignal.abort())).toMatchObject({ problem: 'aborted' });
    expect(pool.size).toBe(0);
  });

  test('while it connects leaves no connection, and its place to the next', async () => {
    const { pool, ask, lease } = await startStand(1);
    const abort = new AbortController();
    const first = ask('any', abort.signal);
    const second = lease();
    abort.abort();
    expect(await first).toMatchObject({ problem: 'aborted' });
    expect((await second).reused).toBe(false);
    expect(pool.size).toBe(1);
  });

  test('while it waits leaves its place to the next', async () => {
    const { pool, ask, lease } = await startStand(2);
    const [a] = [await lease(), await lease()];
    const abort = new AbortController();
    const [first, second] = [ask('any', abort.signal), lease()];
    abort.abort();
    expect(await first).toMatchObject({ problem: 'aborted' });
    a.giveBack();
    expect((await second).socket).toBe(a.socket);
    expect(pool.waiting).toBe(0);
  });
});

test('a pool that has retired keeps nothing, and still lends', async () => {
  const { pool, lease } = await startStand();
  const [a, b] = [await lease(), await lease()];
  a.giveBack();
  pool.retire();
  expect([a.socket.destroyed, pool.size]).toEqual([true, 1]);
  b.giveBack();
  expect([b.socket.destroyed, pool.size]).toEqual([true, 0]);
  const c = await lease();
  pool.revive();
  c.giveBack();
  expect([c.socket.destroyed, pool.idle]).toEqual([false, 1]);
});

test('a mistake of ours costs its request, and no place in the pool', async () => {
  const pool = new Pool(() => Promise.reject(new Error('a bug')), 1);
  const ask = { reuse: 'any', timeoutMs: 5000, signal: new AbortController().signal } as const;
  for (let i = 0; i < 3; i++) await expect(pool.lease(ask)).rejects.toThrow('a bug');
});
