/**
 * `GET /api/feed`: server-sent events for the status page. A `hello` holds everything, and a `tick` each second holds
 * what has changed. Each is made once for all watchers, and not at all while there are none. Only the counters are
 * sampled then, so that the page opens with the last minutes.
 */
import type { IncomingHttpHeaders, ServerResponse } from 'node:http';
import { contain } from '../mistakes.ts';
import { sizeBounds } from '../observe/metrics/counters.ts';
import { Pace } from '../observe/metrics/pace.ts';
import { toUnix } from '../wall-clock.ts';
import { problem, send } from './answer.ts';
import type { AdminEndpoint, Ask } from './router.ts';
import { type HeldPlace, holderOf, placesOfGreatest } from './share.ts';
import { type Snapshot, type SnapshotSource, takeSnapshot } from './snapshot.ts';
import { Throughput, type ThroughputHistory } from './throughput.ts';
import type { ViolationEntry, ViolationLog } from './violations.ts';

/** What the feed tells of. */
export interface FeedSource extends SnapshotSource {
  readonly violations: ViolationLog;
}

const tickMs = 1000;
/** The most watchers: more than the people who are ever called at the same time. */
const maxWatchers = 20;
/**
 * A watcher with this much unread beside its `hello`, or that has read nothing for so long, is dropped. Its page comes
 * back and gets a new `hello`: with hundreds of routes that alone is larger.
 */
const maxPendingBytes = 2 << 20;
const maxSilentTicks = 30;

export class Feed {
  readonly endpoint: AdminEndpoint;
  readonly #source: FeedSource;
  readonly #throughput = new Throughput();
  readonly #startedAt = performance.now();
  /** What makes dates of times in this moment's events: see wall-clock.ts. */
  #toUnix = toUnix();
  readonly #watchers = new Set<Watcher>();
  #timer: NodeJS.Timeout | null = null;

  constructor(source: FeedSource) {
    this.#source = source;
    this.endpoint = {
      method: 'GET',
      path: '/api/feed',
      access: 'operator',
      stream: (ask, res) => this.#watch(ask, res),
    };
  }

  /** How many watch. */
  get watchers(): number {
    return this.#watchers.size;
  }

