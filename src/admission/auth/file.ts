/** Files of users, tokens and the like: one entry a line. */
import { setImmediate } from 'node:timers/promises';

/** What a file means, or what is wrong with it, in words that follow its name. */
export type ParsedFile<T> = { readonly value: T } | { readonly problem: string };

interface FileLine {
  /** Counted from 1. */
  readonly number: number;
  readonly content: string;
}

/** Reading them takes 1 to 2 ms. */
const linesAtOnce = 500;

/**
 * The lines that say something, some at once: a file may have 100 000, and messages wait for no more than those. A `#`
 * begins a line that says nothing.
 */
export async function* linesOf(text: string): AsyncGenerator<readonly FileLine[], void> {
  for (let at = 0, number = 0; at <= text.length; ) {
    const lines: FileLine[] = [];
    for (const last = number + linesAtOnce; number < last && at <= text.length; ) {
      const found = text.indexOf('\n', at);
      const end = found < 0 ? text.length : found;
      const content = text.slice(at, end).trim();
      number++;
      at = end + 1;
      if (content !== '' && !content.startsWith('#')) lines.push({ number, content });
    }
    yield lines;
    if (at <= text.length) await setImmediate();
  }
}
