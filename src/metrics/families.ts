/** Every metric of Sluice's own: name (without the prefix), help, labels, and how a scrape reads its values. */
import type { Histogram } from './counters.ts';
import type { MetricsSource } from './source.ts';

export type Labels = Record<string, string>;

/** A counter or gauge. */
export interface NumberFamily {
  readonly type: 'counter' | 'gauge';
  readonly name: string;
  readonly help: string;
  readonly labels: readonly string[];
  collect(source: MetricsSource, emit: (labels: Labels, value: number) => void): void;
}

/** A histogram whose counts exist already. */
export interface HistogramFamily {
  readonly type: 'histogram';
  readonly name: string;
  readonly help: string;
  readonly labels: readonly string[];
  readonly bounds: readonly number[];
  collect(source: MetricsSource, emit: (labels: Labels, histogram: Histogram) => void): void;
}

export type Family = NumberFamily | HistogramFamily;
