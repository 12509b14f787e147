/** Sluice as a person runs it: `serve --config FILE` in a process of its own, with its log and metrics at hand. */
import { createHash } from 'node:crypto';
import { EventEmitter, once } from 'node:events';
import { renameSync, writeFileSync } from 'node:fs';
import { Agent, get, type IncomingMessage } from 'node:http';
import { basename, dirname, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { stringify } from 'yaml';
import { sumSamples } from './metrics-text.ts';
import { root, scratchDirectory } from './paths.ts';
import { freePort } from './ports.ts';
import { answers, ServerProcess } from './server-process.ts';

/** One JSON line of the log. */
export type LogLine = Readonly<Record<string, unknown>>;

/** The configuration file as written, less the addresses, which the harness chooses. */
export interface SluiceConfig {
  readonly routes: readonly Readonly<Record<string, unknown>>[];
  /** Beside their addresses. */
  readonly listen?: Readonly<Record<string, unknown>>;
  readonly admin?: Readonly<Record<string, unknown>>;
  readonly [section: string]: unknown;
}

export interface SluiceOptions {
  /** Ports to take instead of free ones, for a Sluice that stands in for an earlier one. */
  readonly port?: number;
  readonly adminPort?: number;
  /** Options of Node. */
  readonly nodeOptions?: string;
  /** A folder with what V8 made of the program (scripts/compile-cache.ts), as the image has one. */
  readonly compileCache?: string;
}

/** For how long a rendering of the metrics may be served. */
const renderingMs = 1100;

/** Nobody balances load here; and pages that a test leaves open shall not keep its end waiting. */
const drainAtOnce = { announce: '0s', spread: '0s', deadline: '5s' };

/** The file of one Sluice, with its addresses. */
class ConfigFile {
  readonly path = join(scratchDirectory('config'), 'sluice.yaml');
  readonly port: number;
  readonly admin: number;

  constructor(port: number, admin: number) {
    this.port = port;
    this.admin = admin;
  }

  /** Puts a configuration in the file's place at once; returns its hash. */
  write({ listen, admin, ...config }: SluiceConfig): string {
    const text = stringify({
      listen: { address: `127.0.0.1:${this.port}`, ...listen },
      admin: { address: `127.0.0.1:${this.admin}`, ...admin },
      drain: drainAtOnce,
      ...config,
    });
    writeFileSync(`${this.path}.new`, text);
    renameSync(`${this.path}.new`, this.path);
    return createHash('sha256').update(text).digest('hex');
  }
}

/** A running Sluice; `await using` stops it. */
export class Sluice {
  readonly port: number;
  readonly url: string;
  readonly adminPort: number;
  readonly adminUrl: string;
  readonly process: ServerProcess;
  readonly log: LogLine[];
  readonly #lines: EventEmitter;
  readonly #file: ConfigFile;
  #scrapedAt = -renderingMs;
  #scraped: Promise<unknown> = Promise.resolve();

  private constructor(file: ConfigFile, process: ServerProcess, log: LogLine[], lines: EventEmitter) {
    this.#file = file;
    this.port = file.port;
    this.url = `http://127.0.0.1:${file.port}`;
    this.adminPort = file.admin;
    this.adminUrl = `http://127.0.0.1:${file.admin}`;
    this.process = process;
    this.log = log;
    this.#lines = lines;
  }

  /** Writes the configuration, starts Sluice and waits until it says that it is ready. */
  static async start(config: SluiceConfig, options: SluiceOptions = {}): Promise<Sluice> {
    const { port, adminPort, nodeOptions, compileCache } = options;
    const file = new ConfigFile(port ?? (await freePort()), adminPort ?? (await freePort()));
    file.write(config);
    const log: LogLine[] = [];
    const lines = new EventEmitter().setMaxListeners(0);
    const process_ = await ServerProcess.start({
      name: 'sluice',
      command: process.execPath,
      args: [join(root, 'src/main.ts'), 'serve', '--config', basename(file.path)],
      cwd: dirname(file.path),
      env: {
        ...(nodeOptions === undefined ? {} : { NODE_OPTIONS: nodeOptions }),
        ...(compileCache === undefined ? {} : { NODE_COMPILE_CACHE: compileCache }),
      },
      ready: answers(`http://127.0.0.1:${file.admin}/readyz`),
      onLine: (text) => {
        if (!text.startsWith('{')) return;
        const line = JSON.parse(text) as LogLine;
        log.push(line);
        lines.emit('line', line);
      },
    });
    return new Sluice(file, process_, log, lines);
  }

  /** Writes another configuration over the one before, as an editor does, and waits until it is in force. */
  async reconfigure(config: SluiceConfig): Promise<void> {
    await this.logged({ event: 'config_reloaded', config_hash: this.write(config) });
  }

  /** Writes another configuration, which may be wrong, and waits for nothing; returns its hash. */
  write(config: SluiceConfig): string {
    return this.#file.write(config);
  }

  /** The first log line, past or coming, that contains these values; nested objects are compared in part as well. */
  async logged(expected: LogLine, withinMs = 90_000): Promise<LogLine> {
    const signal = AbortSignal.timeout(withinMs);
    try {
      for (let seen = 0; ; seen++) {
        if (seen === this.log.length) await once(this.#lines, 'line', { signal });
        if (contains(this.log[seen], expected)) return this.log[seen]!;
      }
    } catch (cause) {
      throw new Error(`no log line with ${JSON.stringify(expected)}; output:\n${this.process.output}`, { cause });
    }
  }

  /** The sum of a metric's samples with these labels; 0 where there is none. The name is without `sluice_`. */
  async metric(name: string, labels: Readonly<Record<string, string>> = {}): Promise<number> {
    // One after the other, as Prometheus asks: more than two at once get 503.
    const scraped = this.#scraped.catch(() => {}).then(() => this.#scrape());
    this.#scraped = scraped;
    return sumSamples(await scraped, `sluice_${name}`, labels) ?? 0;
  }

  async #scrape(): Promise<string> {
    // A rendering serves all who ask within a second, and this wants what has happened until now.
    await new Promise((resolve) => setTimeout(resolve, Math.max(0, this.#scrapedAt + renderingMs - performance.now())));
    this.#scrapedAt = performance.now();
    // A connection of its own, which the client closes: a machine whose TCP memory is full, as after a flood, resets
    // sockets that their program has closed before all was acknowledged.
    const agent = new Agent({ keepAlive: true });
    try {
      const request = get(`${this.adminUrl}/metrics`, { agent });
      const [response] = (await once(request, 'response')) as [IncomingMessage];
      if (response.statusCode !== 200) throw new Error(`/metrics answered ${response.statusCode}`);
      return await text(response);
    } finally {
      agent.destroy();
    }
  }

  async stop(): Promise<void> {
    await this.process.stop();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }
}

function contains(actual: unknown, expected: unknown): boolean {
  if (typeof expected !== 'object' || expected === null) return Object.is(actual, expected);
  if (typeof actual !== 'object' || actual === null) return false;
  return Object.entries(expected).every(([key, value]) => contains((actual as LogLine)[key], value));
}
