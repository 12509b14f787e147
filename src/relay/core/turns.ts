/**
 * What one turn of the event loop may do with small frames. A turn reads every socket that has something, each many times: a
 * hundred that send nothing but empty messages, six bytes each, brought forty million frames in one turn, and everybody else
 * waited six seconds. So a turn is given so many frames. A sender that brings many when they are used up is read again in a
 * turn after it, in the order in which they came.
 */

/** Fewer in one read are nobody's flood: they are neither counted nor made to wait. */
export const fewFrames = 256;
/** The frames of a turn: 4 to 5 ms of a core. */
const framesPerTurn = 32_000;
/** So many are read again in a turn. */
const sendersPerTurn = 3;

/** Reads a sender again, if it is still to be read. */
type GoOn = () => void;

export class Turns {
  readonly #afterThis: (call: () => void) => void;
  #left = framesPerTurn;
  #ends = false;
  readonly #waiting = new Set<GoOn>();

  /** `afterThis` calls when the turn that is under way is over. */
  constructor(afterThis: (call: () => void) => void) {
    this.#afterThis = afterThis;
  }

  /** Counts the frames of a read, more than a few. `false`: their sender has to wait. */
  allow(frames: number): boolean {
    this.#left -= frames;
    this.#awaitEnd();
    return this.#left >= 0;
  }

  /** Calls when the sender's turn comes, once, however often it was asked to. */
  wait(goOn: GoOn): void {
    this.#waiting.add(goOn);
    this.#awaitEnd();
  }

  #awaitEnd(): void {
    if (this.#ends) return;
    this.#ends = true;
    this.#afterThis(this.#begin);
  }

  readonly #begin = (): void => {
    this.#ends = false;
    this.#left = framesPerTurn;
    const next: GoOn[] = [];
    for (const goOn of this.#waiting) {
      if (next.length === sendersPerTurn) break;
      next.push(goOn);
      this.#waiting.delete(goOn);
    }
    for (const goOn of next) goOn();
    if (this.#waiting.size > 0) this.#awaitEnd();
  };
}
