/**
 * Both replicas of Sluice before a hub are replaced, one after the other, while two hundred kernels print and people
 * ask for pages. Ten kernels are ipykernel; 190 are printing_kernel.py, small processes that speak the same protocol
 * with the same server, because two hundred of the others do not fit a machine that builds. All else is real: the hub,
 * its users' servers with their buffers for clients that are away, and JupyterLab's client.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LoadBalancer } from '../harness/load-balancer.ts';
import { scratchDirectory, venvProgram } from '../harness/paths.ts';
import { token } from '../jupyter/jupyter-server.ts';
import { type Execution, KernelClient } from '../jupyter/kernel-client.ts';
import type { Hub } from './hub.ts';
import { type Replica, Replicas } from './replicas.ts';

const startsMs = 500_000;
const settled = { timeout: 120_000, interval: 100 };
const users = ['ann', 'bob'];
const ofIpython = 10;
const ofOurs = 190;
/** Kernels that start at once. */
const atOnce = 8;
const checkSeconds = 2;

describe('a rolling update of Sluice under a hub', { timeout: startsMs }, () => {
  const folder = scratchDirectory('rolling');
  const enough = join(folder, 'enough');
  let replicas: Replicas;
  let both: Replica[];
  let hub: Hub;
  let paths: string[];
  beforeAll(async () => {
    replicas = await Replicas.make({
      // As the chart's own values: who leaves says so first, and sends its clients away one after another. How long a
      // server of a hundred kernels takes to answer on a busy machine shall decide nothing.
      more: 'drain: {announce: 5s, spread: 5s, deadline: 90s}\ntimeouts: {close: 60s}\n',
      singleuser: venvProgram('modern', 'jupyterhub-singleuser'),
      env: {
        // A thousand ports that are free when they are chosen are not all free when they are used.
        HUB_SERVER_ARGS: JSON.stringify(['--transport=ipc']),
        HUB_SERVER_ENVIRONMENT: JSON.stringify({ JUPYTER_PATH: writeKernel(folder), JUPYTER_RUNTIME_DIR: folder }),
      },
    });
    both = [await replicas.add('127.0.0.2'), await replicas.add('127.0.0.3')];
    replicas.name('127.0.0.2', '127.0.0.3');
    hub = await replicas.startHub(both[0]!.url, checkSeconds);
    paths = await Promise.all(users.map((user) => hub.startServer(user)));
  }, startsMs);
  afterAll(async () => {
    await hub?.stop();
    await replicas?.stop();
  });

  it('loses no output of two hundred kernels, and fails no request', async () => {
    await using service = await Service.start(replicas.publicPort, both);
    const { url } = service.balancer;
    const kernels: { client: KernelClient; run: Execution }[] = [];
    const kinds = Array.from({ length: ofIpython + ofOurs }, (_, i) => (i < ofIpython ? 'python3' : 'printing'));
    const left = kinds.entries();
    const starts = Array.from({ length: atOnce }, async () => {
      for (const [i, kind] of left) {
        const client = await KernelClient.start(url + paths[i % paths.length]!, kind);
        kernels.push({ client, run: client.run(kind === 'printing' ? enough : pythonUntil(enough)) });
      }
    });
    await Promise.all(starts);
    await Promise.all(kernels.map(({ run }) => run.shown((text) => text.includes('line 2\n'))));
    const open = async () => {
      const counts = await Promise.all(
        both.map((replica) => replica.metric('connections_active\\{route="servers"\\}')),
      );
      return counts.map(Number);
    };
    // Both have their part.
    expect(Math.min(...(await open()))).toBeGreaterThan(0);

    const visits = service.visit(['/hub/api/', ...paths.map((path) => `${path}/api/status`)]);
    for (const replica of both) {
      expect(await replica.leave()).toBe(0);
      await replica.start();
      await expect.poll(async () => (await replica.readiness()).status, settled).toBe(200);
      // Whoever was sent away has come back before the other goes.
      await Promise.all(kernels.map(({ client }) => client.connection('connected')));
    }
    const { served, failures } = await visits.end();
    expect(failures).toEqual([]);
    expect(served).toBeGreaterThan(20);

    writeFileSync(enough, '');
    let lines = 0;
    await Promise.all(kernels.map(({ run }) => run.done));
    for (const { run, client } of kernels) {
      const printed = run.lines.length - 1;
      lines += printed;
      expect(run.lines).toEqual([...Array.from({ length: printed }, (_, i) => `line ${i}`), `last ${printed}`]);
      for (const { closed } of client.sockets.slice(0, -1)) expect((await closed).code).toBe(1012);
    }
    console.log(`rolling update: ${lines} lines, each once and in order; ${served} requests, none failed`);
    // Each was sent away once at least: it was with one of the two.
    expect(kernels.map(({ client }) => client.sockets.length).filter((count) => count < 2)).toEqual([]);
    expect(kernels).toHaveLength(ofIpython + ofOurs);
  });
});

