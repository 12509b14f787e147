/** What all connections of the fast lane share. */

import { type HeadKind, HeadParser } from '../../http/wire/head-parser.ts';
import type { HeadWriter } from '../../http/wire/head-writer.ts';
import type { Log } from '../../observe/log/log.ts';
import type { RouteCounters } from '../../observe/metrics/counters.ts';
import type { RoundBudget } from '../../relay/core/round-budget.ts';
import type { RelayMemory, SessionInit } from '../../relay/types.ts';
import type { Lane } from '../connection.ts';
import type { Edge } from '../edge.ts';
import type { ErrorPages } from '../error-pages.ts';
import type { Reception } from '../reception.ts';
import type { Recorder } from '../recorder.ts';
import type { Exchange } from './exchange.ts';
import type { Opening } from './opening.ts';
import type { RestingLines } from './resting-lines.ts';
import type { UpstreamLines } from './upstream-line.ts';

/** Those that are under way. */
export interface UnderWay<T> {
  add(one: T): void;
  delete(one: T): void;
}

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
  /** What is passed on, and the chunks of uploads: see per-round.ts. */
  readonly byteBudget: RoundBudget;
  readonly chunkBudget: RoundBudget;
  readonly exchanges: UnderWay<Exchange>;
  readonly openings: UnderWay<Opening>;
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

/** The most free parsers that are kept. More are wanted only while many heads are cut in pieces at once. */
const mostFree = 16;

/** Parsers are large, and each is needed for a moment only. So free ones are kept for the next head. */
export class HeadParsers {
  readonly #kind: HeadKind;
  readonly #free: HeadParser[] = [];

  constructor(kind: HeadKind) {
    this.#kind = kind;
  }

  take(): HeadParser {
    return this.#free.pop() ?? new HeadParser(this.#kind);
  }

  /** Takes one back; what it has read is forgotten. */
  give(parser: HeadParser): void {
    parser.reset();
    if (this.#free.length < mostFree) this.#free.push(parser);
  }
}

/** A `Date` line, made once in a second. */
export class DateLine {
  #at = 0;
  #line: Buffer = Buffer.alloc(0);

  /** `now`: milliseconds since 1970. */
  at(now: number): Buffer {
    const second = Math.floor(now / 1000);
    if (second !== this.#at) {
      this.#at = second;
      this.#line = Buffer.from(`Date: ${new Date(second * 1000).toUTCString()}\r\n`, 'latin1');
    }
    return this.#line;
  }
}
