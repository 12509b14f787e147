/** The log: JSON lines on standard output, or wherever else. Writing a line never waits for anybody. */
import { type DestinationStream, type Logger as Pino, pino, stdTimeFunctions } from 'pino';
import { openStandardOutput } from './outlet.ts';
import { withoutSecrets } from './redaction.ts';
import { Sink } from './sink.ts';

/** Writes one line: fields for programs, words for people. */
export type Write = (fields: object, words: string) => void;

export interface Log {
  readonly info: Write;
  readonly warn: Write;
  readonly error: Write;
  /** Lines that nobody will see, because whoever reads the log does not keep up, or is gone. */
  readonly lost: number;
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

class LineLog implements Log {
  readonly info: Write;
  readonly warn: Write;
  readonly error: Write;
  readonly #sink: Sink | null;

  constructor(lines: Pino, sink: Sink | null) {
    this.info = (fields, words) => lines.info(fields, words);
    this.warn = (fields, words) => lines.warn(fields, words);
    this.error = (fields, words) => lines.error(fields, words);
    this.#sink = sink;
  }

  get lost(): number {
    return this.#sink?.lost ?? 0;
  }

  async flush(): Promise<void> {
    if (this.#sink !== null) await flush(this.#sink);
  }
}
