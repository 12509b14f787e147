/**
 * Renders everything for Prometheus. Nothing is done for it between two scrapes, and a scrape of hundreds of routes
 * does not hold the relay up: it works in slices, and lets messages pass between them.
 */
import { collectDefaultMetrics, Registry } from 'prom-client'; // the package @prometheus-io/client
import type { Histogram } from './counters.ts';
import { Exposition, type Format, labelText } from './exposition.ts';
import type { Family } from './families.ts';
import { writeHubFamilies } from './hub-families.ts';
import { liveFamilies } from './live-families.ts';
import { Pace, type Turns } from './pace.ts';
import { processFamilies } from './process-families.ts';
import { type RouteReading, readRoutes } from './reading.ts';
import { routeFamilies } from './route-families.ts';
import type { MetricsSource } from './source.ts';

/** The prefix of every metric of Sluice's own. */
export const prefix = 'sluice_';

/** Every metric of Sluice's own, in the order of the documentation. */
export const families: readonly Family[] = [...processFamilies, ...liveFamilies, ...routeFamilies];

/** Renders all metrics; the pieces together are the text. */
export type Renderer = (format: Format) => Promise<readonly Buffer[]>;

/** A renderer that reads `source`, with Node's and the process's own metrics beside it. */
export function createRenderer(source: MetricsSource, turns?: Turns): Renderer {
  processRegistry ??= createProcessRegistry();
  const registry = processRegistry;
  return async (format) => {
    const pace = new Pace(turns);
    await pace.rest();
    const out = new Exposition(format);
    const readings = readRoutes(source);
    for (const family of families) {
      out.family(prefix + family.name, family.type, family.help);
      if (family.type === 'histogram') {
        family.ofProcess?.(source, (values, histogram) => writeHistogram(out, family, values, histogram));
      } else {
        family.ofProcess?.(source, (values, value) => out.sample(labelText(family.labels, values), value));
      }
      for (const reading of readings) {
        writeRoute(out, family, reading);
        if (pace.isOver) await pace.rest();
      }
    }
    if ((source.routesApi?.() ?? null) !== null) writeHubFamilies(out, format, source.counters.hub);
    for (const metric of registry.getMetricsAsArray()) {
      await writeMetric(out, metric as unknown as ReadableMetric);
      // Counting descriptors and heap spaces takes a while each.
      await pace.rest();
    }
    return out.finish();
  };
}

/** One that has counted nothing is not there. */
function writeHistogram(out: Exposition, { labels }: Family, values: readonly string[], histogram: Histogram): void {
  if (histogram.counts.some((count) => count > 0)) out.histogram(labelText(labels, values), histogram);
}

function writeRoute(out: Exposition, family: Family, reading: RouteReading): void {
  if (family.type === 'histogram') {
    family.ofRoute?.(reading, (values, histogram) => writeHistogram(out, family, values, histogram));
  } else {
    family.ofRoute?.(reading, (values, value) => out.sample(labelText(family.labels, values), value));
  }
}

/**
 * What Node and the process tell of themselves; one for all gateways of the process. The library looks at the event
 * loop every 10 ms and hears of each collection of garbage for as long as the process lives.
 */
let processRegistry: Registry | null = null;

function createProcessRegistry(): Registry {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  // These list every socket for each scrape.
  for (const { name } of registry.getMetricsAsArray()) {
    if (name.startsWith('nodejs_active_')) registry.removeSingleMetric(name);
  }
  return registry;
}

/** A metric of the library, as its `get` tells it. */
interface ReadableMetric {
  get(): Promise<{
    readonly name: string;
    readonly help: string;
    readonly type: string;
    readonly values: readonly {
      readonly metricName?: string;
      readonly labels?: Readonly<Record<string, string | number>>;
      readonly value: number;
    }[];
  }>;
}

async function writeMetric(out: Exposition, metric: ReadableMetric): Promise<void> {
  const { name, help, type, values } = await metric.get();
  out.family(name, type, help);
  for (const { metricName = name, labels = {}, value } of values) {
    const { le, ...others } = labels;
    const text = labelText(Object.keys(others), Object.values(others).map(String));
    if (le !== undefined) out.bucket(le === '+Inf' ? Number.POSITIVE_INFINITY : Number(le), text, value);
    else if (metricName === name) out.sample(text, value);
    else out.sample(text, value, metricName.slice(name.length));
  }
}
