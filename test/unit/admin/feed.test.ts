import { EventEmitter } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { Writable } from 'node:stream';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Feed } from '../../../src/admin/feed.ts';
import { ViolationLog } from '../../../src/admin/violations.ts';
import type { Config } from '../../../src/config/types.ts';
import { CounterStore } from '../../../src/observe/metrics/store.ts';
import { HeardMistakes } from '../../helpers/heard-mistakes.ts';

beforeEach(() => vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'Date', 'performance'] }));
afterEach(() => vi.useRealTimers());

/** Takes what it is given when it is told to. */
class SlowResponse extends Writable {
  #done: (() => void) | null = null;
  text = '';

  writeHead(): void {}

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.text += chunk.toString();
    this.#done = done;
  }

  override _writev(_chunks: unknown, done: () => void): void {
    this.#done = done;
  }

  takeAll(): void {
    for (let done = this.#done; done !== null; done = this.#done) {
      this.#done = null;
      done();
    }
  }
}

const seconds = (n: number) => vi.advanceTimersByTime(1000 * n);

function feedOf(counters: CounterStore, violations = new ViolationLog()): Feed {
  const config = { files: [], hash: '', routes: [], routesApi: null } as unknown as Config;
  const feed = new Feed({
    config: () => config,
    configState: () => ({ config, resolved: null, loadedAtMs: 0, needsRestart: [], lastError: null }),
    counters,
    live: { sessions: () => [], memory: { pressure: 0, limitBytes: 1 } },
    drain: () => null,
    build: { version: '', revision: '' },
    violations,
  });
  feed.start();
  return feed;
}

/** A watcher of a thousand routes that have been used for the last five minutes. */
async function watch(counters = new CounterStore()): Promise<SlowResponse> {
  for (let i = 0; i < 1000; i++) counters.of(`route-${i}`);
  const feed = feedOf(counters);
  seconds(300);
  return watcherOf(feed);
}

async function watcherOf(feed: Feed): Promise<SlowResponse> {
  const res = new SlowResponse();
  const req = { headers: {}, socket: new EventEmitter() } as unknown as IncomingMessage;
  if (!('stream' in feed.endpoint)) throw new Error('the feed is a stream');
  await feed.endpoint.stream({ req, params: {}, query: new URLSearchParams() }, res as unknown as ServerResponse);
  return res;
}

test('a watcher that has not read its hello yet is not dropped for its size', async () => {
  const res = await watch();
  expect(res.writableLength).toBeGreaterThan(2 << 20);
  seconds(10);
  expect(res.destroyed).toBe(false);
  res.takeAll();
  seconds(1);
  expect(res.destroyed).toBe(false);
});

test('a watcher that reads nothing for half a minute is dropped', async () => {
  const res = await watch();
  seconds(32);
  expect(res.destroyed).toBe(true);
});

test('a mistake of ours in what watchers are shown ends their streams, and not the process', async () => {
  using mistakes = new HeardMistakes();
  const counters = new CounterStore();
  const res = await watch(counters);
  vi.spyOn(counters, 'entries').mockImplementation(() => {
    throw new Error('entries');
  });
  seconds(1);
  expect([mistakes.told, res.destroyed]).toEqual([['entries'], true]);
});

test.each([5, -5])(
  'where the clock is set by %i hours pages begin anew, and all that is known stays',
  async (hours) => {
    const violations = new ViolationLog();
    const feed = feedOf(new CounterStore(), violations);
    const began = Date.now();
    const reject = () =>
      violations.addRejection(
        { route: 'a', address: '10.0.0.1', limit: 'connections.max', configured: 1, observed: 2 },
        performance.now(),
      );
    seconds(10);
    reject();
    const before = await watcherOf(feed);
    vi.setSystemTime(Date.now() + hours * 3_600_000);
    seconds(1);
    expect(before.destroyed).toBe(true);
    reject();
    const { text } = await watcherOf(feed);
    const hello = JSON.parse(/data: (.*)/.exec(text)![1]!);
    expect(hello.at).toBe(Date.now());
    // As if the clock had always been right.
    const set = began + hours * 3_600_000;
    expect(hello.startedAt).toBe(set);
    expect(hello.history.at).toEqual(Array.from({ length: 12 }, (_, second) => set + 1000 * second));
    expect(hello.violations).toMatchObject([{ firstAt: set + 10_000, lastAt: set + 11_000, times: 2 }]);
    expect(hello.violationTotals).toMatchObject([{ times: 2 }]);
  },
);
