/** What the demo's backend tells its page. */
import type { Samples } from '../counters.ts';
import type { FloodState } from '../flood.ts';

/** The events of `/events`, and what each carries. */
export interface Events {
  setup: Setup;
  counters: Samples;
  flood: FloodState;
  log: LogLine;
}

/** What is configured. */
export interface Setup {
  readonly admin: string;
  readonly yaml: Readonly<Record<string, string>>;
  readonly limits: {
    readonly message: number;
    readonly chunk: number;
    readonly floodBuffer: number;
    readonly floodPauseMs: number;
  };
}

export interface LogLine {
  readonly level: string;
  readonly time: string;
  readonly msg: string;
  readonly event?: string;
  readonly flag?: string;
  readonly route?: string;
  readonly reason?: string;
}
