/** Every metric of Sluice's own: name (without the prefix), help, labels, and how a scrape reads its values. */
import type { Histogram } from './counters.ts';
import type { RouteReading } from './reading.ts';
import type { MetricsSource } from './source.ts';

/** Takes one series: its labels' values in the order of `labels` (an empty one is left out), and its own. */
export type Emit<Value> = (labels: readonly string[], value: Value) => void;

interface Described {
  readonly name: string;
  readonly help: string;
  readonly labels: readonly string[];
}

/** A counter or gauge. */
export interface NumberFamily extends Described {
  readonly type: 'counter' | 'gauge';
  /** The series of the process as a whole. */
  ofProcess?(source: MetricsSource, emit: Emit<number>): void;
  /** The series of one route. */
  ofRoute?(reading: RouteReading, emit: Emit<number>): void;
}

/** A histogram whose counts exist already; where nothing was counted, there is no series. */
export interface HistogramFamily extends Described {
  readonly type: 'histogram';
  readonly bounds: readonly number[];
  ofProcess?(source: MetricsSource, emit: Emit<Histogram>): void;
  ofRoute?(reading: RouteReading, emit: Emit<Histogram>): void;
}

export type Family = NumberFamily | HistogramFamily;
