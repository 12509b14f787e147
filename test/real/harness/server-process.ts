/**
 * A server as its user starts it: a process, known to be up when its port answers, ended by its pid together with
 * the children it made (kernels, workers), its output kept for the failure message.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { rmSync, writeFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { runningMark } from './paths.ts';

/** How to start a server. */
export interface ServerCommand {
  /** For messages. */
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly env?: NodeJS.ProcessEnv;
  readonly cwd?: string;
  /** Polled until it gives true; a rejection counts as "not yet". */
  readonly ready: () => Promise<boolean>;
  readonly readyWithinMs?: number;
  /** Called with each whole line of standard output and standard error. */
  readonly onLine?: (line: string) => void;
}

/** Every server that this file's tests have started, ended ones too. */
export const startedServers: ServerProcess[] = [];

const keptLines = 400;
const pollMs = 50;

/** A running server; `await using` stops it. */
export class ServerProcess {
  readonly pid: number;
  readonly #name: string;
  readonly #child: ChildProcess;
  readonly #exited: Promise<unknown>;
  readonly #lines: string[] = [];

  private constructor(spec: ServerCommand) {
    this.#name = spec.name;
    // A process group of its own, so that its children can be ended with it.
    this.#child = spawn(spec.command, spec.args, {
      cwd: spec.cwd,
      env: { ...process.env, ...spec.env },
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    });
    this.pid = this.#child.pid ?? 0;
    if (this.pid !== 0) writeFileSync(runningMark(this.pid), '');
    this.#exited = once(this.#child, 'exit').catch((error: Error) => this.#keep(String(error)));
    for (const stream of [this.#child.stdout!, this.#child.stderr!]) {
      let rest = '';
      stream.setEncoding('utf8').on('data', (text: string) => {
        const lines = (rest + text).split('\n');
        rest = lines.pop()!;
        for (const line of lines) {
          this.#keep(line);
          spec.onLine?.(line);
        }
      });
    }
  }

  /** Starts a server and resolves when it is ready; throws with its output when it never is. */
  static async start(spec: ServerCommand): Promise<ServerProcess> {
    const server = new ServerProcess(spec);
    startedServers.push(server);
    const deadline = performance.now() + (spec.readyWithinMs ?? 150_000);
    while (!(await spec.ready().catch(() => false))) {
      const late = performance.now() > deadline;
      if (!server.running || late) {
        await server.stop('SIGKILL');
        throw new Error(`${spec.name} ${late ? 'was not ready in time' : 'ended at its start'}:\n${server.output}`);
      }
      await delay(pollMs);
    }
    return server;
  }

  get running(): boolean {
    return this.pid !== 0 && this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** The last lines it wrote. */
  get output(): string {
    return this.#lines.join('\n');
  }

  /** From now on nobody reads what it writes. */
  deafen(): void {
    this.#child.stdout!.pause();
  }

  /** Sends a signal to the server alone. */
  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** Resolves with the exit code (null after a signal) when the server has ended by itself. */
  async exited(): Promise<number | null> {
    await this.#exited;
    return this.#child.exitCode;
  }

  /** Ends the server, by force after ten seconds, and whatever children it left. */
  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    if (this.running) {
      this.#child.kill(signal);
      const patience = new AbortController();
      await Promise.race([this.#exited, delay(10_000, undefined, { signal: patience.signal }).catch(() => undefined)]);
      patience.abort();
    }
    if (this.pid !== 0) {
      try {
        process.kill(-this.pid, 'SIGKILL');
      } catch {
        // The whole group has gone already.
      }
      rmSync(runningMark(this.pid), { force: true });
    }
    await this.#exited;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  #keep(line: string): void {
    this.#lines.push(`[${this.#name}] ${line}`);
    if (this.#lines.length > keptLines) this.#lines.shift();
  }
}

/** A readiness probe: true when a GET gives one of these statuses. */
export function answers(url: string, statuses: readonly number[] = [200]): () => Promise<boolean> {
  return async () => {
    const response = await fetch(url, { redirect: 'manual', signal: AbortSignal.timeout(2_000) });
    await response.body?.cancel();
    return statuses.includes(response.status);
  };
}
