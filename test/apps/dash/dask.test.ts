/** A Dask scheduler and a worker that speak `ws://`, and a client that comes directly or through Sluice. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { scratchDirectory, venvProgram } from '../../real/harness/paths.ts';
import { freePort } from '../../real/harness/ports.ts';
import { ServerProcess } from '../../real/harness/server-process.ts';
import { Sluice } from '../../real/harness/sluice.ts';

const ways = ['directly', 'through Sluice'] as const;
const MiB = 1024 * 1024;
const silenceMs = 70_000;

/** `dask_client.py`. */
class DaskClient implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly #lines: AsyncIterator<string>;

  private constructor(port: number) {
    const script = fileURLToPath(new URL('dask_client.py', import.meta.url));
    this.#child = spawn(venvProgram('apps-dash', 'python'), [script, `ws://127.0.0.1:${port}`], {
      env: { ...process.env, HOME: scratchDirectory('home') },
      stdio: ['pipe', 'pipe', 'ignore'],
    });
    this.#lines = createInterface({ input: this.#child.stdout! })[Symbol.asyncIterator]();
  }

  static async connect(port: number): Promise<DaskClient> {
    const client = new DaskClient(port);
    expect(await client.#next()).toBe('connected');
    return client;
  }

  /** The length that a worker has seen, or what went wrong. */
  async send(bytes: number): Promise<unknown> {
    this.#child.stdin!.write(`${bytes}\n`);
    return this.#next();
  }

  /** Asks the scheduler for so many bytes, and is stopped before they come; the length of what it has then. */
  async sleep(bytes: number, ms: number): Promise<unknown> {
    this.#child.stdin!.write(`${-bytes}\n`);
    expect(await this.#next()).toBe('asking');
    this.#child.kill('SIGSTOP');
    await delay(ms);
    this.#child.kill('SIGCONT');
    return this.#next();
  }

  async #next(): Promise<unknown> {
    const { value, done } = await this.#lines.next();
    return done ? 'the client has ended' : JSON.parse(value);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.stdin!.end();
    this.#child.kill('SIGCONT');
    this.#child.kill();
    if (this.#child.exitCode === null && this.#child.signalCode === null) await once(this.#child, 'exit');
  }
}

let scheduler: ServerProcess;
let worker: ServerProcess;
let sluice: Sluice;
let schedulerPort: number;

const portOf = (way: (typeof ways)[number]) => (way === 'directly' ? schedulerPort : sluice.port);

async function startDask(name: string, args: readonly string[], sign: string): Promise<ServerProcess> {
  let up = false;
  return ServerProcess.start({
    name: `dask ${name}`,
    command: venvProgram('apps-dash', 'dask'),
    args: [name, ...args],
    env: { HOME: scratchDirectory('home') },
    ready: async () => up,
    onLine: (line) => {
      up ||= line.includes(sign);
    },
  });
}

beforeAll(async () => {
  schedulerPort = await freePort();
  const here = ['--protocol', 'ws', '--host', '127.0.0.1'];
  const address = ['--port', String(schedulerPort), '--no-dashboard'];
  scheduler = await startDask('scheduler', [...here, ...address], 'Scheduler at');
  const alone = ['--nthreads', '1', '--no-nanny', '--no-dashboard'];
  worker = await startDask('worker', [`ws://127.0.0.1:${schedulerPort}`, ...here, ...alone], 'Registered to');
  sluice = await Sluice.start({
    routes: [{ name: 'dask', upstream: `http://127.0.0.1:${schedulerPort}`, preset: 'dask' }],
  });
});

afterAll(async () => {
  await sluice?.stop();
  await worker?.stop();
  await scheduler?.stop();
});

it.for(ways)('%s, an argument of 99 MiB arrives', async (way) => {
  await using client = await DaskClient.connect(portOf(way));
  expect(await client.send(99 * MiB)).toBe(99 * MiB);
});

it.for(ways)('%s, one of 101 MiB loses the scheduler', async (way) => {
  await using client = await DaskClient.connect(portOf(way));
  expect(await client.send(101 * MiB)).toContain('scheduler-connection-lost');
  if (way === 'through Sluice') {
    const limit = { name: 'max_message_size', configured: 100 * MiB };
    await sluice.logged({ event: 'end', reason: 'message_too_big', limit });
  }
});

it.concurrent.for(ways)('%s, a client that was silent for more than a minute is alive', async (way) => {
  await using client = await DaskClient.connect(portOf(way));
  await delay(silenceMs);
  expect(await client.send(7)).toBe(7);
});

// More than the kernels' buffers hold.
it.concurrent.for(ways)('%s, a client that is stopped for 100 s has everything', async (way) => {
  await using client = await DaskClient.connect(portOf(way));
  expect(await client.sleep(32 * MiB, 100_000)).toBe(32 * MiB);
});

it('a gateway that goes away leaves the client alone until its deadline', async () => {
  await using client = await DaskClient.connect(sluice.port);
  sluice.process.signal('SIGTERM');
  await sluice.logged({ event: 'draining' });
  expect(await client.send(8)).toBe(8);
  expect(await sluice.process.exited()).toBe(0);
  await sluice.logged({ event: 'end', reason: 'drain', close_codes: { sent_to_client: 1012 } });
});
