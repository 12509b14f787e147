/**
 * Long work in slices, for what is asked of a process that relays: between two slices the event loop turns, and messages
 * pass.
 */

/** How long a slice is. A message waits for one and for what the one before it has let in: twice that. */
export const sliceMs = 3;

/** The time in milliseconds, and how a slice lets others have their turn. */
export interface Turns {
  now(): number;
  rest(): Promise<void>;
}

const ownTurns: Turns = {
  now: () => performance.now(),
  // After everything that has arrived meanwhile.
  rest: () => new Promise((resolve) => setImmediate(resolve)),
};

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
