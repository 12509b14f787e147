/**
 * Runs a workload through peers. Those whose CPU is measured are all started and warmed up first; then each works for a
 * slice of a window in turn, and again, so that what disturbs the machine disturbs all alike. Those whose memory is
 * measured run one after the other.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { Peer } from './peers.ts';
import { type Conversation, cpuSeconds, forgetPeak, mayComeFirst, memory, type Running } from './processes.ts';
import { commandFor, joinRuns, type PhaseReport, type Run, type Sample, toSample } from './sample.ts';
import { type Setup, type Shape, Stand, tell } from './stand.ts';
import { stolenSeconds, undisturbed } from './steal.ts';
import { isWarm } from './warm-up.ts';
import type { Workload } from './workloads.ts';

/** The samples of one process of a peer, in order, `null` for a window that failed, and why one did. */
export interface Outcome {
  readonly samples: readonly (Sample | null)[];
  readonly problem: string | null;
  /** How often a slice was measured again, because the host had disturbed it (see steal.ts). */
  readonly repeats: number;
}

const warmUpWindowSeconds = 0.7;

/**
 * Connections that are open before those whose memory counts: a process grows to its steady size with the first
 * thousands. Of WebSockets the first 4 500 made Sluice 17 to 20 KB each larger, and later ones 11 to 12.
 */
const warmConnections = 2000;

/** Browsers that load their page before those that count. */
const warmBrowsers = 20;
/**
 * WebSockets beside a crowd; each sends every 20 ms. Long enough for a percentile, short enough to find the worst
 * time.
 */
const besideShape = { program: 'load', path: '/echo', connections: 10, size: 100, how: 0 } as const;
const beatSeconds = 0.5;

/** Memory counts as settled when it has not moved for so long. */
const settledMs = 600;
const quietMs = 15_000;

/** Who takes turns, and for how many seconds each works before the next does. */
export interface Heat {
  readonly peers: readonly Peer[];
  readonly sliceSeconds: number;
}

/** The outcome of each peer, by its name. */
export async function measure(setup: Setup, heat: Heat, workload: Workload): Promise<ReadonlyMap<string, Outcome>> {
  return workload.memoryOnly || workload.crowd
    ? await oneByOne(setup, heat.peers, workload)
    : await inTurn(setup, heat, workload);
}

async function oneByOne(setup: Setup, peers: readonly Peer[], workload: Workload): Promise<Map<string, Outcome>> {
  const outcomes = new Map<string, Outcome>();
  for (const peer of peers) {
    try {
      await using stand = await Stand.start(setup, peer, workload.crowd === true && mayComeFirst());
      const shape = shapeOf(workload, peer);
      const run = await runOnce(workload, shape, stand, setup);
      outcomes.set(peer.name, { samples: [toSample(workload, run)], problem: null, repeats: 0 });
    } catch (error) {
      outcomes.set(peer.name, { samples: [null], problem: wordsOf(error), repeats: 0 });
    }
  }
  return outcomes;
}

function runOnce(workload: Workload, shape: Shape, stand: Stand, setup: Setup): Promise<Run> {
  if (workload.crowd) return crowd(workload, shape, stand, setup);
  return workload.phases.length > 0 ? oneBurst(workload, shape, stand) : idle(shape, stand);
}

/** What a workload opens at a peer. */
function shapeOf(workload: Workload, peer: Peer): Shape {
  return { ...workload, path: `${workload.path}${peer.path ?? ''}` };
}

/** A peer that takes part in the turns. */
class Runner {
  readonly peer: Peer;
  readonly samples: (Sample | null)[] = [];
  problem: string | null = null;
  repeats = 0;
  readonly #setup: Setup;
  readonly #workload: Workload;
  /** Its process, which may be another's too, and what it has opened there. */
  #stand: Stand | null = null;
  #load: Conversation | null = null;
  readonly #slices: Run[] = [];

  constructor(setup: Setup, peer: Peer, workload: Workload) {
    this.#setup = setup;
    this.peer = peer;
    this.#workload = workload;
  }