/** What stands before the replicas: it sends nobody new to one that is not ready, as a Service does. */
class Service implements AsyncDisposable {
  readonly balancer: LoadBalancer;
  readonly #over = new AbortController();
  readonly #looks: Promise<void>;

  private constructor(balancer: LoadBalancer, replicas: readonly Replica[]) {
    this.balancer = balancer;
    this.#looks = this.#look(replicas);
  }

  static async start(port: number, replicas: readonly Replica[]): Promise<Service> {
    const isReady = async (replica: Replica) => (await replica.readiness()).status;
    for (const replica of replicas) await expect.poll(() => isReady(replica), settled).toBe(200);
    const balancer = await LoadBalancer.start(port);
    balancer.hosts = replicas.map(({ address }) => address);
    return new Service(balancer, replicas);
  }

  async #look(replicas: readonly Replica[]): Promise<void> {
    while (!this.#over.signal.aborted) {
      const statuses = await Promise.all(
        replicas.map((one) =>
          one.readiness().then(
            ({ status }) => status,
            () => 0,
          ),
        ),
      );
      const ready = replicas.filter((_, i) => statuses[i] === 200).map(({ address }) => address);
      if (ready.length > 0) this.balancer.hosts = ready;
      await delay(100);
    }
  }

  /** People who ask for these pages, again and again, over connections that they keep. */
  visit(paths: readonly string[]): { end(): Promise<{ served: number; failures: string[] }> } {
    let over = false;
    let served = 0;
    const failures: string[] = [];
    const people = paths.flatMap((path) =>
      [true, false].map(async (keepAlive) => {
        const agent = new Agent({ keepAlive, maxSockets: 1 });
        while (!over) {
          const seen = await get(this.balancer.url + path, agent);
          if (seen === 200) served++;
          else failures.push(`${path}: ${seen}`);
          await delay(50);
        }
        agent.destroy();
      }),
    );
    return {
      end: async () => {
        over = true;
        await Promise.all(people);
        return { served, failures };
      },
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#over.abort();
    await this.#looks;
    await this.balancer[Symbol.asyncDispose]();
  }
}

/**
 * The status, or what went wrong. A kept connection may have been closed when a request goes out on it: then it is sent
 * again, as browsers do (RFC 9112 §9.3.1).
 */
function get(url: string, agent: Agent): Promise<number | string> {
  const { promise, resolve } = Promise.withResolvers<number | string>();
  const asked = request(url, { agent, headers: { Authorization: `token ${token}` } }, (answer) => {
    buffer(answer).then(
      () => resolve(answer.statusCode!),
      (error: Error) => resolve(`${answer.statusCode} and ${error.message}`),
    );
  });
  asked.on('error', (error: NodeJS.ErrnoException) => {
    const { code = error.message } = error;
    if (asked.reusedSocket && (code === 'ECONNRESET' || code === 'EPIPE')) void get(url, agent).then(resolve);
    else resolve(code);
  });
  asked.end();
  return promise;
}

/** What an ipykernel runs to print as the small ones do. */
function pythonUntil(path: string): string {
  return `import os, time
i = 0
while not os.path.exists(${JSON.stringify(path)}):
    print("line", i, flush=True)
    i += 1
    time.sleep(0.5)
print("last", i)`;
}

/** Gives a folder of Jupyter's data in which the small kernel is one. */
function writeKernel(folder: string): string {
  const kernel = join(folder, 'data', 'kernels', 'printing');
  mkdirSync(kernel, { recursive: true });
  const argv = [venvProgram('modern', 'python'), join(import.meta.dirname, 'printing_kernel.py'), '{connection_file}'];
  writeFileSync(join(kernel, 'kernel.json'), JSON.stringify({ argv, display_name: 'Printing', language: 'text' }));
  return join(folder, 'data');
}
