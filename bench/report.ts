/** The tables that people read. */
import { capacities } from './capacity.ts';
import { auth, limits, type Peer } from './peers.ts';
import type { Results } from './results.ts';
import { authCost, judge, limitsCost, type Target, targets } from './targets.ts';
import { cpuRow, type Row, type Workload, workloads } from './workloads.ts';

const labels: Record<Row, string> = {
  cpuUsPerMessage: 'CPU µs per message',
  cpuUsPerRequest: 'CPU µs per request',
  cpuUsPerHandshake: 'CPU µs per handshake',
  cpuSecondsPerGb: 'CPU s per GB',
  messagesPerSecond: 'messages/s',
  requestsPerSecond: 'requests/s',
  handshakesPerSecond: 'handshakes/s',
  megabytesPerSecond: 'MB/s',
  p50Us: 'latency p50 µs',
  p99Us: 'latency p99 µs',
  besideP50Ms: 'echo beside it p50 ms',
  besideP99Ms: 'echo beside it p99 ms',
  besideWorstP99Ms: '… p99 ms, worst ½ s',
  proxyBusy: "proxy's core busy %",
  loadBusy: "load's core busy %",
  delivered: 'messages delivered (of 16)',
  rssPeak: 'RSS peak MB',
  rssGrowth: 'RSS growth MB',
  rssPerConnection: 'RSS KB per connection',
};

const decimals: Partial<Record<Row, number>> = {
  cpuUsPerMessage: 1,
  cpuUsPerRequest: 0,
  cpuUsPerHandshake: 0,
  cpuSecondsPerGb: 3,
  besideP50Ms: 1,
  besideP99Ms: 1,
  besideWorstP99Ms: 1,
  rssPeak: 1,
  rssGrowth: 1,
  rssPerConnection: 1,
};

