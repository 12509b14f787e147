/** What a scrape reads. */
import type { Config, Route } from '../../config/types.ts';
import type { PauseCause, QuotaStoreCounters } from './counters.ts';
import type { CounterStore } from './store.ts';

/** What one sender has in a connection's buffers right now. */
export interface LiveSender {
  readonly bufferedBytes: number;
  readonly queuedMessages: number;
  readonly paused: boolean;
  /** What holds it now, each with the time since when, as `performance.now()` has it. */
  readonly pauses: { readonly causes: ReadonlyMap<PauseCause | 'drain' | 'answers', number> };
}

/** One open connection. */
export interface LiveSession {
  readonly route: Route;
  readonly client: LiveSender;
  readonly upstream: LiveSender;
}

/** The open connections; the relay's registry is one. */
export interface LiveSource {
  sessions(): Iterable<LiveSession>;
  /** What all buffers together hold, and may hold, in bytes. */
  readonly memory: { readonly pressure: number; readonly limitBytes: number };
}

/** The routes of an API, and how it is used. */
export interface RoutesApiReading {
  readonly routes: number;
  readonly requests: number;
  /** When the last request came (Unix time, ms); 0 for never. */
  readonly lastRequestAtMs: number;
  /** Pages for 404 and 503 that did not come. */
  readonly pageFailures: number;
  /** Routes that the hub's last check found missing here, or otherwise; `null` before the first. */
  readonly differing: number | null;
}

/** The store of shared quotas, and what it has answered. */
export interface QuotaStoreReading {
  readonly isThere: boolean;
  readonly counters: QuotaStoreCounters;
}

/** The state of the process that metrics show. */
export interface MetricsSource {
  /** The configuration in force. */
  config(): Config;
  readonly counters: CounterStore;
  readonly live: LiveSource;
  /** When a drain under way cuts its last connection (Unix time, ms); `null` where nothing drains. */
  drainDeadlineAtMs(): number | null;
  /** Whether the last attempt to load the configuration succeeded, and when one last did (Unix time, ms). */
  lastReload(): { readonly successful: boolean; readonly succeededAtMs: number };
  /** How often the configuration was loaded anew since the start. */
  reloads(): { readonly success: number; readonly failure: number };
  /** How many files that the configuration names cannot be used as they are now. */
  rejectedFiles(): number;
  /** `null`, or left out, where no program sets routes. */
  routesApi?(): RoutesApiReading | null;
  /** `null`, or left out, where each pod counts alone. */
  quotaStore?(): QuotaStoreReading | null;
  /** Log lines that nobody will see, by reason. */
  logLinesDropped(): Readonly<Record<string, number>>;
  readonly build: { readonly version: string; readonly revision: string };
}
