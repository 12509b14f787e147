/** The last minutes of every route: messages and bytes per second, from counters that are kept anyway. */
import type { RouteCounters } from '../observe/metrics/counters.ts';

/** Messages per second and bytes per second of the client, then of the upstream. */
export type Rates = readonly [
  clientMessages: number,
  clientBytes: number,
  upstreamMessages: number,
  upstreamBytes: number,
];

/** The samples that are kept, with the times at which they were taken. */
export interface ThroughputHistory {
  readonly at: readonly number[];
  /** The rows of each route. */
  readonly routes: Iterable<readonly [routeName: string, rows: Rows]>;
}

/** Four, in the order of `Rates`, each as long as the times; `null` where nothing is known. */
export type Rows = readonly (readonly (number | null)[])[];

/** One sample per second for five minutes: 5 KB per route. */
const maxSamples = 300;
/** One more, for the sample that comes while a history is made. */
const slotCount = maxSamples + 1;
const columns = 4;
/**
 * The longest interval between two samples. After a longer silence (a process that was stopped) an average would be
 * drawn as if it had been measured.
 */
const maxIntervalMs = 5000;

interface Track {
  readonly before: Float64Array;
  readonly rates: Float32Array;
  /** The sample that was taken last. */
  last: number;
}

export class Throughput {
  readonly #at: number[] = [];
  readonly #tracks = new Map<string, Track>();
  #samples = 0;
  #lastAt = Number.NEGATIVE_INFINITY;

  /** Takes one sample; call it about once a second. */
  sample(routes: Iterable<readonly [routeName: string, counters: RouteCounters]>, now: number): void {
    const elapsedMs = now - this.#lastAt;
    this.#lastAt = now;
    const slot = this.#samples % slotCount;
    this.#at[slot] = now;
    for (const [name, counters] of routes) {
      let track = this.#tracks.get(name);
      if (!track) {
        track = {
          before: new Float64Array(columns),
          rates: new Float32Array(columns * slotCount).fill(NaN),
          last: -1,
        };
        this.#tracks.set(name, track);
      }
      const known = track.last === this.#samples - 1 && track.last >= 0 && elapsedMs > 0 && elapsedMs <= maxIntervalMs;
      track.last = this.#samples;
      for (let column = 0; column < columns; column++) {
        const value = counted(counters, column);
        const rate = known ? ((value - track.before[column]!) * 1000) / elapsedMs : NaN;
        track.before[column] = value;
        track.rates[slot * columns + column] = rate;
      }
    }
    this.#samples++;
  }

  /** The rates of a route's last sample; zeros where nothing is known. */
  latest(routeName: string): Rates {
    const track = this.#tracks.get(routeName);
    const at = ((this.#samples - 1) % slotCount) * columns;
    const rate = (column: number) => (track ? rounded(track.rates[at + column]!) : null) ?? 0;
    return [rate(0), rate(1), rate(2), rate(3)];
  }

  /** Everything that is kept, oldest first; rows are made when they are asked for. */
  history(): ThroughputHistory {
    const kept = Math.min(this.#samples, maxSamples);
    const slots = Array.from({ length: kept }, (_, i) => (this.#samples - kept + i) % slotCount);
    return { at: slots.map((slot) => this.#at[slot]!), routes: rowsOf(this.#tracks, slots) };
  }
}

function* rowsOf(tracks: ReadonlyMap<string, Track>, slots: readonly number[]): Generator<[string, Rows]> {
  for (const [name, { rates }] of tracks) {
    const row = (_: unknown, column: number) => slots.map((slot) => rounded(rates[slot * columns + column]!));
    yield [name, Array.from({ length: columns }, row)];
  }
}

function counted({ client, upstream }: RouteCounters, column: number): number {
  const sender = column < 2 ? client : upstream;
  return column % 2 === 0 ? sender.messages : sender.messageBytes;
}

/** One decimal is enough for a picture, and is short in JSON. */
function rounded(rate: number): number | null {
  return Number.isNaN(rate) ? null : Math.round(rate * 10) / 10;
}
