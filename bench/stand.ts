/** A proxy at work: its process, with a backend and load generators that no other uses. */
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import type { Peer } from './peers.ts';
import { type Conversation, type Cores, converse, cpuSeconds, type Running, start } from './processes.ts';
import type { PhaseReport } from './sample.ts';
import type { Warmth } from './warm-up.ts';
import type { Workload } from './workloads.ts';

/** What stays the same for all measurements of a bench. */
export interface Setup {
  /** The native programs. */
  readonly programs: Readonly<Record<'load' | 'http-load' | 'backend', string>>;
  readonly cores: Cores | null;
  /** Seconds of a window, and how many windows each has. */
  readonly seconds: number;
  readonly windows: number;
  /** When a process counts as warm. */
  readonly warmth: Warmth;
}

/** Seconds of CPU so far; `proxy` is 0 where there is none. */
export interface CpuUse {
  readonly proxy: number;
  readonly load: number;
  readonly backend: number;
}

/** Which load generator opens what, and what it sends there. */
export type Shape = Pick<Workload, 'program' | 'path' | 'connections' | 'size' | 'how'>;

export class Stand implements AsyncDisposable {
  readonly proxy: Running | null;
  readonly #setup: Setup;
  readonly #backend: Running;
  readonly #port: number;
  readonly #loads: Conversation[] = [];

  private constructor(setup: Setup, backend: Running, proxy: Running | null, port: number) {
    this.#setup = setup;
    this.#backend = backend;
    this.proxy = proxy;
    this.#port = port;
  }

  /**
   * Rejects with the proxy's own words where it does not come up. `comesFirst`: the backend works before all others on
   * its core.
   */
  static async start(setup: Setup, { command }: Peer, comesFirst = false): Promise<Stand> {
    const { cores } = setup;
    const backend = converse([setup.programs.backend], cores?.backend, comesFirst);
    const backendPort = Number(await backend.line());
    if (command === null) return new Stand(setup, backend, null, backendPort);
    const port = await freePort();
    const proxy = start(command({ listen: port, backend: backendPort, admin: await freePort() }), cores?.proxy);
    const stand = new Stand(setup, backend, proxy, port);
    try {
      await listening(port, proxy);
    } catch (error) {
      await stand[Symbol.asyncDispose]();
      throw error;
    }
    return stand;
  }

  /** Starts a load generator and waits until its connections are open; `comesFirst` as for the backend. */
  async open({ program, path, connections, size, how }: Shape, comesFirst = false): Promise<Conversation> {
    const { programs, cores } = this.#setup;
    const shape = [path, connections, size, how].map(String);
    const load = converse([programs[program], String(this.#port), ...shape], cores?.load, comesFirst);
    this.#loads.push(load);
    await load.line();
    return load;
  }

  cpu(load: Conversation): CpuUse {
    return {
      proxy: this.proxy ? cpuSeconds(this.proxy.pid) : 0,
      load: cpuSeconds(load.pid),
      backend: cpuSeconds(this.#backend.pid),
    };
  }

  /** Whether load generators and backend have one core between them. */
  get loadSharesCore(): boolean {
    const { cores } = this.#setup;
    return cores === null || cores.load === cores.backend;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const process of [...this.#loads, this.proxy, this.#backend]) await process?.stop();
  }
}

/** Gives a load generator a command and waits for its report. */
export async function tell(load: Conversation, command: string): Promise<PhaseReport> {
  load.send(command);
  return JSON.parse(await load.line());
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
