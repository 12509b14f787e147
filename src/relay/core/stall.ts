/**
 * Tells a receiver that is slow from one that takes nothing at all. Progress is what its side has acknowledged: the
 * bytes that the kernel was given, less what the kernel still holds. The kernel's queue alone says nothing: while it
 * has room, it grows with each message that nobody takes. One watch serves `max_pause` and the ping's clock, so that
 * they do not add up. A ping runs out while a stopped client's kernel fills up, and when the kernel is full the time
 * before counts too.
 */

/** What the kernel has accepted for a socket and its peer has not acknowledged. */
export interface KernelReading {
  readonly bytes: number;
  /** When the table was read: two readings with the same time are one. */
  readonly at: number;
}

/** `pending`: ask again at the next tick; `null` where it cannot be known. */
export type KernelQueue = KernelReading | 'pending' | null;

/** What was sent to a receiver, in bytes. */
export interface Sent {
  /** That have waited and then been taken by the kernel. */
  readonly drainedBytes: number;
  /** That the kernel was given in all. */
  readonly handedBytes: number;
}

/**
 * How many readings may leave it open whether something was taken. They do so when more was sent while they were made.
 */
const mostDoubts = 4;

export class StallWatch {
  #watching = false;
  #since = 0;
  #drained = 0;
  /** The most that may have been acknowledged by the reading that the next one is compared with; `null` without one. */
  #before: number | null = null;
  /** When a reading was asked for (−1: not at all), and what the kernel had been given by then. */
  #askedAt = -1;
  #handed = 0;
  #doubts = 0;

  /** The receiver owes us nothing now. */
  rest(): void {
    this.#watching = false;
  }

  /**
   * Milliseconds without progress; less than `limitMs` while readings of the kernel's queue are still to be compared.
   * `kernel` is asked after a quarter of `limitMs` and again at its end, because asking is costly.
   */
  stalledMs(now: number, limitMs: number, sent: Sent, kernel: () => KernelQueue): number {
    if (!this.#watching || sent.drainedBytes !== this.#drained) {
      this.#watching = true;
      this.#drained = sent.drainedBytes;
      this.#restart(now, null);
      return 0;
    }
    const stalled = now - this.#since;
    if (stalled < (this.#before === null ? limitMs / 4 : limitMs)) return stalled;
    if (this.#askedAt < 0) {
      this.#askedAt = now;
      this.#handed = sent.handedBytes;
    }
    const reading = kernel();
    if (reading === null) return stalled;
    const undecided = Math.min(stalled, limitMs - 1);
    if (reading === 'pending' || reading.at < this.#askedAt) return undecided;
    this.#askedAt = -1;
    return this.#compare(now, this.#handed - reading.bytes, sent.handedBytes - reading.bytes) ?? undecided;
  }

  /**
   * How long nothing has been acknowledged, in milliseconds. The reading was made between the asking for it and now;
   * `least` and `most` bound what may have been acknowledged by then. `null`: it decides nothing.
   */
  #compare(now: number, least: number, most: number): number | null {
    if (this.#before === null) {
      this.#before = most;
      return null;
    }
    if (least > this.#before) {
      this.#restart(now, most);
      return 0;
    }
    if (most > this.#before && ++this.#doubts < mostDoubts) return null;
    return now - this.#since;
  }

  #restart(now: number, before: number | null): void {
    this.#since = now;
    this.#before = before;
    this.#askedAt = -1;
    this.#doubts = 0;
  }
}
