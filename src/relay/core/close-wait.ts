/**
 * How long one leg's goodbye may take. Each wait has `timeouts.close`:
 *
 *   begin ─► our close frame, or the end, stands behind what was sent ─► it has left ─► the peer's answer
 *              └ not in time: nothing can be said to it any more           └ not in time: it is given up,
 *                                                                            unless the kernel still delivers
 *
 * While what stands before our close frame waits for the kernel, `max_pause` governs, and nobody asks here.
 */
import type { KernelQueue, KernelReading } from './stall.ts';

/** The longest goodbye after our close frame has left, as a multiple of `timeouts.close`. */
const patience = 10;

/**
 * How many bytes TCP sends before the peer has acknowledged anything: ten segments (RFC 6928 §2) of the smallest size
 * that a path of IPv6 may ask for. If no more than that was ever sent to a leg, nothing of it waits for the peer to
 * read. What has not arrived within `timeouts.close` is then not on its way.
 */
const firstFlightBytes = 10 * 1220;

export class CloseWait {
  #closeMs: number;
  /** When the present wait is over; 0 before the first. */
  #deadline = 0;
  /** Whether our close frame, or the end, was seen to have left, and when the wait for the peer ends at the latest. */
  #left = false;
  #lastDeadline = Number.POSITIVE_INFINITY;
  #before: KernelReading | null = null;

  /** `closeMs` is `timeouts.close`. */
  constructor(closeMs: number) {
    this.#closeMs = closeMs;
  }

  /** Takes another `timeouts.close`, for the next wait. */
  change(closeMs: number): void {
    this.#closeMs = closeMs;
  }

  /** The longest goodbye, in milliseconds. */
  get mostMs(): number {
    return patience * this.#closeMs;
  }

  /** A wait begins. */
  begin(now: number): void {
    this.#deadline = now + this.#closeMs;
  }

  /** A wait begins, if none has. */
  beginOnce(now: number): void {
    if (this.#deadline === 0) this.begin(now);
  }

  /**
   * Called every tick: whether the present wait is over. `left`: whether our close frame, or the end, has. `held`:
   * whether Sluice itself does not read the peer, whose time does not run then, up to the longest goodbye.
   */
  isOver(now: number, left: boolean, held: boolean): boolean {
    if (held && now < this.#lastDeadline) this.begin(now);
    if (left && !this.#left) {
      this.#left = true;
      this.#lastDeadline = now + this.mostMs;
      this.begin(now);
    }
    return now >= this.#deadline;
  }

  /**
   * The wait for the peer's answer is over: whether the peer is given up. It gets more time if the kernel still
   * delivers to it, which shows in fewer bytes than at the last reading. `sent`: bytes that the kernel was given in
   * all.
   */
  givesUp(now: number, sent: number, kernel: () => KernelQueue): boolean {
    if (sent <= firstFlightBytes) return true;
    const reading = kernel();
    const before = this.#before;
    if (reading === 'pending' || (reading !== null && reading.at === before?.at)) return false;
    this.#before = reading;
    const delivers =
      reading !== null && reading.bytes > 0 && reading.bytes < (before?.bytes ?? Number.POSITIVE_INFINITY);
    if (delivers) this.begin(now);
    return !delivers;
  }
}
