/**
 * Whether anything moves in an exchange. A reader that takes 20 KB/s empties the kernel's 4 MiB in minutes, and all the
 * while nothing is read or written here. So if bytes wait for the client, the kernel's own queue is looked at twice
 * before the client is given up.
 */
import { contain } from '../mistakes.ts';
import type { KernelQueue, KernelReading } from '../relay/core/stall.ts';

export interface SilenceParts {
  /** The longest time in which nothing moves; 0 is off. */
  readonly inactivityMs: number;
  /** Whether bytes wait for the client to take others. */
  readonly owes: () => boolean;
  /** What the kernel holds for the client. */
  readonly kernelQueue: () => KernelQueue;
  /** Nothing has moved for that long. */
  readonly over: () => void;
  /** A mistake of ours was made in looking, or in `over`. */
  readonly broke: () => void;
}

/** When to ask again for what is being read; a reading lasts a little longer. */
const retryMs = 250;

export class Silence {
  readonly #parts: SilenceParts;
  #timer: NodeJS.Timeout | null = null;
  #movedAt = performance.now();
  /** What the kernel held at half of the time; `null` before that, and if it is not known. */
  #before: KernelReading | null = null;

  constructor(parts: SilenceParts) {
    this.#parts = parts;
    this.#watch(parts.inactivityMs / 2);
  }

  /** Something has moved. */
  touch(): void {
    this.#movedAt = performance.now();
  }

  stop(): void {
    clearTimeout(this.#timer ?? undefined);
    this.#timer = null;
  }

  /** One timer per exchange, moved on when it fires, instead of one reset per chunk. */
  #watch(ms: number): void {
    if (this.#parts.inactivityMs === 0) return;
    this.#timer = setTimeout(() => contain(() => this.#look(), this.#parts.broke), ms);
  }

  #look(): void {
    const { inactivityMs, owes, over } = this.#parts;
    const half = inactivityMs / 2;
    const silentMs = performance.now() - this.#movedAt;
    if (silentMs < half) {
      this.#before = null;
      this.#watch(half - silentMs);
      return;
    }
    const reading = owes() ? this.#parts.kernelQueue() : null;
    const leftMs = inactivityMs - silentMs;
    // A reading of long tables lasts for seconds. Compared with itself it would show that nobody reads.
    if (reading === 'pending' || (reading !== null && reading.at === this.#before?.at)) {
      this.#watch(Math.min(retryMs, half));
    } else if (reading !== null && this.#before === null) {
      this.#before = reading;
      this.#watch(Math.max(leftMs, half));
    } else if (reading !== null && reading.bytes !== this.#before?.bytes) {
      this.#before = null;
      this.touch();
      this.#watch(half);
    } else if (leftMs > 0) this.#watch(leftMs);
    else over();
  }
}
