/**
 * A neighbour on a Sluice that is attacked: how much of its time on a core Sluice spends before it comes to a message
 * of the neighbour's, and how large the process becomes. A Sluice that sleeps spends none: it misses its `/healthz`.
 */
import { expect, onTestFinished } from 'vitest';
import { residentBytes } from '../real/harness/process-memory.ts';
import { Sluice, type SluiceConfig } from '../real/harness/sluice.ts';
import { Echo } from './echo.ts';
import { MiB } from './load.ts';

export const budgetMiB = 64;
/** What a process may take beside its budget. */
export const spareMiB = 32;
/** In most seconds: one of them compiles, or collects garbage. */
const longestEchoMs = 100;
/** Longer than a busy machine takes to answer. */
const healthyWithinMs = 5000;

export class Neighbour {
  readonly sluice: Sluice;
  readonly #echo: Echo;
  #before = 0;

  private constructor(sluice: Sluice, echo: Echo) {
    this.sluice = sluice;
    this.#echo = echo;
  }

  /** Starts a Sluice with a route of the neighbour's at `/echo`, and these. */
  static async start({ routes, ...top }: SluiceConfig): Promise<Neighbour> {
    const echo = new Echo();
    const sluice = await Sluice.start({
      ...top,
      memory: { max_buffered: `${budgetMiB}MiB` },
      routes: [
        { name: 'echo', match: { path: '/echo' }, upstream: `http://127.0.0.1:${await echo.backendPort()}` },
        ...routes,
      ],
    });
    onTestFinished(async () => {
      // The neighbour first: it would miss its Sluice.
      await echo[Symbol.asyncDispose]();
      await sluice.stop();
    });
    const neighbour = new Neighbour(sluice, echo);
    const tls = top.listen !== undefined && 'tls' in top.listen;
    echo.connect({ port: sluice.port, tls, pid: sluice.process.pid });
    await new Promise((resolve) => setTimeout(resolve, 2000));
    await echo.longest();
    neighbour.#before = await neighbour.#resident();
    return neighbour;
  }

  /**
   * While `work` goes on, and for so long at most: the longest echo of a second, what `/healthz` says and how large the
   * process becomes. Returns by how many MiB.
   */
  async watch(what: string, work: Promise<unknown>, mostMs = 10_000, mostEchoMs = longestEchoMs): Promise<number> {
    const { adminUrl } = this.sluice;
    const end = performance.now() + mostMs;
    let most = 0;
    let sick = 0;
    const echoes: number[] = [];
    let looked = performance.now();
    const isOver = work.then(() => true);
    while (performance.now() < end) {
      const healthy = await fetch(`${adminUrl}/healthz`, { signal: AbortSignal.timeout(healthyWithinMs) }).then(
        (answered) => answered.ok,
        () => false,
      );
      if (!healthy) sick++;
      most = Math.max(most, await this.#resident());
      if (performance.now() - looked >= 1000) {
        looked = performance.now();
        echoes.push(await this.#echo.longest());
      }
      if (await Promise.race([isOver, new Promise((resolve) => setTimeout(resolve, 100, false))])) break;
    }
    echoes.push(await this.#echo.longest());
    echoes.sort((a, b) => a - b);
    const echoMs = echoes[Math.floor(echoes.length / 2)]!;
    const grown = most - this.#before;
    console.log(
      `${what}: before an echo pass ${echoMs.toFixed(1)} ms of CPU at most in most seconds, ${echoes.at(-1)!.toFixed(1)} in one; ${grown.toFixed(0)} MiB more than ${this.#before.toFixed(0)}`,
    );
    expect(sick).toBe(0);
    expect(grown).toBeLessThan(budgetMiB + spareMiB);
    expect(echoMs).toBeLessThan(mostEchoMs);
    return grown;
  }

  async #resident(): Promise<number> {
    return (await residentBytes(this.sluice.process.pid)) / MiB;
  }
}
