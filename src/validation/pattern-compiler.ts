/** Writes the programs of a pattern. */
import { type PatternStep, Program } from './pattern-program.ts';

type CharacterTest = (codePoint: number) => boolean;
/** `before` and `after` are the code points on both sides, -1 at an end of the text. */
type Assertion = (before: number, after: number) => boolean;

/** Longer programs are no check of a name, a date or a path. */
const mostSteps = 1000;
const deepestGroups = 50;
/** Each goes over the whole text, and has a byte for each place of it. */
const mostLooks = 10;

/** Why a pattern cannot be used. */
export class UnfitPattern extends Error {}

/** Reads a pattern that the native engine has found to be one, and writes the program. */
export class Compiler {
  readonly #source: string;
  #at = 0;
  #depth = 0;
  #steps: PatternStep[] = [];
  /** Whether what is written now is read from the end of a text to its beginning. */
  #isBack = false;
  readonly #looks: Program[] = [];
  /** Steps that stand in other programs than the one that is written now. */
  #elsewhere = 0;

  constructor(source: string) {
    this.#source = source;
  }

  /** The program, and before it those of what it looks around for; each needs those before it alone. */
  compile(): readonly Program[] {
    this.#alternatives();
    this.#add({ do: 'match' });
    return [...this.#looks, new Program(this.#steps, this.#isBack)];
  }

  get #next(): string {
    return this.#source[this.#at] ?? '';
  }

  #add(step: PatternStep): number {
    if (this.#steps.length + this.#elsewhere >= mostSteps) throw new UnfitPattern(`is longer than ${mostSteps} steps`);
    return this.#steps.push(step) - 1;
  }

  #alternatives(): void {
    if (++this.#depth > deepestGroups) throw new UnfitPattern(`nests more than ${deepestGroups} groups`);
    const ends: Extract<PatternStep, { do: 'split' }>[] = [];
    let begin = this.#steps.length;
    this.#sequence();
    while (this.#next === '|') {
      this.#at++;
      // split(this one, the next); at the end of this one a jump to the end of all.
      this.#insert(begin, { do: 'split', to: begin + 1, or: 0 });
      const split = this.#steps[begin] as Extract<PatternStep, { do: 'split' }>;
      ends.push(this.#steps[this.#add({ do: 'split', to: 0, or: 0 })] as Extract<PatternStep, { do: 'split' }>);
      begin = this.#steps.length;
      split.or = begin;
      this.#sequence();
    }
    for (const end of ends) {
      end.to = this.#steps.length;
      end.or = this.#steps.length;
    }
    this.#depth--;
  }

  #sequence(): void {
    const begin = this.#steps.length;
    while (this.#at < this.#source.length && this.#next !== '|' && this.#next !== ')') {
      const end = this.#steps.length;
      this.#term();
      if (this.#isBack) this.#putFirst(begin, end);
    }
  }

  /** Puts the steps from `end` on before those from `begin` on. */
  #putFirst(begin: number, end: number): void {
    const last = this.#steps.splice(end);
    const before = this.#steps.splice(begin);
    this.#steps.push(...last.map((step) => shifted(step, begin - end)));
    this.#steps.push(...before.map((step) => shifted(step, last.length)));
  }

  #term(): void {
    const begin = this.#steps.length;
    if (this.#assertion()) return;
    this.#atom();
    const bounds = this.#quantifier();
    if (bounds !== null) this.#repeat(begin, ...bounds);
  }

