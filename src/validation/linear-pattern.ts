/**
 * Regular expressions whose time grows with the text and no faster (Thompson, 1968; Cox, "Regular Expression Matching
 * Can Be Simple And Fast", 2007). V8's engine tries one way after another, and `(a+)+$` keeps it for years. Here all
 * ways go on together, one character at a time. What cannot be done like that, references back and looks around, is
 * refused.
 *
 *   pattern ─► parser ─► program of few instructions ─► threads, at most one for each instruction
 */
import type { Fuel } from './types.ts';

/** An instruction. `to` and `or` are indexes of others. */
type Step =
  | { readonly do: 'take'; readonly takes: CharacterTest }
  | { readonly do: 'split'; to: number; or: number }
  | { readonly do: 'assert'; readonly holds: Assertion }
  | { readonly do: 'match' };

type CharacterTest = (codePoint: number) => boolean;
/** `before` and `after` are the code points on both sides, -1 at an end of the text. */
type Assertion = (before: number, after: number) => boolean;

/** Longer programs are no check of a name, a date or a path. */
const mostSteps = 1000;
const deepestGroups = 50;
/** Instructions that cost a unit of fuel. */
const stepsPerUnit = 8;

/** Why a pattern cannot be used. */
export class UnfitPattern extends Error {}

export class LinearPattern {
  readonly #steps: readonly Step[];
  /** At which place each step was followed last. One for all texts: there may be tens of thousands in a message. */
  readonly #seenAt: Float64Array;
  /** Places in all texts so far. */
  #places = 0;

  /** `source` as JSON Schema has it: ECMAScript with the flag `u`. Throws `UnfitPattern`. */
  constructor(source: string) {
    try {
      new RegExp(source, 'u');
    } catch {
      throw new UnfitPattern('is no regular expression');
    }
    this.#steps = new Compiler(source).compile();
    this.#seenAt = new Float64Array(this.#steps.length);
  }

  /** Whether it matches anywhere in the text. */
  test(text: string, fuel: Fuel): boolean {
    fuel.burn(1);
    const steps = this.#steps;
    let now: number[] = [];
    let next: number[] = [];
    const seenAt = this.#seenAt;
    const pending: number[] = [];
    let before = -1;
    let index = 0;
    for (;;) {
      const at = ++this.#places;
      const after = text.codePointAt(index) ?? -1;
      let done = 0;
      // Threads that were begun or carried here follow what takes no character; a match may begin at every place.
      pending.push(0);
      for (let i = now.length - 1; i >= 0; i--) pending.push(now[i]!);
      now.length = 0;
      while (pending.length > 0) {
        const place = pending.pop()!;
        done++;
        if (seenAt[place] === at) continue;
        seenAt[place] = at;
        const step = steps[place]!;
        if (step.do === 'match') {
          fuel.burn(done / stepsPerUnit);
          return true;
        }
        if (step.do === 'take') now.push(place);
        else if (step.do === 'split') pending.push(step.or, step.to);
        else if (step.holds(before, after)) pending.push(place + 1);
      }
      fuel.burn(done / stepsPerUnit);
      if (after < 0) return false;
      next.length = 0;
      for (const place of now) {
        const step = steps[place] as Extract<Step, { do: 'take' }>;
        if (step.takes(after)) next.push(place + 1);
      }
      [now, next] = [next, now];
      before = after;
      index += after > 0xffff ? 2 : 1;
    }
  }
}

/** Reads a pattern that the native engine has found to be one, and writes the program. */
class Compiler {
  readonly #source: string;
  #at = 0;
  #depth = 0;
  readonly #steps: Step[] = [];

  constructor(source: string) {
    this.#source = source;
  }

  compile(): readonly Step[] {
    this.#alternatives();
    this.#add({ do: 'match' });
    return this.#steps;
  }

  get #next(): string {
    return this.#source[this.#at] ?? '';
  }

  #add(step: Step): number {
    if (this.#steps.length >= mostSteps) throw new UnfitPattern(`is longer than ${mostSteps} steps`);
    return this.#steps.push(step) - 1;
  }

  #alternatives(): void {
    if (++this.#depth > deepestGroups) throw new UnfitPattern(`nests more than ${deepestGroups} groups`);
    const ends: Extract<Step, { do: 'split' }>[] = [];
    let begin = this.#steps.length;
    this.#sequence();
    while (this.#next === '|') {
      this.#at++;
      // split(this one, the next); at the end of this one a jump to the end of all.
      this.#insert(begin, { do: 'split', to: begin + 1, or: 0 });
      const split = this.#steps[begin] as Extract<Step, { do: 'split' }>;
      ends.push(this.#steps[this.#add({ do: 'split', to: 0, or: 0 })] as Extract<Step, { do: 'split' }>);
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
    while (this.#at < this.#source.length && this.#next !== '|' && this.#next !== ')') this.#term();
  }

  #term(): void {
    const begin = this.#steps.length;
    if (this.#assertion()) return;
    this.#atom();
    const bounds = this.#quantifier();
    if (bounds !== null) this.#repeat(begin, ...bounds);
  }

  #assertion(): boolean {
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
      throw new UnfitPattern('looks around or changes its flags, which takes more than linear time');
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
      (this.#steps[split] as Extract<Step, { do: 'split' }>).or = this.#steps.length;
      return;
    }
    const splits: number[] = [];
    for (let i = least; i < most; i++) {
      splits.push(this.#add({ do: 'split', to: this.#steps.length + 1, or: 0 }));
      once();
    }
    for (const split of splits) (this.#steps[split] as Extract<Step, { do: 'split' }>).or = this.#steps.length;
  }

  /** Puts a step before those that stand at `begin` and behind it. */
  #insert(begin: number, step: Step): void {
    const moved = this.#steps.splice(begin).map((one) => shifted(one, 1, begin));
    this.#add(step);
    for (const one of moved) this.#add(one);
  }
}

/** The step, moved with all that it points to. */
function shifted(step: Step, by: number, from = Number.NEGATIVE_INFINITY): Step {
  if (step.do !== 'split') return step;
  const move = (to: number) => (to >= from ? to + by : to);
  return { do: 'split', to: move(step.to), or: move(step.or) };
}

/** What `\w` takes, with the flag `u` and without `i`. */
function isWord(codePoint: number): boolean {
  return codePoint >= 0 && codePoint < 128 && wordCharacters[codePoint] === 1;
}

/** What one character is, the native engine says: there is nothing to try again in one. ASCII is asked for once. */
function characterTest(source: string): CharacterTest {
  const one = new RegExp(`^(?:${source})$`, 'u');
  const ascii = asciiOf(one);
  return (codePoint) => (codePoint < 128 ? ascii[codePoint] === 1 : one.test(String.fromCodePoint(codePoint)));
}

function asciiOf(one: RegExp): Uint8Array {
  return Uint8Array.from({ length: 128 }, (_, code) => (one.test(String.fromCharCode(code)) ? 1 : 0));
}

const wordCharacters = asciiOf(/^\w$/);
