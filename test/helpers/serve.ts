/** `sluice serve` as a process of its own. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { FakeUpstream } from './fake-upstream.ts';
import type { LogLine } from './gateway.ts';
import { program as bundled, small } from './program.ts';

export interface ServeOptions {
  /** Loopback and a free port unless given. */
  readonly listen?: string;
  readonly admin?: string;
  /** How many files the process may have open. */
  readonly openFiles?: number;
  readonly env?: Readonly<Record<string, string>>;
  /** Whether it has to see itself to staying small. */
  readonly isBare?: boolean;
  /** The program's file; all of it in one unless given. */
  readonly program?: string;
  /** `drain` of the file; at once unless given. */
  readonly drain?: string;
  /** Configuration files in the place of one made from the above. */
  readonly files?: readonly string[];
  /** Further keys of the route, such as `preset: panel`. */
  readonly route?: string;
}

export class Serve implements AsyncDisposable {
  readonly process: ChildProcess;
  readonly exit: Promise<number | null>;
  /** Every log line that has been read. */
  readonly lines: LogLine[] = [];
  readonly #lines: AsyncIterator<string>;
  readonly #folder: string;

  private constructor(folder: string, { openFiles, env, isBare = false, program = bundled, files }: ServeOptions) {
    this.#folder = folder;
    const configs = (files ?? [join(folder, 'sluice.yaml')]).flatMap((file) => ['--config', file]);
    const command = [process.execPath, ...(isBare ? [] : small.flags), program, 'serve', ...configs];
    // The shell becomes the process.
    const limit = openFiles === undefined ? '' : `ulimit -n ${openFiles} && `;
    this.process = spawn('sh', ['-c', `${limit}exec "$@"`, 'sh', ...command], {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { ...process.env, ...(isBare ? {} : small.env), ...env },
    });
    this.exit = new Promise((resolve) => this.process.once('exit', resolve));
    this.#lines = createInterface({ input: this.process.stdout! })[Symbol.asyncIterator]();
  }

  /** Starts it before an upstream, on a route of `/`; the ports are 0 for a unix socket. */
  static async start(
    upstream: FakeUpstream,
    options: ServeOptions = {},
  ): Promise<{ serve: Serve; port: number; adminPort: number }> {
    const { listen = '127.0.0.1:0', admin = '127.0.0.1:0', drain = '{announce: 0, spread: 0}', route = '' } = options;
    const folder = await mkdtemp(join(tmpdir(), 'sluice-'));
    const yaml = `
listen: {address: "${listen}"}
admin: {address: "${admin}"}
timeouts: {close: 10m}
drain: ${drain}
routes:
  - {name: test, match: {path: /}, upstream: "http://127.0.0.1:${upstream.port}"${route && `, ${route}`}}
`;
    await writeFile(join(folder, 'sluice.yaml'), yaml);
    const serve = new Serve(folder, options);
    try {
      const { address, admin_address } = await serve.logged('listening');
      return { serve, port: portOf(address), adminPort: portOf(admin_address) };
    } catch (error) {
      await serve[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** The next line with this event. */
  async logged(event: string): Promise<LogLine> {
    for (;;) {
      const { value, done } = await this.#lines.next();
      if (done) throw new Error(`the process ended before ${event}`);
      const line = JSON.parse(value) as LogLine;
      this.lines.push(line);
      if (line.event === event) return line;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.process.kill('SIGKILL');
    await this.exit;
    await rm(this.#folder, { recursive: true });
  }
}

function portOf(address: unknown): number {
  return Number(/^[^/]*:(\d+)$/.exec(String(address))?.[1] ?? 0);
}