  /** Begins to sample. */
  start(): void {
    this.#sample(performance.now());
    // A mistake in what pages are shown ends their streams, and nothing that the gateway relays.
    this.#timer = setInterval(() => {
      contain(
        () => this.#tick(performance.now()),
        () => this.#drop(),
      );
    }, tickMs);
    // The listener keeps the process alive, not the feed.
    this.#timer.unref();
  }

  /** Ends every stream. */
  stop(): void {
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#timer = null;
    for (const { res } of this.#watchers) res.end();
  }

  /** Drops all watchers; their pages come back. */
  #drop(): void {
    for (const { res } of this.#watchers) res.destroy();
  }

  async #watch({ req }: Ask, res: ServerResponse): Promise<void> {
    const { remoteAddress } = req.socket;
    if (navigates(req.headers)) {
      send(res, problem(403, notShown));
      return;
    }
    if (this.#watchers.size >= maxWatchers && !this.#makeRoom(remoteAddress)) {
      const what = `${maxWatchers} pages are watching already`;
      send(res, problem(503, { code: 'too_many_watchers', what, remedy: 'close one of them' }));
      return;
    }
    res.writeHead(200, { 'Content-Type': 'text/event-stream; charset=utf-8', 'X-Accel-Buffering': 'no' });
    const watcher = { res, remoteAddress, greeted: false, helloBytes: 0, silentTicks: 0 };
    this.#watchers.add(watcher);
    res.on('close', () => this.#watchers.delete(watcher));
    // A client asks nothing more here, so one that ends its side has left.
    req.socket.once('end', () => res.destroy());
    const history = await historyText(this.#throughput.history(), this.#toUnix);
    if (res.destroyed) return;
    const now = performance.now();
    const { violations } = this.#source;
    // The `hello` holds what has happened until now.
    if (!this.#isWatched) violations.takeChanged(now);
    const hello = {
      ...this.#snapshot(now),
      sizeBounds,
      violations: this.#dated(violations.list(now)),
      violationTotals: violations.totals(now),
    };
    watcher.greeted = true;
    const bytes = event('hello', `{"history":${history},${JSON.stringify(hello).slice(1)}`);
    push(watcher, bytes);
    watcher.helloBytes = bytes.length;
  }

  /** Whether anybody hears the ticks. */
  get #isWatched(): boolean {
    return [...this.#watchers].some(({ greeted }) => greeted);
  }

  /** Closes the oldest page of the address that has most, unless that is the newcomer's own. */
  #makeRoom(newcomer: string | undefined): boolean {
    const places = placesOfGreatest(this.#watchers);
    const holder = holderOf(newcomer);
    const own = [...this.#watchers].filter(({ remoteAddress }) => holderOf(remoteAddress) === holder);
    if (own.length + 1 >= places.length) return false;
    const victim = places[0]!;
    this.#watchers.delete(victim);
    victim.res.destroy();
    return true;
  }

  #tick(now: number): void {
    this.#sample(now);
    this.#followClock();
    if (!this.#isWatched) return;
    const { violations } = this.#source;
    const changes = { violations: this.#dated(violations.takeChanged(now)), violationTotals: violations.totals(now) };
    const bytes = event('tick', JSON.stringify({ ...this.#snapshot(now), ...changes }));
    for (const watcher of this.#watchers) if (watcher.greeted) push(watcher, bytes);
  }

  #sample(now: number): void {
    this.#throughput.sample(this.#source.counters.entries(), now);
  }

  /** Where the clock of the day has been set, no date that watchers have holds any more: they begin anew. */
  #followClock(): void {
    const before = this.#toUnix;
    this.#toUnix = toUnix();
    if (this.#toUnix !== before) this.#drop();
  }

  #snapshot(now: number): Snapshot {
    const startedAt = dateOf(this.#startedAt, this.#toUnix);
    return takeSnapshot(this.#source, { throughput: this.#throughput, startedAt }, dateOf(now, this.#toUnix));
  }

  #dated(entries: readonly ViolationEntry[]): ViolationEntry[] {
    const dated = (at: number) => dateOf(at, this.#toUnix);
    return entries.map((entry) => ({ ...entry, firstAt: dated(entry.firstAt), lastAt: dated(entry.lastAt) }));
  }
}

function dateOf(at: number, offset: number): number {
  return Math.round(at + offset);
}

function event(name: string, data: string): Buffer {
  return Buffer.from(`event: ${name}\ndata: ${data}\n\n`);
}

/** Returns the history as JSON, in slices, because hundreds of routes are megabytes. */
async function historyText({ at, routes }: ThroughputHistory, offset: number): Promise<string> {
  const pace = new Pace();
  const parts: string[] = [];
  await pace.rest();
  for (const [name, rows] of routes) {
    parts.push(`${JSON.stringify(name)}:${JSON.stringify(rows)}`);
    if (pace.isOver) await pace.rest();
  }
  return `{"at":${JSON.stringify(at.map((moment) => dateOf(moment, offset)))},"routes":{${parts.join(',')}}}`;
}

/** A page that watches. */
interface Watcher extends HeldPlace {
  readonly res: ServerResponse;
  /** Whether it has its `hello`. */
  greeted: boolean;
  /** How long that is, while some of it may be unread. */
  helloBytes: number;
  /** Ticks since it last had read everything. */
  silentTicks: number;
}

function push(watcher: Watcher, bytes: Buffer): void {
  const { res } = watcher;
  const hasRead = res.writableLength === 0;
  watcher.silentTicks = hasRead ? 0 : watcher.silentTicks + 1;
  if (hasRead) watcher.helloBytes = 0;
  const pendingBytes = res.writableLength - watcher.helloBytes;
  if (pendingBytes > maxPendingBytes || watcher.silentTicks > maxSilentTicks) res.destroy();
  else res.write(bytes);
}

/** Whether a browser wants to show the feed as a page. Any page can open windows, and each would take a place. */
function navigates({ accept = '', ...headers }: IncomingHttpHeaders): boolean {
  const mode = headers['sec-fetch-mode'];
  return mode === undefined ? accept.includes('text/html') : mode === 'navigate';
}

const notShown = {
  code: 'not_a_page',
  what: 'the feed is read by the status page, and a browser was led to it',
  remedy: 'open / instead, or send Accept: text/event-stream',
};
