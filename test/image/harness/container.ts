/** The image as a running container: crun without an engine, its log lines at hand. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { type BundleOptions, bundleConfig } from './bundle.ts';
import { imageConfig } from './image.ts';

/** One JSON line of the log. */
export type LogLine = Readonly<Record<string, unknown>>;

export interface Finished {
  readonly code: number | null;
  readonly output: string;
}

export interface ContainerOptions extends Omit<BundleOptions, 'mounts'> {
  /** The text of `/etc/sluice/sluice.yaml`; the image's own unless given. */
  readonly config?: string;
}

// crun knows either version of cgroups, but not a machine that mounts both; an empty directory is neither.
const hideCgroups = 'mount -t tmpfs none /sys/fs/cgroup && exec "$@"';

/** A container; `await using` ends it. */
export class Container implements AsyncDisposable {
  /** The container's exit code; `null` where a signal ended the runtime. */
  readonly exit: Promise<number | null>;
  #output = '';
  readonly #folder: string;
  readonly #env: readonly string[];
  readonly #process: ChildProcess;
  readonly #log: LogLine[] = [];
  #wake: (() => void)[] = [];
  #ended = false;

  constructor({ config, ...options }: ContainerOptions) {
    this.#folder = mkdtempSync(join(tmpdir(), 'sluice-container-'));
    const bundle = join(this.#folder, 'bundle');
    mkdirSync(bundle);
    const mounts: Record<string, string> = {};
    if (config !== undefined) {
      const file = join(this.#folder, 'sluice.yaml');
      writeFileSync(file, config);
      mounts['/etc/sluice/sluice.yaml'] = file;
    }
    const settings = bundleConfig(imageConfig, { ...options, mounts });
    this.#env = settings.process.env.flatMap((variable) => ['--env', variable]);
    writeFileSync(join(bundle, 'config.json'), JSON.stringify(settings));
    this.#process = this.#crun('run', '--bundle', bundle, 'sluice');
    for (const stream of [this.#process.stdout!, this.#process.stderr!]) {
      createInterface({ input: stream }).on('line', (line) => this.#onLine(line));
    }
    this.exit = new Promise((resolve) =>
      this.#process.once('close', (code) => {
        this.#ended = true;
        this.#notify();
        resolve(code);
      }),
    );
  }

  /** Runs the container to its end. */
  static async finish(options: ContainerOptions): Promise<Finished> {
    await using container = new Container(options);
    return { code: await container.exit, output: container.output };
  }

  /** What it has printed. */
  get output(): string {
    return this.#output;
  }

  /** The first log line with this event, past or coming. */
  async logged(event: string): Promise<LogLine> {
    for (;;) {
      const line = this.#log.find((one) => one.event === event);
      if (line !== undefined) return line;
      if (this.#ended) throw new Error(`the container ended before "${event}":\n${this.#output}`);
      await new Promise<void>((resolve) => this.#wake.push(resolve));
    }
  }

  /** Runs a JavaScript module with the container's Node, as `execute` does. */
  evaluate(program: string): Promise<Finished> {
    return this.execute('/nodejs/bin/node', '--input-type=module', '--eval', program);
  }

  /** Runs a program in the container, as its user, with its environment. */
  async execute(...command: string[]): Promise<Finished> {
    const child = this.#crun('exec', ...this.#env, 'sluice', ...command);
    let output = '';
    for (const stream of [child.stdout!, child.stderr!]) stream.on('data', (chunk) => (output += String(chunk)));
    const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
    return { code, output: output.trim() };
  }

  /** Sends a signal to the container's first process, as a runtime does that stops it. */
  async kill(signal: string): Promise<void> {
    await new Promise((resolve) => this.#crun('kill', 'sluice', signal).once('close', resolve));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#ended) await this.kill('KILL');
    await this.exit;
    rmSync(this.#folder, { recursive: true });
  }

  #crun(...args: string[]): ChildProcess {
    const crun = ['crun', '--root', join(this.#folder, 'state'), '--cgroup-manager=disabled', ...args];
    return spawn('unshare', ['--mount', '--propagation', 'private', 'sh', '-c', hideCgroups, 'sh', ...crun], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
  }

  #onLine(line: string): void {
    this.#output += `${line}\n`;
    if (line.startsWith('{')) this.#log.push(JSON.parse(line) as LogLine);
    this.#notify();
  }

  #notify(): void {
    for (const wake of this.#wake.splice(0)) wake();
  }
}
