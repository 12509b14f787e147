/**
 * Tells a receiver that is slow from one that does not read at all. Progress is a waiting piece that the kernel took, or
 * any change of the kernel's own queue: while its peer takes nothing, nothing can enter or leave it.
 */
import type { KernelQueue, KernelReading } from './kernel-queue.ts';

export class StallWatch {
  #watching = false;
  #since = 0;
  #drained = 0;
  #kernel: KernelReading | null = null;

  /** The receiver owes us nothing now. */
  rest(): void {
    this.#watching = false;
  }

  /**
   * Milliseconds without progress; less than `limitMs` while two readings of the kernel's queue are still to be compared.
   * `drained` counts bytes that have waited and were taken; `kernel` is asked after a quarter of `limitMs` and again at its
   * end, because asking is costly.
   */
  stalledMs(now: number, drained: number, limitMs: number, kernel: () => KernelQueue): number {
    if (!this.#watching || drained !== this.#drained) {
      this.#watching = true;
      this.#drained = drained;
      this.#restart(now, null);
      return 0;
    }
    const stalled = now - this.#since;
    if (stalled < (this.#kernel === null ? limitMs / 4 : limitMs)) return stalled;
    const reading = kernel();
    if (reading === null) return stalled;
    const undecided = Math.min(stalled, limitMs - 1);
    if (reading === 'pending') return undecided;
    if (this.#kernel === null) {
      this.#kernel = reading;
      return undecided;
    }
    if (reading.at === this.#kernel.at) return undecided;
    if (reading.bytes === this.#kernel.bytes) return stalled;
    this.#restart(now, reading);
    return 0;
  }

  #restart(now: number, kernel: KernelReading | null): void {
    this.#since = now;
    this.#kernel = kernel;
  }
}
