/**
 * Plain numbers for the hot path. Prometheus sees them when it scrapes (`prometheus.ts`); nothing here formats,
 * labels or allocates per message.
 *
 * Sums of bytes pass 2^31 within minutes. A field that has held small integers only makes V8 drop the compiled code of all
 * who use it at that moment, and relaying is two to four times slower for a third of a second (measured). So these fields
 * begin as a fraction, `NaN`, before they become 0.
 */
import type { ConnectionReason, EndedBy, HandshakeResult, LimitAction, LimitName } from '../outcomes.ts';

/** A fixed-bucket histogram of plain numbers. `bounds` are inclusive upper bounds, ascending. */
export class Histogram {
  readonly bounds: readonly number[];
  /** One count per bound, and a last one for +Inf; not cumulative. */
  readonly counts: Float64Array;
  sum = Number.NaN;

  constructor(bounds: readonly number[]) {
    this.sum = 0;
    this.bounds = bounds;
    this.counts = new Float64Array(bounds.length + 1);
  }

  observe(value: number): void {
    const { bounds } = this;
    let i = 0;
    while (i < bounds.length && value > bounds[i]!) i++;
    this.counts[i]!++;
    this.sum += value;
  }
}

/** 64 B to 256 MiB in steps of four. */
export const sizeBounds: readonly number[] = Array.from({ length: 12 }, (_, i) => 64 * 4 ** i);
/** Handshake and connect times in seconds. */
export const latencyBounds: readonly number[] = [
  0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 15,
];
/** Connection life in seconds, 1 s to 24 h. */
export const durationBounds: readonly number[] = [1, 5, 15, 60, 300, 900, 3600, 14_400, 43_200, 86_400];

export type PauseCause = 'buffer' | 'queue' | 'rate' | 'memory';

/** A count for each key that has occurred. */
export type Tally<K extends string> = Partial<Record<K, number>>;

/** Adds one (or `by`) to a tally. Not for per-message use. */
export function tally<K extends string>(counts: Tally<K>, key: K, by = 1): void {
  counts[key] = (counts[key] ?? 0) + by;
}

/** What one sender did on one route. */
export class SenderCounters {
  textMessages = 0;
  binaryMessages = 0;
  /** Payload bytes of data messages. */
  messageBytes = Number.NaN;
  /** Every byte read from this sender after the handshake. */
  wireBytes = Number.NaN;
  /** Sizes of complete messages, and of refused ones as far as known. */
  readonly messageSizes = new Histogram(sizeBounds);
  readonly pauses: Record<PauseCause, number> = { buffer: 0, queue: 0, rate: 0, memory: 0 };
  readonly pausedMs: Record<PauseCause, number> = { buffer: 0, queue: 0, rate: 0, memory: 0 };
  readonly violations: Tally<`${LimitName}|${LimitAction}`> = {};
  /** Close codes received from this sender, folded by `foldCloseCode`. */
  readonly closeCodes: Tally<string> = {};

  constructor() {
    this.messageBytes = 0;
    this.wireBytes = 0;
  }
}

/** Everything counted for one route; it outlives reloads, keyed by the route's name. */
export class RouteCounters {
  readonly client = new SenderCounters();
  readonly upstream = new SenderCounters();
  readonly handshakes: Tally<HandshakeResult> = {};
  readonly handshakeSeconds = new Histogram(latencyBounds);
  readonly connectSeconds = new Histogram(latencyBounds);
  readonly connectionSeconds = new Histogram(durationBounds);
  readonly closed: Tally<`${EndedBy}|${ConnectionReason}`> = {};
  readonly pingRttSeconds = { client: new Histogram(latencyBounds), upstream: new Histogram(latencyBounds) };
  /** By error: connect_refused, connect_timeout, dns, reset, bad_handshake, handshake_timeout, other. */
  readonly upstreamErrors: Tally<string> = {};
  untrustedForwardingHeaders = 0;
  /** By `METHOD|2xx`. */
  readonly httpRequests: Tally<string> = {};
  readonly httpRequestSeconds = new Histogram([...latencyBounds, 30, 60, 300]);
  readonly httpBodyBytes = new Histogram(sizeBounds);
}
