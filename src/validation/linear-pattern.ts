/**
 * Regular expressions whose time grows with the text and no faster (Thompson, 1968; Cox, "Regular Expression Matching
 * Can Be Simple And Fast", 2007). V8's engine tries one way after another, and `(a+)+$` keeps it for years. Here all
 * ways go on together, one character at a time.
 *
 *   pattern ─► compiler ─► a program for each thing it looks around for ─► at which places of the text that is there
 *                └───────► a program for the rest, which looks it up
 *
 * What cannot be done like that, references back, is refused.
 */
import { Compiler, UnfitPattern } from './pattern-compiler.ts';
import type { Program } from './pattern-program.ts';
import type { Fuel } from './types.ts';

export { UnfitPattern };

/** What takes no character has no steps, and is looked at as often as it is written. */
const mostLetters = 10_000;

export class LinearPattern {
  readonly #looks: readonly Program[];
  readonly #program: Program;

  /** `source` as JSON Schema has it: ECMAScript with the flag `u`. Throws `UnfitPattern`. */
  constructor(source: string) {
    if (source.length > mostLetters) throw new UnfitPattern(`is longer than ${mostLetters} characters`);
    const plain = withoutNeedlessEscapes(source);
    try {
      new RegExp(plain, 'u');
    } catch {
      throw new UnfitPattern('is no regular expression of ECMAScript');
    }
    const programs = new Compiler(plain).compile();
    this.#looks = programs.slice(0, -1);
    this.#program = programs.at(-1)!;
  }

  /** Whether it matches anywhere in the text. */
  test(text: string, fuel: Fuel): boolean {
    fuel.burn(1 + this.#looks.length);
    const looks: Uint8Array[] = [];
    for (const look of this.#looks) {
      const places = new Uint8Array(text.length + 1);
      look.run(text, fuel, looks, places);
      looks.push(places);
    }
    return this.#program.run(text, fuel, looks);
  }
}

/** Python's `re.escape` and many people write `\-` for `-`; ECMAScript takes that without the flag `u` alone. */
function withoutNeedlessEscapes(source: string): string {
  return source.replaceAll(/\\([\s\S])/g, (pair, letter: string) =>
    needless.test(letter) ? `\\x${letter.charCodeAt(0).toString(16).padStart(2, '0')}` : pair,
  );
}

const needless = /^[\t\n\v\f\r !"#%&',\-:;<=>@_`~]$/;
