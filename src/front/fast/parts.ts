/** What all connections of the fast lane share. */

import type { HeadWriter } from '../../http/wire/head-writer.ts';
import type { Log } from '../../observe/log/log.ts';
import type { RouteCounters } from '../../observe/metrics/counters.ts';
import type { RoundBudget } from '../../relay/core/round-budget.ts';
import type { Passer } from '../../relay/registry.ts';
import type { RelayMemory, SessionInit } from '../../relay/types.ts';
import type { Lane } from '../connection.ts';
import type { Edge } from '../edge.ts';
import type { ErrorPages } from '../error-pages.ts';
import type { Reception } from '../reception.ts';
import type { Recorder } from '../recorder.ts';
import type { HeadParsers } from './head-parsers.ts';
import type { RestingLines } from './resting-lines.ts';
import type { PendingHandshake, UnderWay } from './under-way.ts';
import type { UpstreamLines } from './upstream-line.ts';

export interface LaneParts {
  readonly log: Log;
  /** The configuration in force. */
  readonly edge: () => Edge;
  readonly memory: RelayMemory;
  readonly reception: Reception;
  readonly recorder: Recorder;
  /** Heads are written into its one buffer. Each is sent before the next is written. */
  readonly heads: HeadWriter;
  readonly requests: HeadParsers;
  readonly answers: HeadParsers;
  readonly upstreams: UpstreamLines;
  readonly resting: RestingLines;
  /** What is passed on, its chunks, and answers of Sluice's own: see per-round.ts. */
  readonly byteBudget: RoundBudget;
  readonly chunkBudget: RoundBudget;
  readonly answerBudget: RoundBudget;
  readonly exchanges: UnderWay<Passer>;
  readonly openings: UnderWay<PendingHandshake>;
  /** Takes what is not of the strict form. */
  readonly careful: Lane;
  /** A `Date` line of this second. */
  readonly date: () => Buffer;
  /** How long a header may take, in milliseconds; 0 is for ever. */
  readonly headersMs: () => number;
  readonly keepAliveMs: number;
  /** Whether every answer is the last one of its connection. */
  readonly endsKeepAlive: () => boolean;
  readonly refusesHandshakes: () => boolean;
  /** Takes both sockets of a finished handshake over. */
  readonly open: (init: SessionInit) => void;
  readonly unrouted: () => RouteCounters;
  /** Pages of another program for answers of Sluice's own; `null` for none. */
  readonly pages: () => ErrorPages | null;
  /** Called when an untrusted peer has sent forwarding headers. */
  readonly noteUntrusted: (address: string, counters: RouteCounters) => void;
}
