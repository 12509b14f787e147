/** The numbers that Sluice must hold with every limit on, as far as this bench can measure them. */
import { auth, limits } from './peers.ts';
import type { Results } from './results.ts';
import type { Row } from './workloads.ts';

export interface Target {
  readonly what: string;
  readonly unit: string;
  readonly atLeast: number;
  readonly aim: number;
  /** `null` where a peer or the workload is missing. */
  readonly measured: (results: Results) => number | null;
  /** The same of others in the same run, where it is no ratio and depends on what else the machine does. */
  readonly others?: { readonly workload: string; readonly row: Row; readonly peers: readonly string[] };
}

const perGb = 'cpuSecondsPerGb';
const perMessage = 'cpuUsPerMessage';

/** How much more CPU all limits take, in per cent. */
export function limitsCost(results: Results, workload: string, row: Row): number | null {
  const ratio = results.ratio(workload, limits.on.name, limits.off.name, row);
  return ratio === null ? null : (ratio - 1) * 100;
}

/** How much more CPU a peer of the comparison of authentication takes than a Sluice without any, in per cent. */
export function authCost(results: Results, workload: string, peer: keyof typeof auth, row: Row): number | null {
  const ratio = results.ratio(workload, auth[peer].name, auth.nowhere.name, row);
  return ratio === null ? null : (ratio - 1) * 100;
}

/**
 * How much more a route without auth takes beside one with it, in per cent, beyond what two processes without any
 * differ by.
 */
function burdenOf(results: Results, workload: string, row: Row): number | null {
  const [again, elsewhere] = [authCost(results, workload, 'again', row), authCost(results, workload, 'elsewhere', row)];
  return again === null || elsewhere === null ? null : Math.max(0, elsewhere - Math.abs(again));
}

function perGbOfHttp(workload: string, what: string): Target {
  return {
    what: `CPU per GB, ${what}, against nginx`,
    unit: '×',
    atLeast: 1.3,
    aim: 0.9,
    measured: (results) => results.ratio(workload, 'sluice', 'nginx', perGb),
  };
}

export const targets: readonly Target[] = [
  {
    what: 'CPU per GB, 1 MB messages up, against nginx with 64k buffers',
    unit: '×',
    atLeast: 0.9,
    aim: 0.7,
    measured: (results) => results.ratio('up-1m', 'sluice', 'nginx-64k', perGb),
  },
  {
    what: 'CPU per GB, 1 MB messages down, against nginx with 64k buffers',
    unit: '×',
    atLeast: 0.9,
    aim: 0.7,
    measured: (results) => results.ratio('down-1m', 'sluice', 'nginx-64k', perGb),
  },
  {
    what: 'CPU per 100 B echo, 64 connections, against CHP',
    unit: '×',
    atLeast: 0.9,
    aim: 0.75,
    measured: (results) => results.ratio('echo-100', 'sluice', 'chp', perMessage),
  },
  {
    what: 'CPU per 100 B echo, 64 connections, against nginx',
    unit: '×',
    atLeast: 1.6,
    aim: 1.25,
    measured: (results) => results.ratio('echo-100', 'sluice', 'nginx', perMessage),
  },
  {
    what: 'CPU per 16 KiB echo against nginx with 64k buffers',
    unit: '×',
    atLeast: 1.3,
    aim: 1.0,
    measured: (results) => results.ratio('echo-16k', 'sluice', 'nginx-64k', perMessage),
  },
  {
    what: 'RSS growth while 8 × 150 MB messages pass',
    unit: ' MB',
    atLeast: 16,
    aim: 8,
    measured: (results) => results.value('big', 'sluice', 'rssGrowth'),
  },
  {
    what: 'memory of an idle connection',
    unit: ' KB',
    atLeast: 16,
    aim: 10,
    measured: (results) => results.value('idle', 'sluice', 'rssPerConnection'),
  },
  {
    what: 'CPU per GET of 1 KB, 64 connections, against nginx',
    unit: '×',
    atLeast: 2,
    aim: 1.3,
    measured: (results) => results.ratio('get-1k', 'sluice', 'nginx', 'cpuUsPerRequest'),
  },
  {
    what: 'CPU per GET of 1 KB, 64 connections, against CHP',
    unit: '×',
    atLeast: 0.3,
    aim: 0.15,
    measured: (results) => results.ratio('get-1k', 'sluice', 'chp', 'cpuUsPerRequest'),
  },
  perGbOfHttp('get-1m', 'GETs of 1 MB'),
  perGbOfHttp('get-100m', 'GETs of 100 MB'),
  perGbOfHttp('put-100m', 'PUTs of 100 MB'),
  {
    what: 'CPU of a class that begins, against nginx',
    unit: '×',
    atLeast: 1.5,
    aim: 1.2,
    measured: (results) => results.ratio('class', 'sluice', 'nginx', perGb),
  },
  {
    what: 'an echo while a class begins, p99',
    unit: ' ms',
    atLeast: 50,
    aim: 25,
    measured: (results) => {
      // Where it takes half of that without a proxy, the machine has no core to spare, and the number tells of that.
      const direct = results.value('class', 'direct', 'besideP99Ms');
      return direct !== null && direct > 25 ? null : results.value('class', 'sluice', 'besideP99Ms');
    },
    others: { workload: 'class', row: 'besideP99Ms', peers: ['direct', 'sluice', 'nginx'] },
  },
  {
    what: 'CPU per WebSocket handshake, 2 000 a second, against nginx',
    unit: '×',
    atLeast: 2.5,
    aim: 1.5,
    measured: (results) => results.ratio('handshake-2000', 'sluice', 'nginx', 'cpuUsPerHandshake'),
  },
  {
    what: 'CPU per WebSocket handshake, as many as it can, against nginx',
    unit: '×',
    atLeast: 2.5,
    aim: 1.5,
    measured: (results) => results.ratio('handshake', 'sluice', 'nginx', 'cpuUsPerHandshake'),
  },
  {
    what: 'memory of an idle keep-alive connection',
    unit: ' KB',
    atLeast: 12,
    aim: 8,
    measured: (results) => results.value('idle-http', 'sluice', 'rssPerConnection'),
  },
  {
    what: 'all limits on against all off, CPU per 100 B echo',
    unit: ' %',
    atLeast: 5,
    aim: 2,
    measured: (results) => limitsCost(results, 'echo-100', perMessage),
  },
  {
    what: 'all limits on against all off, CPU per GB up',
    unit: ' %',
    atLeast: 5,
    aim: 2,
    measured: (results) => limitsCost(results, 'up-1m', perGb),
  },
  {
    what: 'a route without auth beside one with it, CPU per handshake',
    unit: ' %',
    atLeast: 5,
    aim: 2,
    measured: (results) => burdenOf(results, 'handshake', 'cpuUsPerHandshake'),
  },
  {
    what: 'a route without auth beside one with it, CPU per GET of 1 KB',
    unit: ' %',
    atLeast: 5,
    aim: 2,
    measured: (results) => burdenOf(results, 'get-1k', 'cpuUsPerRequest'),
  },
];

export type Verdict = 'aim' | 'holds' | 'FAILS' | 'not measured';

/** All numbers are better when smaller. */
export function judge(target: Target, measured: number | null): Verdict {
  if (measured === null) return 'not measured';
  if (measured <= target.aim) return 'aim';
  return measured <= target.atLeast ? 'holds' : 'FAILS';
}
