/** Parsers of heads, kept for the next head. */
import type { HeadKind } from '../../http/wire/head.ts';
import { HeadParser } from '../../http/wire/head-parser.ts';

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
