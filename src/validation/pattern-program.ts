/**
 * A program that goes over a text in one direction, on all ways at once:
 *
 *   steps ─► threads, at most one for each step ─► the next character ─► threads …
 */
import type { Fuel } from './types.ts';

/** An instruction. `to` and `or` are indexes of others. */
export type PatternStep =
  | { readonly do: 'take'; readonly takes: (codePoint: number) => boolean }
  | { readonly do: 'split'; to: number; or: number }
  | { readonly do: 'assert'; readonly holds: (before: number, after: number) => boolean }
  /** What the program with this index looks for is there, or is not. */
  | { readonly do: 'look'; readonly index: number; readonly wanted: boolean }
  | { readonly do: 'match' };

/** Instructions that cost a unit of fuel. */
const stepsPerUnit = 8;

export class Program {
  readonly #steps: readonly PatternStep[];
  readonly #isBack: boolean;
  /** At which place each step was followed last. One for all texts: there may be tens of thousands in a message. */
  readonly #seenAt: Float64Array;
  /** Places in all texts so far. */
  #places = 0;

  /** `isBack`: it goes from the end of a text to its beginning. */
  constructor(steps: readonly PatternStep[], isBack: boolean) {
    this.#steps = steps;
    this.#isBack = isBack;
    this.#seenAt = new Float64Array(steps.length);
  }

  /**
   * Whether it matches anywhere in the text. With `places`, goes on to the end and writes down at which places a match
   * ends (going back: begins). `looks` are such lists of the programs that it looks around with.
   */
  run(text: string, fuel: Fuel, looks: readonly Uint8Array[], places: Uint8Array | null = null): boolean {
    const steps = this.#steps;
    const isBack = this.#isBack;
    let now: number[] = [];
    let next: number[] = [];
    const seenAt = this.#seenAt;
    const pending: number[] = [];
    let behind = -1;
    let index = isBack ? text.length : 0;
    for (;;) {
      const at = ++this.#places;
      const ahead = isBack ? codePointBefore(text, index) : (text.codePointAt(index) ?? -1);
      const [before, after] = isBack ? [ahead, behind] : [behind, ahead];
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
          if (places === null) {
            fuel.burn(done / stepsPerUnit);
            return true;
          }
          places[index] = 1;
        } else if (step.do === 'take') now.push(place);
        else if (step.do === 'split') pending.push(step.or, step.to);
        else if (step.do === 'assert' ? step.holds(before, after) : (looks[step.index]![index] === 1) === step.wanted) {
          pending.push(place + 1);
        }
      }
      fuel.burn(done / stepsPerUnit);
      if (ahead < 0) return false;
      next.length = 0;
      for (const place of now) {
        const step = steps[place] as Extract<PatternStep, { do: 'take' }>;
        if (step.takes(ahead)) next.push(place + 1);
      }
      [now, next] = [next, now];
      behind = ahead;
      const length = ahead > 0xffff ? 2 : 1;
      index += isBack ? -length : length;
    }
  }
}

/** The code point that ends at an index; -1 at the beginning. */
function codePointBefore(text: string, index: number): number {
  if (index === 0) return -1;
  const whole = index > 1 ? text.codePointAt(index - 2)! : 0;
  return whole > 0xffff ? whole : text.charCodeAt(index - 1);
}
