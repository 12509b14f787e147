/** A program under test: started, known to be up when a page of its answers, and ended by its own pid. */
import { type ChildProcess, spawn } from 'node:child_process';
import { setTimeout as delay } from 'node:timers/promises';

export interface ProgramCommand {
  readonly command: string;
  readonly args: readonly string[];
  /** Answers 200 when the program is ready. */
  readonly readyUrl: string;
  readonly env?: Readonly<Record<string, string>>;
}

const readyWithinMs = 30_000;
const pollMs = 50;

/** A running program; `await using` stops it. */
export class Program implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly #exit: Promise<void>;
  #output = '';

  private constructor({ command, args, env }: ProgramCommand) {
    this.#child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, ...env } });
    this.#exit = new Promise((resolve) => {
      this.#child
        .once('exit', () => resolve())
        .once('error', (error) => {
          this.#output += String(error);
          resolve();
        });
    });
    for (const stream of [this.#child.stdout!, this.#child.stderr!]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        this.#output += text;
      });
    }
  }

  /** Resolves when the program is ready; throws with its output when it ends before, or never is. */
  static async start(command: ProgramCommand): Promise<Program> {
    const program = new Program(command);
    const deadline = performance.now() + readyWithinMs;
    for (;;) {
      const ok = await fetch(command.readyUrl).then(
        (response) => response.ok,
        () => false,
      );
      if (ok) return program;
      if (program.#child.exitCode !== null || performance.now() > deadline) {
        await program.stop();
        throw new Error(`${command.command} did not become ready:\n${program.output}`);
      }
      await delay(pollMs);
    }
  }

  /** What it has written so far. */
  get output(): string {
    return this.#output;
  }

  /** Sends a signal. */
  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** Ends it at once. */
  async stop(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.#exit;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }
}
