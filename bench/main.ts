/** `npm run bench`: Sluice and its peers, each doing the same work; the comparison, and the numbers that must hold. */
import { writeFileSync } from 'node:fs';
import { cpus, loadavg, release } from 'node:os';
import { join } from 'node:path';
import { type Heat, measure } from './measure.ts';
import { nativePrograms } from './native.ts';
import { type Options, readOptions, usage } from './options.ts';
import { cacheDir } from './paths.ts';
import { peers as allPeers, auth, limits, type Peer } from './peers.ts';
import { chooseCores, mayComeFirst } from './processes.ts';
import {
  allHold,
  authTable,
  type Choice,
  capacityTable,
  choose,
  comparisonTable,
  limitsTable,
  ratioTable,
  targetTable,
} from './report.ts';
import { Results } from './results.ts';
import type { Setup } from './stand.ts';
import { cpuRow } from './workloads.ts';

/**
 * Seconds that a program works before the next does: long enough that what it begins with, cold caches, counts little.
 */
const sliceOfPeers = 0.1;
/** On and off are one process, which stays warm: short enough that hardly anything changes meanwhile. */
const sliceOfLimits = 0.03;

/** Where requests begin, which is where somebody may be asked, and messages, where nobody is. */
const authWorkloads = ['echo-100', 'get-1k', 'handshake'];

/** Round by round, each with processes of its own, and workload by workload. */
async function runAll(options: Options, setup: Setup, { peers, workloads, ...own }: Choice): Promise<Results> {
  const results = new Results();
  for (let round = 0; round < options.repeat; round++) {
    for (const workload of workloads) {
      if (workload.memoryOnly && round > 0) continue;
      process.stderr.write(`round ${round + 1} of ${options.repeat}: ${workload.title}\n`);
      // Who starts first in one round starts last in the next.
      const inOrder = (all: readonly Peer[]) => (round % 2 === 0 ? all : all.toReversed());
      const able = peers.filter((peer) => workload.program === 'load' || !peer.webSocketsOnly);
      const heats: Heat[] = [{ peers: inOrder(able), sliceSeconds: sliceOfPeers }];
      if (own.limits && workload.program === 'load' && cpuRow(workload) && !workload.memoryOnly) {
        heats.push({ peers: inOrder([limits.off, limits.on]), sliceSeconds: sliceOfLimits });
      }
      if (own.auth && authWorkloads.includes(workload.name)) {
        heats.push({ peers: inOrder(Object.values(auth)), sliceSeconds: sliceOfPeers });
      }
      for (const heat of heats) {
        for (const [peer, outcome] of await measure(setup, heat, workload)) {
          results.add(workload.name, peer, outcome);
          if (outcome.problem !== null) process.stderr.write(`  ${peer}: ${outcome.problem}\n`);
        }
      }
    }
  }
  return results;
}

/** Returns the exit code: 0, 1 where a number does not hold, 2 where nothing could be measured. */
async function main(argv: readonly string[]): Promise<number> {
  const options = readOptions(argv);
  const chosen = typeof options === 'string' ? options : choose(options.only, allPeers);
  if (typeof options === 'string' || typeof chosen === 'string') {
    console.error(`${chosen}\n\n${usage}`);
    return 2;
  }
  const programs = process.platform === 'linux' ? nativePrograms() : { problem: 'needs Linux: it reads /proc' };
  if ('problem' in programs) {
    console.error(programs.problem);
    return 2;
  }
  const peers = chosen.peers.filter((peer) => {
    const missing = peer.missing();
    if (missing !== null) console.log(`${peer.title} is left out: ${missing}`);
    return missing === null;
  });
  const cores = chooseCores();
  const seconds = 0.3;
  const windows = options.quick ? 2 : 8;
  const host = `${cpus()[0]?.model.trim()} × ${cpus().length}, Linux ${release()}, Node ${process.version}`;
  console.log(`${host}\n${describeCores(cores)}; median of ${options.repeat} × ${windows} windows of ${seconds} s\n`);

  const [load = 0] = loadavg();
  if (load > 0.5) console.log(`The machine is busy (load average ${load.toFixed(1)}): do not quote what follows.\n`);

  const warmth = { cpuSeconds: options.quick ? 0.3 : 1.5, steady: !options.quick };
  const setup = { programs, cores, seconds, windows, warmth };
  const results = await runAll(options, setup, { ...chosen, peers });
  const ofSluice = peers.some(({ name }) => name === 'sluice');
  const tables = [
    peers.length > 0 && comparisonTable(results, peers, chosen.workloads),
    ofSluice && ratioTable(results, peers, chosen.workloads),
    chosen.limits && limitsTable(results, chosen.workloads),
    chosen.auth && authTable(results, chosen.workloads),
    (ofSluice || chosen.limits || chosen.auth) && targetTable(results),
    ofSluice && capacityTable(results),
  ];
  console.log(tables.filter(Boolean).join('\n\n'));
  if (results.repeats > 0) {
    console.log(`\nSlices measured again, because the host had taken the cores away: ${results.repeats}`);
  }
  const file = join(cacheDir, 'latest.json');
  writeFileSync(
    file,
    `${JSON.stringify({ date: new Date().toISOString(), host, cores, seconds, results }, null, 2)}\n`,
  );
  console.log(`\nEvery sample is in ${file}`);
  return options.check && !allHold(results) ? 1 : 0;
}

function describeCores(cores: Setup['cores']): string {
  if (!cores) return 'not pinned to cores (taskset and two cores are needed)';
  const others =
    cores.load === cores.backend
      ? `load and backend on ${cores.load}`
      : `load on ${cores.load}, backend on ${cores.backend}`;
  const first = mayComeFirst() ? ', both ends of an echo beside a crowd before all others there' : '';
  return `proxy on core ${cores.proxy}, ${others}${first}`;
}

process.exitCode = await main(process.argv.slice(2));
