/** A Prometheus of its own: data in a scratch directory, port on loopback. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { scratchDirectory } from '../../real/harness/paths.ts';
import { freePort } from '../../real/harness/ports.ts';
import { answers, ServerProcess } from '../../real/harness/server-process.ts';
import { bin } from './paths.ts';
import type { ScrapeConfig } from './scrape-config.ts';

/** One series of an answer. */
export interface Series {
  readonly metric: Readonly<Record<string, string>>;
  readonly value: number;
}

/** A rule as Prometheus reports on it. */
export interface RuleState {
  readonly name: string;
  readonly type: 'alerting' | 'recording';
  readonly query: string;
  readonly health: 'ok' | 'err' | 'unknown';
  readonly lastError?: string;
  readonly state?: 'inactive' | 'pending' | 'firing';
  readonly labels?: Readonly<Record<string, string>>;
}

interface RangeResult {
  readonly result: { readonly metric: Record<string, string>; readonly values: [number, string][] }[];
}

export class Prometheus implements AsyncDisposable {
  readonly #url: string;
  readonly #process: ServerProcess;

  private constructor(url: string, process: ServerProcess) {
    this.#url = url;
    this.#process = process;
  }

  /** Starts it with these scrape configurations and the text of a rules file. */
  static async start(scrapeConfigs: readonly ScrapeConfig[], rules: string): Promise<Prometheus> {
    const directory = scratchDirectory('prometheus');
    const file = join(directory, 'prometheus.yaml');
    writeFileSync(join(directory, 'rules.yaml'), rules);
    const global = { scrape_interval: '1s', scrape_timeout: '1s', evaluation_interval: '1s' };
    writeFileSync(file, stringify({ global, rule_files: ['rules.yaml'], scrape_configs: scrapeConfigs }));
    const address = `127.0.0.1:${await freePort()}`;
    const url = `http://${address}`;
    const args = [`--config.file=${file}`, `--storage.tsdb.path=${directory}/data`, `--web.listen-address=${address}`];
    const ready = answers(`${url}/-/ready`);
    return new Prometheus(
      url,
      await ServerProcess.start({ name: 'prometheus', command: bin('prometheus'), args, ready }),
    );
  }

  /** The value of an expression now, or at a time in seconds since 1970. */
  async query(expr: string, at: number = Date.now() / 1000): Promise<Series[]> {
    const { result } = await this.#get<{ result: { metric: Record<string, string>; value: [number, string] }[] }>(
      '/api/v1/query',
      { query: expr, time: String(at) },
    );
    return result.map(({ metric, value }) => ({ metric, value: Number(value[1]) }));
  }

  /** An expression over the minute before a time; each series with its largest value. */
  async queryRange(expr: string, end: number): Promise<Series[]> {
    const range = { start: String(end - 60), end: String(end), step: '2' };
    const { result } = await this.#get<RangeResult>('/api/v1/query_range', { query: expr, ...range });
    return result.map(({ metric, values }) => ({
      metric,
      value: Math.max(...values.map(([, value]) => Number(value)).filter((value) => !Number.isNaN(value))),
    }));
  }

  /** The values of a label on the series that match. */
  labelValues(label: string, match: string): Promise<string[]> {
    return this.#get<string[]>(`/api/v1/label/${label}/values`, { 'match[]': match });
  }

  async rules(): Promise<RuleState[]> {
    const { groups } = await this.#get<{ groups: { rules: RuleState[] }[] }>('/api/v1/rules');
    return groups.flatMap(({ rules }) => rules);
  }

  async #get<T>(path: string, parameters: Readonly<Record<string, string>> = {}): Promise<T> {
    const response = await fetch(`${this.#url}${path}?${new URLSearchParams(parameters)}`);
    const answer = (await response.json()) as { status: string; data: T; error?: string };
    if (answer.status !== 'success') throw new Error(`${JSON.stringify(parameters)}: ${answer.error}`);
    return answer.data;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#process.stop('SIGKILL');
  }
}
