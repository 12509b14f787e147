/**
 * `GET /api/feed`: server-sent events for the status page. A `hello` holds everything, a `tick` each second what has changed.
 * Each is made once for all who watch, and not at all while nobody does; only the counters are sampled then, so that the
 * page opens with the last minutes.
 */
import type { ServerResponse } from 'node:http';
import { sizeBounds } from '../metrics/counters.ts';
import { problem, send } from './answer.ts';
import type { Endpoint } from './router.ts';
import { type SnapshotSource, takeSnapshot } from './snapshot.ts';
import { Throughput } from './throughput.ts';
import type { ViolationLog } from './violations.ts';

/** What the feed tells of. */
export interface FeedSource extends SnapshotSource {
  readonly violations: ViolationLog;
}

const tickMs = 1000;
/** More than the people who are ever called at the same time. */
const maxWatchers = 20;
/** A watcher with this much unread is dropped; its page comes back and gets a new `hello`. */
const maxPendingBytes = 2 << 20;

export class Feed {
  readonly endpoint: Endpoint;
  readonly #source: FeedSource;
  readonly #memory = { throughput: new Throughput(), startedAt: Date.now() };
  readonly #watchers = new Set<ServerResponse>();
  #timer: NodeJS.Timeout | null = null;

  constructor(source: FeedSource) {
    this.#source = source;
    this.endpoint = { method: 'GET', path: '/api/feed', access: 'operator', stream: (_, res) => this.#watch(res) };
  }

  /** How many watch. */
  get watchers(): number {
    return this.#watchers.size;
  }

  /** Begins to sample. */
  start(): void {
    this.#sample(Date.now());
    this.#timer = setInterval(() => this.#tick(Date.now()), tickMs);
    // What runs is the listener; the feed keeps no process alive.
    this.#timer.unref();
  }

  /** Ends every stream. */
  stop(): void {
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#timer = null;
    for (const res of this.#watchers) res.end();
  }

  #watch(res: ServerResponse): void {
    if (this.#watchers.size >= maxWatchers) {
      const what = `${maxWatchers} pages are watching already`;
      send(res, problem(503, { code: 'too_many_watchers', what, remedy: 'close one of them' }));
      return;
    }
    res.writeHead(200, { 'Content-Type': 'text/event-stream; charset=utf-8', 'X-Accel-Buffering': 'no' });
    // What has happened until now is in the `hello`.
    if (this.#watchers.size === 0) this.#source.violations.takeChanged(Date.now());
    this.#watchers.add(res);
    res.on('close', () => this.#watchers.delete(res));
    const now = Date.now();
    const { violations } = this.#source;
    const hello = {
      ...takeSnapshot(this.#source, this.#memory, now),
      sizeBounds,
      history: this.#memory.throughput.history(),
      violations: violations.list(now),
      violationTotals: violations.totals(now),
    };
    push(res, event('hello', hello));
  }

  #tick(now: number): void {
    this.#sample(now);
    if (this.#watchers.size === 0) return;
    const { violations } = this.#source;
    const changes = { violations: violations.takeChanged(now), violationTotals: violations.totals(now) };
    const bytes = event('tick', { ...takeSnapshot(this.#source, this.#memory, now), ...changes });
    for (const res of this.#watchers) push(res, bytes);
  }

  #sample(now: number): void {
    this.#memory.throughput.sample(this.#source.counters.entries(), now);
  }
}

function event(name: string, data: unknown): Buffer {
  return Buffer.from(`event: ${name}\ndata: ${JSON.stringify(data)}\n\n`);
}

function push(res: ServerResponse, bytes: Buffer): void {
  if (res.writableLength > maxPendingBytes) res.destroy();
  else res.write(bytes);
}
