/** The log: JSON lines on standard output, or wherever else. Writing a line never waits for anybody. */
import { type DestinationStream, type Logger as Pino, pino, stdTimeFunctions } from 'pino';
import type { Level } from '../../catalogue/outcomes.ts';
import type { LogSettings } from '../../config/types.ts';

import { openStandardOutput } from './outlet.ts';
import { LineRate } from './rate.ts';
import { withoutSecrets } from './redaction.ts';
import { Sink } from './sink.ts';

/** Why a line was dropped. */
export type DropReason = 'unread' | 'rate';

/** Writes one line: fields for programs, words for people. */
export type Write = (fields: object, words: string) => void;

export interface Log {
  readonly info: Write;
  readonly warn: Write;
  readonly error: Write;
  /** How much is logged. */
  readonly settings: LogSettings;
  /** Lines that nobody will see: whoever reads the log does not keep up, or there were more of a kind than allowed. */
  readonly dropped: Readonly<Record<DropReason, number>>;
  /** Logs so much from now on. */
  configure(settings: LogSettings): void;
  /** Writes a line of a kind that clients cause, where there are not too many of that kind. */
  caused(level: Level, kind: string, fields: object, words: string): void;
  /** Waits until what was written has been taken, for as long as somebody takes it and a few seconds at most. */
  flush(): Promise<void>;
}

/** What is kept while standard output takes nothing, before lines are dropped. */
const maxPendingBytes = 1 << 20;
/** A reader that takes nothing for so long at the end of the process is not waited for any longer. */
const quietMs = 1000;
/** Whoever ends the process by force waits longer than that beyond the last deadline of a drain. */
const longestFlushMs = 5000;

/** A log on standard output, or on `stream`. */
export function createLog(stream?: DestinationStream): Log {
  if (stream) return new LineLog(pino(options, stream), null);
  const sink = openStandardSink();
  return new LineLog(pino(options, sink), sink);
}

/** A place for lines, which is standard output whatever that is. */
export function openStandardSink(): Sink {
  const lines: string[] = [];
  // The line that tells of lost ones is written by the same hand as all others.
  const scribe = pino(options, { write: (line) => void lines.push(line) });
  return new Sink({
    outlet: openStandardOutput(),
    maxPendingBytes,
    describeLoss(lost) {
      scribe.warn(
        { event: 'log_lines_dropped', lines: lost },
        'log lines were dropped: whoever reads the log did not keep up, or its disk was full',
      );
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
  timestamp: stdTimeFunctions.isoTime,
  formatters: { level: (label: string) => ({ level: label }) },
  serializers: { err: describeError },
};

/** An error's words may quote what a peer sent, and so may its other fields, which are left out. */
function describeError({ name, message, stack }: Error): object {
  return { type: name, message: withoutSecrets(message), stack: withoutSecrets(stack ?? '') };
}

/** Everything, and as often as it comes: what holds until a configuration says something else. */
const everything: LogSettings = { level: 'info', open: 1, end: 1, maxRate: null, user: 'plain' };

class LineLog implements Log {
  readonly info: Write;
  readonly warn: Write;
  readonly error: Write;
  readonly #lines: Pino;
  readonly #sink: Sink | null;
  readonly #rate: LineRate;
  #settings = everything;

  constructor(lines: Pino, sink: Sink | null) {
    this.info = (fields, words) => lines.info(fields, words);
    this.warn = (fields, words) => lines.warn(fields, words);
    this.error = (fields, words) => lines.error(fields, words);
    this.#lines = lines;
    this.#sink = sink;
    this.#rate = new LineRate((count, kind, last) =>
      this.warn(
        { event: 'log_lines_left_out', kind, lines: count, last },
        'clients cause more lines of this kind than log.max_rate allows; the rest is left out',
      ),
    );
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

  caused(level: Level, kind: string, fields: object, words: string): void {
    if (this.#lines.isLevelEnabled(level) && this.#rate.allows(kind, fields)) this[level](fields, words);
  }

  async flush(): Promise<void> {
    this.#rate.flush();
    if (this.#sink !== null) await flush(this.#sink);
  }
}
