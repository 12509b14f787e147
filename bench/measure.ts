import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import type { Peer } from './peers.ts';
import {
  type Conversation,
  type Cores,
  converse,
  cpuSeconds,
  forgetPeak,
  memory,
  type Running,
  start,
} from './processes.ts';
import { commandFor, type PhaseReport, type Run } from './sample.ts';
import type { Workload } from './workloads.ts';

/** What stays the same for all measurements of a bench. */
export interface Setup {
  readonly load: string;
  readonly backend: string;
  readonly cores: Cores | null;
  readonly seconds: number;
  readonly warmUpSeconds: number;
}

/** Starts a load generator and waits until its connections are open. */
type Open = (connections: number, size?: number) => Promise<Conversation>;

/** A proxy that is idle even under load, as with one connection, is warm enough after so many. */
const maxWarmUps = 4;

/** Connections that are open before those whose memory counts. */
const warmConnections = 500;

/** Memory counts as settled when it has not moved for so long. */
const settledMs = 600;
const quietMs = 15_000;

/** Runs one workload through one fresh process of one peer. A peer that fails is a rejection with its words. */
export async function measure(setup: Setup, peer: Peer, workload: Workload): Promise<Run> {
  const { cores } = setup;
  await using stack = new AsyncDisposableStack();
  const keep = <T extends Running>(running: T): T => {
    stack.defer(() => running.stop());
    return running;
  };
  const backend = keep(converse([setup.backend], cores?.backend));
  const backendPort = Number(await backend.line());
  let port = backendPort;
  let proxy: Running | null = null;
  if (peer.command) {
    port = await freePort();
    proxy = keep(start(peer.command({ listen: port, backend: backendPort, admin: await freePort() }), cores?.proxy));
    await listening(port, proxy);
  }
  const open: Open = async (connections, size = workload.size) => {
    const shape = [workload.path, connections, size, workload.fragment].map(String);
    const load = keep(converse([setup.load, String(port), ...shape], cores?.load));
    await load.line();
    return load;
  };
  return workload.phases.length > 0
    ? await throughput(setup, workload, proxy, backend, open)
    : await idle(workload, proxy, open);
}

async function throughput(
  setup: Setup,
  workload: Workload,
  proxy: Running | null,
  backend: Running,
  open: Open,
): Promise<Run> {
  const load = await open(workload.connections);
  // What is compiled and allocated once is so before anything counts. Where memory is the question, little goes through.
  const warm = workload.memoryOnly ? await open(2, 1_000_000) : load;
  // Code is compiled after so much work, not after so much time: a proxy that gets little of its core needs longer.
  const target = proxy ? cpuSeconds(proxy.pid) + 0.8 * setup.warmUpSeconds : 0;
  for (let i = 0; i < maxWarmUps; i++) {
    for (const { mode } of workload.phases) await tell(warm, commandFor({ mode }, setup.warmUpSeconds));
    if (!proxy || cpuSeconds(proxy.pid) > target) break;
  }
  if (warm !== load) await warm.stop();
  const rssBefore = proxy ? memory(proxy.pid).rss : 0;
  if (proxy) forgetPeak(proxy.pid);
  const before = [proxy, load, backend].map((process) => (process ? cpuSeconds(process.pid) : 0));
  const reports: PhaseReport[] = [];
  for (const phase of workload.phases) reports.push(await tell(load, commandFor(phase, setup.seconds)));
  const after = [proxy, load, backend].map((process) => (process ? cpuSeconds(process.pid) : 0));
  const [cpu = 0, loadCpu = 0, backendCpu = 0] = after.map((value, i) => value - (before[i] ?? 0));
  const shared = setup.cores === null || setup.cores.load === setup.cores.backend;
  return {
    reports,
    proxy: proxy && { cpu, rssBefore, rssAfter: memory(proxy.pid).rss, rssPeak: memory(proxy.pid).peak },
    loadCpu: shared ? loadCpu + backendCpu : Math.max(loadCpu, backendCpu),
  };
}

async function tell(load: Conversation, command: string): Promise<PhaseReport> {
  load.send(command);
  return JSON.parse(await load.line());
}

async function idle(workload: Workload, proxy: Running | null, open: Open): Promise<Run> {
  // Some connections first, so that the growth is that of connections: a runtime's first hundreds compile code and start
  // its collector, which costs once what thousands more do not cost again.
  await open(warmConnections);
  if (!proxy) return { reports: [], proxy, loadCpu: 0 };
  const rssBefore = await settled(proxy.pid);
  forgetPeak(proxy.pid);
  await open(workload.connections);
  // A runtime with a collector clears up after the handshakes when it has been quiet for a while.
  await delay(quietMs);
  const rssAfter = await settled(proxy.pid);
  return { reports: [], proxy: { cpu: 0, rssBefore, rssAfter, rssPeak: memory(proxy.pid).peak }, loadCpu: 0 };
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

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  return port;
}

/** Waits until the proxy accepts, or says why it never will. */
async function listening(port: number, proxy: Running): Promise<void> {
  let gone = false;
  void proxy.exited.then(() => {
    gone = true;
  });
  for (const giveUp = Date.now() + 15_000; ; ) {
    const socket = connect(port, '127.0.0.1');
    const accepted = await once(socket, 'connect').then(
      () => true,
      () => false,
    );
    socket.destroy();
    if (accepted) return;
    if (gone || Date.now() > giveUp) throw new Error(`does not listen: ${proxy.complaint() || 'no message'}`);
    await delay(20);
  }
}
