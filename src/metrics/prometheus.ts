/** Renders the counters for Prometheus. Nothing is done for it between two scrapes. */
import { Counter, collectDefaultMetrics, Gauge, Histogram as PromHistogram, Registry } from 'prom-client';
import type { Histogram } from './counters.ts';
import type { Family, HistogramFamily, Labels, NumberFamily } from './families.ts';
import { liveFamilies } from './live-families.ts';
import { processFamilies } from './process-families.ts';
import { routeFamilies } from './route-families.ts';
import type { MetricsSource } from './source.ts';

/** The prefix of every metric of Sluice's own. */
export const prefix = 'sluice_';

/** Every metric of Sluice's own, in the order of the documentation. */
export const families: readonly Family[] = [...processFamilies, ...liveFamilies, ...routeFamilies];

/** A registry whose metrics read `source` when they are scraped, with Node's and the process's own beside them. */
export function createRegistry(source: MetricsSource): Registry {
  const registry = new Registry();
  for (const family of families) {
    if (family.type === 'histogram') new CountedHistogram(family, source, registry);
    else registerNumbers(family, source, registry);
  }
  collectDefaultMetrics({ register: registry });
  // The gauges of active handles end in _total, which only counters may, and list every socket for each scrape.
  for (const { name, type } of registry.getMetricsAsArray()) {
    if (type === 'gauge' && name.endsWith('_total')) registry.removeSingleMetric(name);
  }
  return registry;
}

function registerNumbers(family: NumberFamily, source: MetricsSource, registry: Registry): void {
  const options = { name: prefix + family.name, help: family.help, labelNames: family.labels, registers: [registry] };
  if (family.type === 'gauge') {
    new Gauge({
      ...options,
      collect() {
        this.reset();
        family.collect(source, (labels, value) => this.set(labels, value));
      },
    });
  } else {
    new Counter({
      ...options,
      collect() {
        this.reset();
        family.collect(source, (labels, value) => this.inc(labels, value));
      },
    });
  }
}

/** A histogram whose observations were counted elsewhere: prom-client's own can only observe one value at a time. */
class CountedHistogram extends PromHistogram<string> {
  readonly #family: HistogramFamily;
  readonly #source: MetricsSource;

  constructor(family: HistogramFamily, source: MetricsSource, registry: Registry) {
    const { help, bounds } = family;
    super({ name: prefix + family.name, help, labelNames: family.labels, buckets: [...bounds], registers: [registry] });
    this.#family = family;
    this.#source = source;
  }

  /** What the registry renders as text; `get` adds each value's shared labels to its own. */
  async getForPromString(): Promise<object> {
    const name = prefix + this.#family.name;
    const values: HistogramValue[] = [];
    this.#family.collect(this.#source, (labels, histogram) => appendBuckets(values, name, labels, histogram));
    return { name, help: this.#family.help, type: this.#family.type, aggregator: 'sum', values };
  }
}

interface HistogramValue {
  readonly metricName: string;
  readonly labels: Record<string, string | number>;
  readonly sharedLabels: Labels;
  readonly value: number;
}

function appendBuckets(values: HistogramValue[], name: string, sharedLabels: Labels, histogram: Histogram): void {
  const { bounds, counts, sum } = histogram;
  let count = 0;
  for (const [i, le] of [...bounds, '+Inf'].entries()) {
    count += counts[i]!;
    values.push({ metricName: `${name}_bucket`, labels: { le }, sharedLabels, value: count });
  }
  values.push({ metricName: `${name}_sum`, labels: {}, sharedLabels, value: sum });
  values.push({ metricName: `${name}_count`, labels: {}, sharedLabels, value: count });
}
