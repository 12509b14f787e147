/** The log writes JSON lines to standard output, or to a stream. Writing a line never waits for anybody. */
import { type DestinationStream, type Logger as Pino, pino } from 'pino';
import {
  type EndingEvent,
  type EventLine,
  type LogEvent,
  lineOf,
  type Manner,
  type ToldEvent,
} from '../../catalogue/log-events.ts';
import type { LogSettings } from '../../config/types.ts';

import { openStandardOutput } from './outlet.ts';
import { LineRate } from './rate.ts';
import { withoutSecrets } from './redaction.ts';
import { Sink } from './sink.ts';
import { timeOf } from './time.ts';

/** Why a line was dropped. */
export type DropReason = 'unread' | 'rate';

/** Makes the fields of a line, of which its event is the first: a copy of them would cost as much as they do. */
type Describe = (event: LogEvent) => { readonly event: LogEvent };

export interface Log {
  /** How much is logged. */
  readonly settings: LogSettings;
  /** Lines that nobody will see, because their reader does not keep up or there were more of a kind than allowed. */
  readonly dropped: Readonly<Record<DropReason, number>>;
  /** Logs so much from now on. */
  configure(settings: LogSettings): void;
  /** Writes a line with the level and words of its event; `manner` where it has several. */
  tell<E extends ToldEvent>(event: E, fields: object, ...manner: Manner<E>): void;
  /** Writes a line about an ending. */
  tellEnding(event: EndingEvent, line: EventLine, fields: object): void;
  /**
   * Writes a line of a kind that clients cause, where there are not too many of that kind. `describe` makes its fields,
   * and is not called where the level leaves the line out.
   */
  caused(kind: string, event: LogEvent, line: EventLine, describe: Describe): void;
  /** Waits until what was written has been taken, for as long as somebody takes it and a few seconds at most. */
  flush(): Promise<void>;
}

/** So much is kept while standard output takes nothing. Beyond it lines are dropped. */
const maxPendingBytes = 1 << 20;
/** Nobody who reads a log sees the difference, and many handshakes share one write. */
const paceMs = 10;
/** A reader that takes nothing for so long at the end of the process is not waited for any longer. */
const quietMs = 1000;
/**
 * The end of the process waits no longer than this. Whoever ends it by force waits longer beyond a drain's deadline.
 */
const longestFlushMs = 5000;

/** A log on standard output, or on `stream`. */
export function createLog(stream?: DestinationStream): Log {
  if (stream) return new LineLog(stream, null);
  const sink = openStandardSink();
  return new LineLog(sink, sink);
}

/** A place for lines, which is standard output whatever that is. */
export function openStandardSink(): Sink {
  const lines: string[] = [];
  // The line that tells of lost ones looks like all others.
  const scribe = pino(options, { write: (line) => void lines.push(line) });
  return new Sink({
    outlet: openStandardOutput(),
    maxPendingBytes,
    paceMs,
    describeLoss(lost) {
      const { level, words } = lineOf('log_lines_dropped');
      scribe[level]({ event: 'log_lines_dropped', lines: lost }, words);
      return lines.pop()!;
    },
  });
}

/** Waits until a sink's lines have been taken, for as long as somebody takes them and a few seconds at most. */
export function flush(sink: Sink): Promise<void> {
  return sink.flush(quietMs, longestFlushMs);
}

const options = {
  base: null,
  timestamp: () => `,"time":"${timeOf(Date.now())}"`,
  formatters: { level: (label: string) => ({ level: label }) },
  serializers: { err: describeError },
};

/** An error's words may quote what a peer sent, and so may its other fields, which are left out. */
function describeError({ name, message, stack }: Error): object {
  return { type: name, message: withoutSecrets(message), stack: withoutSecrets(stack ?? '') };
}

/** Everything is logged, as often as it comes, until a configuration says something else. */
const everything: LogSettings = { level: 'info', open: 1, end: 1, maxRate: null, user: 'plain' };

/**
 * A line as pino writes it, of fields that are JSON already but for `undefined`. Pino puts each field into words by
 * itself, which took four times as long, and 3 % of a handshake with its two lines (measured).
 */
function lineFor(level: string, fields: object, words: string): string {
  return `{"level":"${level}"${options.timestamp()},${JSON.stringify(fields).slice(1, -1)},"msg":${JSON.stringify(words)}}\n`;
}

class LineLog implements Log {
  readonly #lines: Pino;
  readonly #stream: DestinationStream;
  readonly #sink: Sink | null;
  readonly #rate: LineRate;
  #settings = everything;

  constructor(stream: DestinationStream, sink: Sink | null) {
    this.#lines = pino(options, stream);
    this.#stream = stream;
    this.#sink = sink;
    this.#rate = new LineRate((count, kind, last) => this.tell('log_lines_left_out', { kind, lines: count, last }));
  }

  get settings(): LogSettings {
    return this.#settings;
  }

  get dropped(): Readonly<Record<DropReason, number>> {
    return { unread: this.#sink?.lost ?? 0, rate: this.#rate.leftOut };
  }

  configure(settings: LogSettings): void {
    this.#settings = settings;
    this.#rate.change(settings.maxRate);
    this.#lines.level = settings.level;
  }

  tell<E extends ToldEvent>(event: E, fields: object, ...manner: Manner<E>): void {
    this.#write(event, lineOf(event, ...manner), fields);
  }

  tellEnding(event: EndingEvent, line: EventLine, fields: object): void {
    this.#write(event, line, fields);
  }

  caused(kind: string, event: LogEvent, { level, words }: EventLine, describe: Describe): void {
    if (!this.#lines.isLevelEnabled(level)) return;
    const fields = describe(event);
    if (this.#rate.allows(kind, fields)) this.#stream.write(lineFor(level, fields, words));
  }

  #write(event: LogEvent, { level, words }: EventLine, fields: object): void {
    this.#lines[level]({ event, ...fields }, words);
  }

  async flush(): Promise<void> {
    this.#rate.flush();
    if (this.#sink !== null) await flush(this.#sink);
  }
}
