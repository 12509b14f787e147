/** A stopwatch that can be held: it measures how long a peer took, without the time in which Sluice held it up. */
export class Stopwatch {
  #startedAt = 0;
  #heldSince = -1;
  running = false;

  /** Starts from zero; held at once where the sender is being held. */
  start(now: number, held: boolean): void {
    this.running = true;
    this.#startedAt = now;
    this.#heldSince = held ? now : -1;
  }

  stop(): void {
    this.running = false;
  }

  hold(now: number): void {
    if (this.running && this.#heldSince < 0) this.#heldSince = now;
  }

  release(now: number): void {
    if (this.#heldSince < 0) return;
    this.#startedAt += now - this.#heldSince;
    this.#heldSince = -1;
  }

  /** Milliseconds since the start, without those held. */
  elapsedMs(now: number): number {
    return (this.#heldSince < 0 ? now : this.#heldSince) - this.#startedAt;
  }
}