  async start(stands: Stands): Promise<void> {
    await this.#attempt(async () => {
      this.#stand = await stands.of(this.peer);
      this.#load = await this.#stand.open(shapeOf(this.#workload, this.peer));
      await warmUp(this.#setup, this.#workload, this.#stand, this.#load);
    });
  }

  async slice(seconds: number): Promise<void> {
    if (this.problem !== null) return;
    await this.#attempt(async () => {
      const slice = () => work(this.#workload, this.#stand!, this.#load!, seconds);
      const { value: run, repeats } = await undisturbed(slice, () => stolenSeconds(this.#setup.cores));
      this.#slices.push(run);
      this.repeats += repeats;
    });
  }

  /** The slices since the last call are a window. */
  endWindow(): void {
    const slices = this.#slices.splice(0);
    this.samples.push(this.problem === null ? toSample(this.#workload, joinRuns(slices)) : null);
  }

  async #attempt(step: () => Promise<void>): Promise<void> {
    try {
      await step();
    } catch (error) {
      this.problem = wordsOf(error);
    }
  }
}

/** The processes of those who take turns: one for each command. */
class Stands implements AsyncDisposable {
  readonly #setup: Setup;
  readonly #byCommand = new Map<Peer['command'], Stand>();

  constructor(setup: Setup) {
    this.#setup = setup;
  }

  async of(peer: Peer): Promise<Stand> {
    const stand = this.#byCommand.get(peer.command) ?? (await Stand.start(this.#setup, peer));
    this.#byCommand.set(peer.command, stand);
    return stand;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const stand of this.#byCommand.values()) await stand[Symbol.asyncDispose]();
  }
}

async function inTurn(setup: Setup, { peers, sliceSeconds }: Heat, workload: Workload): Promise<Map<string, Outcome>> {
  const runners = peers.map((peer) => new Runner(setup, peer, workload));
  await using stands = new Stands(setup);
  for (const runner of runners) await runner.start(stands);
  const turns = Math.round(setup.seconds / sliceSeconds);
  for (let window = 0; window < setup.windows; window++) {
    for (let turn = 0; turn < turns; turn++) {
      // There and back: nobody is always the one who comes first after a pause, or after a certain other.
      const order = (window * turns + turn) % 2 === 0 ? runners : runners.toReversed();
      for (const runner of order) await runner.slice(sliceSeconds);
    }
    for (const runner of runners) runner.endWindow();
  }
  return new Map(runners.map(({ peer, samples, problem, repeats }) => [peer.name, { samples, problem, repeats }]));
}

/** As fast as it can, whatever the pace of the measurement. */
async function warmUp(setup: Setup, { phases }: Workload, { proxy }: Stand, load: Conversation): Promise<void> {
  await warm(setup, proxy, async () => {
    let messages = 0;
    for (const { mode } of phases) {
      const { messages: done } = await tell(load, commandFor({ mode }, warmUpWindowSeconds));
      messages += done;
    }
    return messages;
  });
}

/** Does windows of work until the proxy is warm, one where there is none; `work` says how many pieces a window had. */
async function warm({ warmth }: Setup, proxy: Running | null, work: () => Promise<number>): Promise<void> {
  if (!proxy) {
    await work();
    return;
  }
  const start = cpuSeconds(proxy.pid);
  const costs: number[] = [];
  for (let before = start, after = start; costs.length === 0 || !isWarm(warmth, costs, after - start); before = after) {
    const pieces = await work();
    after = cpuSeconds(proxy.pid);
    costs.push((after - before) / pieces);
  }
}

/** So many seconds of work. */
async function work(workload: Workload, stand: Stand, load: Conversation, seconds: number): Promise<Run> {
  const { proxy } = stand;
  const rssBefore = proxy ? memory(proxy.pid).rss : 0;
  if (proxy) forgetPeak(proxy.pid);
  const before = stand.cpu(load);
  const reports: PhaseReport[] = [];
  for (const phase of workload.phases) reports.push(await tell(load, commandFor(phase, seconds)));
  const after = stand.cpu(load);
  const cpu = after.proxy - before.proxy;
  const ofLoad = after.load - before.load;
  const ofBackend = after.backend - before.backend;
  return {
    reports,
    proxy: proxy && { cpu, rssBefore, ...rssOf(proxy.pid) },
    loadCpu: stand.loadSharesCore ? ofLoad + ofBackend : Math.max(ofLoad, ofBackend),
  };
}

/** Each message once, through a process through which little has gone: how much of them it holds. */
async function oneBurst(workload: Workload, shape: Shape, stand: Stand): Promise<Run> {
  const load = await stand.open(shape);
  const warm = await stand.open({ ...shape, connections: 2, size: 1_000_000 });
  for (const { mode } of workload.phases) await tell(warm, commandFor({ mode }, warmUpWindowSeconds));
  await warm.stop();
  return await work(workload, stand, load, 0);
}

/**
 * Everybody comes at once, to a process that is warm; a few WebSockets are there already. Their messages shall wait for
 * the proxy and not for the crowd's own program, which wants all of the other core: so both their ends come first
 * there, where the machine lets them.
 */
async function crowd(workload: Workload, shape: Shape, stand: Stand, setup: Setup): Promise<Run> {
  const few = await stand.open({ ...shape, connections: warmBrowsers });
  await warm(setup, stand.proxy, async () => {
    let messages = 0;
    for (const phase of workload.phases) messages += (await tell(few, commandFor(phase, 0))).messages;
    return messages;
  });
  await few.stop();
  const load = await stand.open(shape);
  const beside = await stand.open(besideShape, mayComeFirst());
  const reports: PhaseReport[] = [];
  let over = false;
  const beats = (async () => {
    while (!over) reports.push(await tell(beside, `beat ${beatSeconds}`));
  })();
  const run = await work(workload, stand, load, 0);
  over = true;
  await beats;
  return { ...run, beside: reports };
}

async function idle(shape: Shape, stand: Stand): Promise<Run> {
  const { proxy } = stand;
  await stand.open({ ...shape, connections: warmConnections });
  if (!proxy) return { reports: [], proxy, loadCpu: 0 };
  const rssBefore = await rested(proxy.pid);
  forgetPeak(proxy.pid);
  await stand.open(shape);
  await rested(proxy.pid);
  return { reports: [], proxy: { cpu: 0, rssBefore, ...rssOf(proxy.pid) }, loadCpu: 0 };
}

/** Resident memory of a process at rest: one with a collector clears up when it has been quiet for a while. */
async function rested(pid: number): Promise<number> {
  await delay(quietMs);
  return await settled(pid);
}

function rssOf(pid: number): { readonly rssAfter: number; readonly rssPeak: number } {
  const { rss, peak } = memory(pid);
  return { rssAfter: rss, rssPeak: peak };
}

/** Resident memory once it has stopped moving. */
async function settled(pid: number): Promise<number> {
  let { rss } = memory(pid);
  for (let i = 0; i < 10; i++) {
    await delay(settledMs);
    const next = memory(pid).rss;
    if (Math.abs(next - rss) < 100_000) return next;
    rss = next;
  }
  return rss;
}

function wordsOf(error: unknown): string {
  return (error as Error).message;
}
