/**
 * Long work in slices, for what is asked of a process that relays: between two slices the event loop turns, and
 * messages pass.
 */

/** How long a slice is. A message waits for one and for what the one before it has let in: twice that. */
export const sliceMs = 3;

/** The time in milliseconds, and how a slice lets others have their turn. */
export interface Turns {
  now(): number;
  rest(): Promise<void>;
}

/** Who waits for the next turn of the event loop, in their order. */
const waiting: (() => void)[] = [];

/** One slice in a turn, however many are at work: after everything that has arrived meanwhile, and after the others. */
const ownTurns: Turns = {
  now: () => performance.now(),
  rest: () =>
    new Promise((resolve) => {
      if (waiting.push(resolve) === 1) setImmediate(letOneGo);
    }),
};

function letOneGo(): void {
  waiting.shift()!();
  if (waiting.length > 0) setImmediate(letOneGo);
}

/** Work until `isOver`, then `rest`. */
export class Pace {
  readonly #turns: Turns;
  #began: number;

  constructor(turns: Turns = ownTurns) {
    this.#turns = turns;
    this.#began = turns.now();
  }

  get isOver(): boolean {
    return this.#turns.now() - this.#began >= sliceMs;
  }

  async rest(): Promise<void> {
    await this.#turns.rest();
    this.#began = this.#turns.now();
  }
}
