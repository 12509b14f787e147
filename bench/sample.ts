/** One sample: what a peer needed for the work of one window, in the units of the tables. */
import type { Phase, Row, Workload } from './workloads.ts';

/** What the load generator says of one command. */
export interface PhaseReport {
  readonly seconds: number;
  readonly messages: number;
  readonly bytes: number;
  readonly p50Us: number;
  readonly p99Us: number;
  /** Of this command and all before it. */
  readonly p50SoFarUs: number;
  readonly p99SoFarUs: number;
  readonly unfinished: number;
  readonly closed: number;
}

/** What one run of one workload through one peer came to; times in seconds, memory in bytes. */
export interface Run {
  readonly reports: readonly PhaseReport[];
  /** Of the proxy; `null` where there is none. */
  readonly proxy: {
    readonly cpu: number;
    readonly rssBefore: number;
    readonly rssAfter: number;
    readonly rssPeak: number;
  } | null;
  /** What the WebSockets beside it say, each of a part of the time. */
  readonly beside?: readonly PhaseReport[];
  /** Of load generator and backend, where they share a core; else of the busier one. */
  readonly loadCpu: number;
}

/** Several runs of one process, counted as one. */
export function joinRuns(runs: readonly Run[]): Run {
  const [first] = runs;
  const proxies = runs.map(({ proxy }) => proxy).filter((proxy) => proxy !== null);
  const last = proxies.at(-1);
  return {
    reports: runs.flatMap(({ reports }) => reports),
    proxy:
      last && first?.proxy
        ? {
            cpu: sum(proxies.map(({ cpu }) => cpu)),
            rssBefore: first.proxy.rssBefore,
            rssAfter: last.rssAfter,
            rssPeak: Math.max(...proxies.map(({ rssPeak }) => rssPeak)),
          }
        : null,
    loadCpu: sum(runs.map(({ loadCpu }) => loadCpu)),
  };
}

/** The numbers of one run; `null` where one has no meaning. */
export type Sample = Readonly<Record<Row, number | null>>;

const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0);

/** Turns what was counted into the rows of the table. */
export function toSample(workload: Workload, run: Run): Sample {
  const { reports, proxy, beside = [] } = run;
  const seconds = sum(reports.map((report) => report.seconds));
  const messages = sum(reports.map((report) => report.messages));
  const bytes = sum(reports.map((report) => report.bytes));
  const per = (value: number, by: number): number | null => (by > 0 ? value / by : null);
  const besideAll = beside.at(-1) ?? null;
  return {
    cpuUsPerMessage: proxy && per(proxy.cpu * 1e6, messages),
    cpuUsPerRequest: proxy && per(proxy.cpu * 1e6, messages),
    cpuUsPerHandshake: proxy && per(proxy.cpu * 1e6, messages),
    cpuSecondsPerGb: proxy && per(proxy.cpu * 1e9, bytes),
    messagesPerSecond: per(messages, seconds),
    requestsPerSecond: per(messages, seconds),
    handshakesPerSecond: per(messages, seconds),
    megabytesPerSecond: per(bytes / 1e6, seconds),
    p50Us: median(reports.map((report) => report.p50Us)),
    p99Us: median(reports.map((report) => report.p99Us)),
    besideP50Ms: besideAll && besideAll.p50SoFarUs / 1000,
    besideP99Ms: besideAll && besideAll.p99SoFarUs / 1000,
    // The worst part of the time is what people remember.
    besideWorstP99Ms: besideAll && Math.max(...beside.map((report) => report.p99Us)) / 1000,
    proxyBusy: proxy && per(proxy.cpu * 100, seconds),
    loadBusy: per(run.loadCpu * 100, seconds),
    delivered: messages,
    rssPeak: proxy && proxy.rssPeak / 1e6,
    rssGrowth: proxy && (proxy.rssPeak - proxy.rssBefore) / 1e6,
    rssPerConnection: proxy && (proxy.rssAfter - proxy.rssBefore) / 1024 / workload.connections,
  };
}

/** The middle value; of an even number of values, the mean of the two in the middle. */
export function median(values: readonly (number | null)[]): number | null {
  const sorted = values.filter((value) => value !== null).sort((a, b) => a - b);
  const upper = sorted[sorted.length >> 1];
  const lower = sorted[(sorted.length - 1) >> 1];
  return upper === undefined || lower === undefined ? null : (upper + lower) / 2;
}

/** What the load generator is told, in words that it knows. */
export function commandFor(phase: Phase, seconds: number): string {
  const command = `${phase.mode} ${phase.once ? 0 : seconds}`;
  return phase.perSecond === undefined ? command : `${command} ${phase.perSecond}`;
}
