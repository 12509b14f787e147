/** What a log has been told, as its reader would see it. */
import { createLog } from '../../src/observe/log/log.ts';

/** A parsed log line. */
export type LogLine = Record<string, unknown> & { readonly event: string };

export class LogLines {
  /** Every line so far. */
  readonly all: LogLine[] = [];
  readonly #fresh: LogLine[] = [];
  #wake: (() => void)[] = [];
  readonly log = createLog({
    write: (text) => {
      const line = JSON.parse(text) as LogLine;
      this.all.push(line);
      this.#fresh.push(line);
      for (const resolve of this.#wake.splice(0)) resolve();
    },
  });

  /** The first line that fits and was not returned before; waits for it. */
  async next(fits: (line: LogLine) => boolean = () => true): Promise<LogLine> {
    for (;;) {
      const at = this.#fresh.findIndex(fits);
      if (at >= 0) return this.#fresh.splice(at, 1)[0]!;
      await new Promise<void>((resolve) => this.#wake.push(resolve));
    }
  }
}
