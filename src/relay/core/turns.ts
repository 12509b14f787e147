/**
 * What one turn of the event loop may do with small frames. A turn reads every socket that has something, each many
 * times: a hundred that send nothing but empty messages, six bytes each, brought forty million frames in one turn,
 * and everybody else waited six seconds. So a turn is given so many frames. A sender that brings many when they are
 * used up is read again in a turn after it, in the order in which they came.
 */

/** Of frames: 4 to 5 ms of a core, and who goes on brings a read of ten thousand or some. */
export const turnsOfFrames = { most: 32_000, goOn: 3 } as const;

/** Fewer in one read are nobody's flood: they are neither counted nor made to wait. */
export const fewPieces = 256;
/** Reads a sender again, if it is still to be read. */
type GoOn = () => void;

export class LoopTurns {
  readonly #afterThis: (call: () => void) => void;
  readonly #most: number;
  readonly #goOn: number;
  #left: number;
  #ends = false;
  readonly #waiting = new Set<GoOn>();

  /**
   * `afterThis` calls when the turn that is under way is over. `most`: how many pieces a turn has, `goOn`: how many of those who
   * wait go on in one.
   */
  constructor(
    afterThis: (call: () => void) => void,
    { most, goOn }: { readonly most: number; readonly goOn: number } = turnsOfFrames,
  ) {
    this.#afterThis = afterThis;
    this.#most = most;
    this.#goOn = goOn;
    this.#left = most;
  }

  /** Counts the small pieces of a read, more than a few. `false`: their sender has to wait. */
  allow(pieces: number): boolean {
    this.#left -= pieces;
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
    this.#left = this.#most;
    const next: GoOn[] = [];
    for (const goOn of this.#waiting) {
      if (next.length === this.#goOn) break;
      next.push(goOn);
      this.#waiting.delete(goOn);
    }
    for (const goOn of next) goOn();
    if (this.#waiting.size > 0) this.#awaitEnd();
  };
}
