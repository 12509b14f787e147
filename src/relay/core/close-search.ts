/**
 * How long a sender of which nothing is passed on any more is looked through for its close frame: until that costs
 * more than it is worth, because of how many frames come before it.
 */

/**
 * How many frames a sender that has been told to close may have on their way; it may have one more for each 256 bytes.
 * Browsers cut 150 MB into 2400 frames. Frames of seven bytes keep a thread busy: 10 million of them come in a second
 * over loopback.
 */
const mostLookedThrough = 50_000;
const bytesOfFrame = 256;

export class CloseSearch {
  #frames = 0;
  #wireBytes = 0;

  /** It begins when so much has come. */
  begin(frames: number, wireBytes: number): void {
    this.#frames = frames;
    this.#wireBytes = wireBytes;
  }

  /** Whether to give it up when so much has come. */
  isInVain(frames: number, wireBytes: number): boolean {
    return frames - this.#frames > mostLookedThrough + (wireBytes - this.#wireBytes) / bytesOfFrame;
  }
}
