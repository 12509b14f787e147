/**
 * How long nothing has moved in an exchange. A receiver to whom the kernel still delivers is not inactive, but Node
 * hears of that only when much of the kernel's buffer is free again. So the kernel is asked.
 */

import { StallWatch } from '../../relay/core/stall.ts';
import { kernelQueue } from '../../relay/transport/kernel-queue.ts';
import type { Line } from './line.ts';

export class Quiet {
  /** Something moved since the last tick. */
  stirred = false;
  #since: number;
  #stall: StallWatch | null = null;

  constructor(now: number) {
    this.#since = now;
  }

  /** Returns the milliseconds without a byte. `waits` is the line whose peer is slow to take what waits for it. */
  tick(now: number, limitMs: number, waits: Line | null): number {
    if (this.stirred) {
      this.stirred = false;
      this.#since = now;
    }
    if (waits === null) {
      this.#stall = null;
      return now - this.#since;
    }
    this.#stall ??= new StallWatch();
    const { socket, writer } = waits;
    const stalledMs = this.#stall.stalledMs(now, limitMs, writer, () => kernelQueue(socket, now));
    return Math.min(stalledMs, now - this.#since);
  }
}
