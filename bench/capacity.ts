/** What one pod can carry, in the units in which people plan: derived from the same samples as the comparison. */
import type { Results } from './results.ts';
import type { Row } from './workloads.ts';

/** A number to plan with. */
export interface Capacity {
  readonly what: string;
  readonly unit: string;
  readonly digits: number;
  /** The workload that gives it, as `--only` calls it. */
  readonly workload: string;
  /** `null` where the workload was not run. */
  readonly measured: (results: Results) => number | null;
}

/** A pod's thread is one core: what costs so much of a core can be done so often with a whole one. */
const perCore = (workload: string, row: Row, whole: number) => (results: Results) => {
  const cost = results.value(workload, 'sluice', row);
  return cost ? whole / cost : null;
};

export const capacities: readonly Capacity[] = [
  {
    what: 'memory of 1 000 idle connections, beside the kernel’s',
    unit: ' MB',
    digits: 1,
    workload: 'idle',
    measured: (results) => {
      const kilobytes = results.value('idle', 'sluice', 'rssPerConnection');
      return kilobytes === null ? null : (kilobytes * 1024 * 1000) / 1e6;
    },
  },
  {
    what: 'echoes of 100 B per second and core, 64 connections',
    unit: '',
    digits: 0,
    workload: 'echo-100',
    measured: perCore('echo-100', 'cpuUsPerMessage', 1e6),
  },
  {
    what: 'echoes of 16 KiB per second and core, 16 connections',
    unit: '',
    digits: 0,
    workload: 'echo-16k',
    measured: perCore('echo-16k', 'cpuUsPerMessage', 1e6),
  },
  {
    what: 'client → upstream per core, messages of 1 MB',
    unit: ' GB/s',
    digits: 2,
    workload: 'up-1m',
    measured: perCore('up-1m', 'cpuSecondsPerGb', 1),
  },
  {
    what: 'upstream → client per core, messages of 1 MB',
    unit: ' GB/s',
    digits: 2,
    workload: 'down-1m',
    measured: perCore('down-1m', 'cpuSecondsPerGb', 1),
  },
];