  #assertion(): boolean {
    const look = /^\(\?<?[=!]/.exec(this.#source.slice(this.#at, this.#at + 4))?.[0];
    if (look !== undefined) {
      this.#look(look);
      return true;
    }
    const two = this.#source.slice(this.#at, this.#at + 2);
    const holds: Assertion | null =
      this.#next === '^'
        ? (before) => before < 0
        : this.#next === '$'
          ? (_, after) => after < 0
          : two === '\\b'
            ? (before, after) => isWord(before) !== isWord(after)
            : two === '\\B'
              ? (before, after) => isWord(before) === isWord(after)
              : null;
    if (holds === null) return false;
    this.#at += this.#next === '\\' ? 2 : 1;
    this.#add({ do: 'assert', holds });
    return true;
  }

  /** What it looks for is a program of its own, which says of every place of a text whether it is there. */
  #look(opening: string): void {
    if (this.#looks.length === mostLooks) throw new UnfitPattern(`looks around more than ${mostLooks} times`);
    const [steps, isBack, elsewhere] = [this.#steps, this.#isBack, this.#elsewhere];
    this.#at += opening.length;
    this.#steps = [];
    // Whether something begins at a place is known from where it ends.
    this.#isBack = !opening.includes('<');
    this.#elsewhere += steps.length;
    this.#alternatives();
    this.#add({ do: 'match' });
    this.#at++;
    const index = this.#looks.push(new Program(this.#steps, this.#isBack)) - 1;
    this.#elsewhere = elsewhere + this.#steps.length;
    [this.#steps, this.#isBack] = [steps, isBack];
    this.#add({ do: 'look', index, wanted: opening.endsWith('=') });
  }

  #atom(): void {
    if (this.#next === '(') {
      this.#group();
      return;
    }
    const begin = this.#at;
    if (this.#next === '[') this.#skipClass();
    else if (this.#next === '\\') this.#skipEscape();
    else this.#at += String.fromCodePoint(this.#source.codePointAt(this.#at)!).length;
    this.#add({ do: 'take', takes: characterTest(this.#source.slice(begin, this.#at)) });
  }

  #group(): void {
    const rest = this.#source.slice(this.#at);
    const opening = /^\((?:\?:|\?<[^=!][^>]*>)?/.exec(rest)![0];
    if (opening === '(' && rest[1] === '?') {
      throw new UnfitPattern('changes its flags, which is not understood here');
    }
    this.#at += opening.length;
    this.#alternatives();
    this.#at++;
  }

  #skipClass(): void {
    for (this.#at++; this.#next !== ']'; this.#at++) if (this.#next === '\\') this.#at++;
    this.#at++;
  }

  #skipEscape(): void {
    const found =
      /^\\(?:u\{[0-9A-Fa-f]+\}|u[Dd][89ABab][0-9A-Fa-f]{2}\\u[Dd][C-Fc-f][0-9A-Fa-f]{2}|u[0-9A-Fa-f]{4}|x[0-9A-Fa-f]{2}|c[A-Za-z]|[pP]\{[^}]*\}|[1-9k]|[\s\S])/u.exec(
        this.#source.slice(this.#at),
      )![0];
    if (/^\\[1-9k]/.test(found)) throw new UnfitPattern('refers back, which takes more than linear time');
    this.#at += found.length;
  }

  /** The bounds of a repetition; laziness says nothing of whether there is a match. */
  #quantifier(): [least: number, most: number] | null {
    const found = /^(?:[*+?]|\{(\d+)(,?)(\d*)\})\??/.exec(this.#source.slice(this.#at));
    if (found === null) return null;
    this.#at += found[0].length;
    const [text, least, comma, most] = found;
    if (text[0] === '*') return [0, Number.POSITIVE_INFINITY];
    if (text[0] === '+') return [1, Number.POSITIVE_INFINITY];
    if (text[0] === '?') return [0, 1];
    return [Number(least), most !== '' ? Number(most) : comma === '' ? Number(least) : Number.POSITIVE_INFINITY];
  }

  /** Writes what stands from `begin` on as often as it must and may. */
  #repeat(begin: number, least: number, most: number): void {
    const body = this.#steps.splice(begin).map((step) => shifted(step, -begin));
    const once = () => {
      const base = this.#steps.length;
      for (const step of body) this.#add(shifted(step, base));
    };
    // What has no steps has none however often it is repeated, and that may be said with twenty digits.
    if (body.length === 0) return;
    for (let i = 0; i < least; i++) once();
    if (most === Number.POSITIVE_INFINITY) {
      // split(body, on); body; split(back, back)
      const split = this.#add({ do: 'split', to: this.#steps.length + 1, or: 0 });
      once();
      this.#add({ do: 'split', to: split, or: split });
      (this.#steps[split] as Extract<PatternStep, { do: 'split' }>).or = this.#steps.length;
      return;
    }
    const splits: number[] = [];
    for (let i = least; i < most; i++) {
      splits.push(this.#add({ do: 'split', to: this.#steps.length + 1, or: 0 }));
      once();
    }
    for (const split of splits) (this.#steps[split] as Extract<PatternStep, { do: 'split' }>).or = this.#steps.length;
  }

  /** Puts a step before those that stand at `begin` and behind it. */
  #insert(begin: number, step: PatternStep): void {
    const moved = this.#steps.splice(begin).map((one) => shifted(one, 1, begin));
    this.#add(step);
    for (const one of moved) this.#add(one);
  }
}

/** The step, moved with all that it points to. */
function shifted(step: PatternStep, by: number, from = Number.NEGATIVE_INFINITY): PatternStep {
  if (step.do !== 'split') return step;
  const move = (to: number) => (to >= from ? to + by : to);
  return { do: 'split', to: move(step.to), or: move(step.or) };
}

/** What `\w` takes, with the flag `u` and without `i`. */
function isWord(codePoint: number): boolean {
  return codePoint >= 0 && codePoint < 128 && wordCharacters[codePoint] === 1;
}

/**
 * What one character is, the native engine says: there is nothing to try again in one. ASCII is asked for when a text
 * has it, once: to ask for all of it beforehand took most of a pattern's time, and a schema may have thousands.
 */
function characterTest(source: string): CharacterTest {
  const first = source.codePointAt(0)!;
  const isItself = source === String.fromCodePoint(first) && source !== '.';
  if (isItself) return (codePoint) => codePoint === first;
  const one = new RegExp(`^(?:${source})$`, 'u');
  const ask = (codePoint: number) => one.test(String.fromCodePoint(codePoint));
  /** 0 for what was not asked yet. */
  const ascii = new Int8Array(128);
  return (codePoint) => {
    if (codePoint >= 128) return ask(codePoint);
    if (ascii[codePoint] === 0) ascii[codePoint] = ask(codePoint) ? 1 : -1;
    return ascii[codePoint] === 1;
  };
}

function asciiOf(one: RegExp): Uint8Array {
  return Uint8Array.from({ length: 128 }, (_, code) => (one.test(String.fromCharCode(code)) ? 1 : 0));
}

const wordCharacters = asciiOf(/^\w$/);
