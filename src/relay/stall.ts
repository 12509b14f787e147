/**
 * Tells a receiver that is slow from one that does not read at all. Progress is a waiting piece that the kernel took, or
 * any change of the kernel's own queue: while its peer takes nothing, nothing can enter or leave it.
 */
export class StallWatch {
  #watching = false;
  #since = 0;
  #drained = 0;
  #kernelBytes: number | null = null;

  /** The receiver owes us nothing now. */
  rest(): void {
    this.#watching = false;
  }

  /**
   * Milliseconds without progress. `drained` counts bytes that have waited and were taken; `kernelBytes` is asked for
   * after a quarter of `limitMs` and again at its end, because asking is costly.
   */
  stalledMs(now: number, drained: number, limitMs: number, kernelBytes: () => number | null): number {
    if (!this.#watching || drained !== this.#drained) {
      this.#watching = true;
      this.#drained = drained;
      this.#restart(now, null);
      return 0;
    }
    const stalled = now - this.#since;
    if (stalled >= limitMs) {
      const bytes = kernelBytes();
      if (bytes !== null && this.#kernelBytes !== null && bytes !== this.#kernelBytes) {
        this.#restart(now, bytes);
        return 0;
      }
    } else if (stalled >= limitMs / 4 && this.#kernelBytes === null) {
      this.#kernelBytes = kernelBytes();
    }
    return stalled;
  }

  #restart(now: number, kernelBytes: number | null): void {
    this.#since = now;
    this.#kernelBytes = kernelBytes;
  }
}
