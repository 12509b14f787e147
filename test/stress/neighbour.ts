/** A neighbour on a Sluice that is attacked: how long its messages take, and how large the process becomes. */
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { expect, onTestFinished } from 'vitest';
import { residentBytes } from '../real/harness/process-memory.ts';
import { Sluice, type SluiceConfig } from '../real/harness/sluice.ts';
import { MiB } from './load.ts';

export const budgetMiB = 64;
/** What a process may take beside its budget. */
export const spareMiB = 32;
/** In most seconds: in some the machine itself is busy, with the other side of the test for one. */
const longestEchoMs = 100;

export class Neighbour {
  readonly sluice: Sluice;
  readonly #echo: Worker;
  #before = 0;

  private constructor(sluice: Sluice, echo: Worker) {
    this.sluice = sluice;
    this.#echo = echo;
  }

  /**
   * Starts a Sluice with a route of the neighbour's at `/echo`, and these. `clock`: whether an echo's time is that of day
   * or that of Sluice's thread on a core.
   */
  static async start(
    { routes, ...top }: SluiceConfig,
    clock: 'time of day' | 'time on a core' = 'time of day',
  ): Promise<Neighbour> {
    const echo = new Worker(new URL('./echo-thread.ts', import.meta.url));
    const [echoPort] = await once(echo, 'message');
    const sluice = await Sluice.start({
      ...top,
      memory: { max_buffered: `${budgetMiB}MiB` },
      routes: [{ name: 'echo', match: { path: '/echo' }, upstream: `http://127.0.0.1:${echoPort}` }, ...routes],
    });
    onTestFinished(async () => {
      // The neighbour first: it would miss its Sluice.
      await echo.terminate();
      await sluice.stop();
    });
    const neighbour = new Neighbour(sluice, echo);
    const tls = top.listen !== undefined && 'tls' in top.listen;
    const pid = clock === 'time on a core' ? sluice.process.pid : null;
    echo.postMessage({ port: sluice.port, tls, pid });
    await new Promise((resolve) => setTimeout(resolve, 2000));
    await neighbour.#longest();
    neighbour.#before = await neighbour.#resident();
    return neighbour;
  }

  /**
   * While `work` goes on, and for so long at most: the longest echo of a second, what `/healthz` says and how large the
   * process becomes. Returns by how many MiB.
   */
  async watch(what: string, work: Promise<unknown>, mostMs = 10_000): Promise<number> {
    const { adminUrl } = this.sluice;
    const end = performance.now() + mostMs;
    let most = 0;
    let sick = 0;
    const echoes: number[] = [];
    let looked = performance.now();
    const isOver = work.then(() => true);
    while (performance.now() < end) {
      const healthy = await fetch(`${adminUrl}/healthz`, { signal: AbortSignal.timeout(1000) }).then(
        (answered) => answered.ok,
        () => false,
      );
      if (!healthy) sick++;
      most = Math.max(most, await this.#resident());
      if (performance.now() - looked >= 1000) {
        looked = performance.now();
        echoes.push(await this.#longest());
      }
      if (await Promise.race([isOver, new Promise((resolve) => setTimeout(resolve, 100, false))])) break;
    }
    echoes.push(await this.#longest());
    echoes.sort((a, b) => a - b);
    const echoMs = echoes[Math.floor(echoes.length / 2)]!;
    const grown = most - this.#before;
    console.log(
      `${what}: an echo waits ${echoMs.toFixed(1)} ms at most in most seconds, ${echoes.at(-1)!.toFixed(1)} in one; ${grown.toFixed(0)} MiB more than ${this.#before.toFixed(0)}`,
    );
    expect(sick).toBe(0);
    expect(grown).toBeLessThan(budgetMiB + spareMiB);
    expect(echoMs).toBeLessThan(longestEchoMs);
    return grown;
  }

  async #longest(): Promise<number> {
    this.#echo.postMessage('longest');
    const [ms] = await once(this.#echo, 'message');
    return ms;
  }

  async #resident(): Promise<number> {
    return (await residentBytes(this.sluice.process.pid)) / MiB;
  }
}
