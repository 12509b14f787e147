/**
 * `GET /metrics`. One rendering serves everybody who asks within a second, and few may ask at a time. So the cost of
 * scraping does not depend on how many scrapers there are.
 */
import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { Readable, type Transform } from 'node:stream';
import { createGzip, constants as zlib } from 'node:zlib';
import { contentTypes, type Format, freePieces } from '../observe/metrics/exposition.ts';
import { Pace } from '../observe/metrics/pace.ts';
import type { Renderer } from '../observe/metrics/prometheus.ts';
import { acceptsGzip, wantedFormat } from './accepts.ts';
import { problem, send, text } from './answer.ts';
import type { Ask, StreamingEndpoint } from './router.ts';

/** Two Prometheis that scrape alike are usual. */
const maxUnderWay = 2;
/** For how long a rendering serves those who ask. */
const freshMs = 1000;
/** As long as Prometheus waits by default. */
const longestMs = 10_000;
/** A client that takes nothing for so long gives way to others. */
const stalledMs = 2000;

interface Scrape {
  readonly res: ServerResponse;
  /** When its client last took something, as `performance.now()` has it; nothing counts before it is there. */
  movedAt: number;
}

export class Scrapes {
  readonly endpoint: StreamingEndpoint;
  readonly #renderings: Renderings;
  readonly #underWay = new Set<Scrape>();

  constructor(render: Renderer) {
    this.#renderings = new Renderings(render);
    const stream = (ask: Ask, res: ServerResponse) => this.#serve(ask, res);
    this.endpoint = { method: 'GET', path: '/metrics', access: 'open', head: true, stream };
  }

  async #serve({ req }: Ask, res: ServerResponse): Promise<void> {
    if (this.#underWay.size >= maxUnderWay && !this.#dropStalled()) {
      send(res, tooMany);
      return;
    }
    const scrape = { res, movedAt: Number.POSITIVE_INFINITY };
    this.#underWay.add(scrape);
    const closed = new Promise<void>((resolve) => res.once('close', resolve));
    const clock = setTimeout(() => res.destroy(), longestMs);
    res.once('close', () => {
      clearTimeout(clock);
      this.#underWay.delete(scrape);
    });
    try {
      const format = wantedFormat(req.headers.accept);
      const zips = acceptsGzip(header(req.headers['accept-encoding']));
      const rendering = await this.#renderings.of(format);
      using _use = rendering.use();
      const pieces = zips ? await rendering.zipped() : rendering.pieces;
      if (!res.destroyed) await this.#write(scrape, format, zips, pieces);
      // Until then the kernel may still be given what stands in the pieces.
      await closed;
    } catch (error) {
      // A scrape that fails must not take the open connections with it.
      if (res.headersSent || res.destroyed) res.destroy();
      else send(res, text(500, `the metrics cannot be read: ${error}\n`));
    }
  }

  /** Piece by piece, as the client takes them. */
  async #write(scrape: Scrape, format: Format, zips: boolean, pieces: readonly Buffer[]): Promise<void> {
    const { res } = scrape;
    res.writeHead(200, {
      'Content-Type': contentTypes[format],
      'Content-Length': pieces.reduce((sum, { length }) => sum + length, 0),
      Vary: 'Accept, Accept-Encoding',
      ...(zips && { 'Content-Encoding': 'gzip' }),
    });
    const gone = new AbortController();
    res.once('close', () => gone.abort());
    const pace = new Pace();
    for (const piece of pieces) {
      scrape.movedAt = performance.now();
      if (!res.write(piece)) await once(res, 'drain', { signal: gone.signal });
      // The kernel may take megabytes at once.
      if (pace.isOver) await pace.rest();
    }
    scrape.movedAt = performance.now();
    res.end();
  }

  /** Cuts a scrape whose client takes nothing; whether there was one. */
  #dropStalled(): boolean {
    const stalled = [...this.#underWay].find(({ movedAt }) => performance.now() - movedAt >= stalledMs);
    if (stalled === undefined) return false;
    this.#underWay.delete(stalled);
    stalled.res.destroy();
    return true;
  }
}

const tooMany = problem(
  503,
  {
    code: 'too_many_scrapes',
    what: `${maxUnderWay} scrapes are under way already`,
    remedy: 'ask again in a second, or let fewer scrapers ask at a time',
  },
  { 'Retry-After': '1' },
);

/** The renderings that may still serve somebody, one for each format. */
class Renderings {
  readonly #render: Renderer;
  readonly #current = new Map<Format, Promise<Rendering>>();

  constructor(render: Renderer) {
    this.#render = render;
  }

  of(format: Format): Promise<Rendering> {
    const known = this.#current.get(format);
    if (known) return known;
    const rendering = this.#render(format).then((pieces) => new Rendering(pieces));
    const startedAt = performance.now();
    this.#current.set(format, rendering);
    // One that is under way serves all who ask; megabytes are not kept until the next scrape.
    const forget = () => this.#current.delete(format);
    const expire = (made: Rendering) => {
      const use = made.use();
      const end = () => {
        forget();
        use[Symbol.dispose]();
      };
      setTimeout(end, Math.max(0, startedAt + freshMs - performance.now())).unref();
    };
    rendering.then(expire, forget);
    return rendering;
  }
}

/** One text of all metrics, which is gone when nobody uses it. */
class Rendering {
  readonly pieces: readonly Buffer[];
  #zipped: Promise<readonly Buffer[]> | null = null;
  #users = 0;

  constructor(pieces: readonly Buffer[]) {
    this.pieces = pieces;
  }

  /** Somebody reads from it, until that is disposed of. */
  use(): Disposable {
    this.#users++;
    return {
      [Symbol.dispose]: () => {
        if (--this.#users === 0) freePieces(this.pieces);
      },
    };
  }

  /** Compressed, once for all who accept that; not on the relay's thread. */
  zipped(): Promise<readonly Buffer[]> {
    this.#zipped ??= zip(this.pieces);
    return this.#zipped;
  }
}

function zip(pieces: readonly Buffer[]): Promise<readonly Buffer[]> {
  // The text repeats itself so much that the fastest level leaves a tenth.
  const gzip: Transform = createGzip({ level: zlib.Z_BEST_SPEED, chunkSize: 64 * 1024 });
  return Readable.from(pieces).compose<Transform>(gzip).toArray() as Promise<readonly Buffer[]>;
}

function header(value: string | readonly string[] | undefined): string | undefined {
  return typeof value === 'string' ? value : value?.join(',');
}