/** Characters as wide as terminals show them; all of ours are one column wide. */
function layOut(rows: readonly (readonly string[])[]): string {
  const widths = rows.reduce<number[]>((all, row) => row.map((cell, i) => Math.max(all[i] ?? 0, cell.length)), []);
  return rows
    .map((row) =>
      row
        .map((cell, i) => (i === 0 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0)))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

function format(value: number | null, digits: number): string {
  return value === null ? '–' : value.toFixed(digits);
}

/** Every number of every peer, grouped by workload. */
export function comparisonTable(results: Results, peers: readonly Peer[], chosen: readonly Workload[]): string {
  const rows: string[][] = [['', ...peers.map((peer) => peer.title)]];
  for (const workload of chosen) {
    rows.push(['', ...peers.map(() => '')], [workload.title, ...peers.map(() => '')]);
    for (const row of workload.rows) {
      rows.push([
        `  ${labels[row]}`,
        ...peers.map((peer) =>
          results.cell(workload.name, peer.name).problem
            ? 'failed'
            : format(results.value(workload.name, peer.name, row), decimals[row] ?? 0),
        ),
      ]);
    }
  }
  return layOut(rows);
}

/** What Sluice needs of each peer's CPU: below 1 it is the cheaper one. */
export function ratioTable(results: Results, peers: readonly Peer[], chosen: readonly Workload[]): string {
  const others = peers.filter((peer) => peer.command !== null && peer.name !== 'sluice');
  const rows = chosen.flatMap((workload) => {
    const row = cpuRow(workload);
    if (!row) return [];
    const cells = others.map((peer) => format(results.ratio(workload.name, 'sluice', peer.name, row), 2));
    return [[workload.title, ...cells]];
  });
  return layOut([['Sluice’s CPU, as a multiple of', ...others.map((peer) => peer.title)], ...rows]);
}

/** What all limits cost, on against off in one process; empty where that was not measured. */
export function limitsTable(results: Results, chosen: readonly Workload[]): string {
  const rows = chosen.flatMap((workload) => {
    const row = cpuRow(workload);
    const cost = row ? limitsCost(results, workload.name, row) : null;
    if (!row || cost === null) return [];
    const [off, on] = [limits.off, limits.on].map(({ name }) =>
      format(results.value(workload.name, name, row), decimals[row] ?? 0),
    );
    return [[`${workload.title}: ${labels[row]}`, off!, on!, `${format(cost, 1)} %`]];
  });
  return rows.length === 0 ? '' : layOut([['what all limits cost', 'off', 'on', 'more'], ...rows]);
}

/** What authentication costs those whom nobody asks, and those who bring a token; empty where it was not measured. */
export function authTable(results: Results, chosen: readonly Workload[]): string {
  const rows = chosen.flatMap((workload) => {
    const row = cpuRow(workload);
    const before = row ? results.value(workload.name, auth.nowhere.name, row) : null;
    if (!row || before === null) return [];
    const more = (['again', 'elsewhere', 'token'] as const).map((peer) => {
      const cost = authCost(results, workload.name, peer, row);
      return cost === null ? '–' : `${format(cost, 1)} %`;
    });
    return [[`${workload.title}: ${labels[row]}`, format(before, decimals[row] ?? 0), ...more]];
  });
  const head = ['what authentication costs', ...Object.values(auth).map(({ title }) => title)];
  return rows.length === 0 ? '' : layOut([head, ...rows]);
}

/** The numbers that must hold, and whether they do. */
export function targetTable(results: Results): string {
  const rows = targets.map((target) => {
    const measured = target.measured(results);
    const show = (value: number): string => `${Number(value.toFixed(2))}${target.unit}`;
    const found = measured === null ? '–' : show(measured);
    const beside = ofOthers(results, target, show);
    return [target.what, show(target.atLeast), show(target.aim), found, judge(target, measured), beside];
  });
  return layOut([['number', 'at least', 'aim', 'measured', 'verdict', ''], ...rows]);
}

/** What a number was for everybody in the same run, also where it was not judged. */
function ofOthers(results: Results, { others }: Target, show: (value: number) => string): string {
  if (others === undefined) return '';
  const { workload, row, peers } = others;
  const found = peers.flatMap((peer) => {
    const value = results.value(workload, peer, row);
    return value === null ? [] : [`${peer} ${show(value)}`];
  });
  return found.length === 0 ? '' : `(${found.join(', ')})`;
}

/** What one pod with a core of its own carries; a row for each number that was measured. */
export function capacityTable(results: Results): string {
  const rows = capacities.flatMap(({ what, unit, digits, workload, measured }) => {
    const found = measured(results);
    return found === null ? [] : [[what, `${found.toFixed(digits)}${unit}`, workload]];
  });
  return layOut([['capacity of one pod', 'measured', 'workload'], ...rows]);
}

/** Whether every number that was measured is at least what it must be, and Sluice failed at nothing. */
export function allHold(results: Results): boolean {
  const own = [...Object.values(limits), ...Object.values(auth)].map(({ name }) => name);
  if (['sluice', ...own].some((peer) => results.failed(peer))) return false;
  return targets.every((target) => judge(target, target.measured(results)) !== 'FAILS');
}

/** What `--only` calls the comparisons of Sluice with itself: limits on and off, and authentication here and there. */
const limitsName = 'limits';
const authName = 'auth';

export interface Choice {
  readonly peers: readonly Peer[];
  readonly workloads: readonly Workload[];
  /** Whether to measure what limits cost. */
  readonly limits: boolean;
  /** Whether to measure what authentication costs. */
  readonly auth: boolean;
}

/** Splits the names of `--only` into peers, workloads and comparisons, or says which name is none of them. */
export function choose(only: readonly string[], peers: readonly Peer[]): Choice | string {
  const names = [...peers.map(({ name }) => name), limitsName, authName, ...workloads.map(({ name }) => name)];
  const unknown = only.find((name) => !names.includes(name));
  if (unknown !== undefined) return `--only ${unknown}: choose from ${names.join(', ')}`;
  const named = <T extends { readonly name: string }>(all: readonly T[]) =>
    all.filter(({ name }) => only.includes(name));
  const [somePeers, someWorkloads] = [named(peers), named(workloads)];
  const limitsNamed = only.includes(limitsName);
  const authNamed = only.includes(authName);
  const everybody = somePeers.length === 0 && !limitsNamed && !authNamed;
  return {
    peers: everybody ? peers : somePeers,
    workloads: someWorkloads.length > 0 ? someWorkloads : workloads,
    limits: everybody || limitsNamed,
    auth: everybody || authNamed,
  };
}
