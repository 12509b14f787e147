/** Sluice as a person runs it: `serve --config FILE` in a process of its own, with its log and metrics at hand. */
import { EventEmitter, once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
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
  readonly [section: string]: unknown;
}

/** Ports to take instead of free ones, for a Sluice that stands in for an earlier one. */
export interface SluicePorts {
  readonly port?: number;
}

/** Nobody balances load here; and pages that a test leaves open shall not keep its end waiting. */
const drainAtOnce = { announce: '0s', spread: '0s', deadline: '5s' };

/** A running Sluice; `await using` stops it. */
export class Sluice {
  readonly port: number;
  readonly url: string;
  readonly adminUrl: string;
  readonly process: ServerProcess;
  readonly log: LogLine[];
  readonly #lines: EventEmitter;

  private constructor(
    ports: { port: number; admin: number },
    process: ServerProcess,
    log: LogLine[],
    lines: EventEmitter,
  ) {
    this.port = ports.port;
    this.url = `http://127.0.0.1:${ports.port}`;
    this.adminUrl = `http://127.0.0.1:${ports.admin}`;
    this.process = process;
    this.log = log;
    this.#lines = lines;
  }

  /** Writes the configuration, starts Sluice and waits until it says that it is ready. */
  static async start(config: SluiceConfig, { port }: SluicePorts = {}): Promise<Sluice> {
    const ports = { port: port ?? (await freePort()), admin: await freePort() };
    const file = join(scratchDirectory('config'), 'sluice.yaml');
    writeFileSync(
      file,
      stringify({
        listen: { address: `127.0.0.1:${ports.port}` },
        admin: { address: `127.0.0.1:${ports.admin}` },
        drain: drainAtOnce,
        ...config,
      }),
    );
    const log: LogLine[] = [];
    const lines = new EventEmitter().setMaxListeners(0);
    const process_ = await ServerProcess.start({
      name: 'sluice',
      command: process.execPath,
      args: [join(root, 'src/main.ts'), 'serve', '--config', file],
      ready: answers(`http://127.0.0.1:${ports.admin}/readyz`),
      onLine: (text) => {
        if (!text.startsWith('{')) return;
        const line = JSON.parse(text) as LogLine;
        log.push(line);
        lines.emit('line', line);
      },
    });
    return new Sluice(ports, process_, log, lines);
  }

  /** The first log line, past or coming, that contains these values; nested objects are compared in part as well. */
  async logged(expected: LogLine, withinMs = 30_000): Promise<LogLine> {
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
    // A connection kept alive may be closed by the server just as it is used again.
    const response = await fetch(`${this.adminUrl}/metrics`, { headers: { connection: 'close' } });
    if (!response.ok) throw new Error(`/metrics answered ${response.status}`);
    return sumSamples(await response.text(), `sluice_${name}`, labels) ?? 0;
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
