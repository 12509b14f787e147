/** A token bucket: `perSecond` tokens flow in, `burst` fit. Time is an argument, in milliseconds. */
import type { Rate } from '../catalogue/limit-values.ts';

export class TokenBucket {
  #rate: Rate;
  // Numbers from the beginning: in a field that was undefined first V8 makes an object of each new fraction.
  #tokens = 0;
  #at = 0;

  constructor(rate: Rate, now: number) {
    this.#rate = rate;
    this.#tokens = rate.burst;
    this.#at = now;
  }

  /** Goes on under another rate; what has been saved up stays, as far as it fits. */
  change(rate: Rate, now: number): void {
    this.#fill(now);
    this.#rate = rate;
    this.#tokens = Math.min(this.#tokens, rate.burst);
  }

  /** Takes one token, or says that there is none. */
  take(now: number): boolean {
    this.#fill(now);
    if (this.#tokens < 1) return false;
    this.#tokens -= 1;
    return true;
  }

  /** Takes what has already passed, into debt if need be, and says whether any debt remains. */
  charge(tokens: number, now: number): boolean {
    this.#fill(now);
    this.#tokens -= tokens;
    return this.#tokens < 0;
  }

  /** Milliseconds until `tokens` are there; 0 if they are. */
  waitMs(tokens: number, now: number): number {
    this.#fill(now);
    const missing = Math.min(tokens, this.#rate.burst) - this.#tokens;
    return missing <= 0 ? 0 : (missing / this.#rate.perSecond) * 1000;
  }

  #fill(now: number): void {
    if (now <= this.#at) return;
    this.#tokens = Math.min(this.#rate.burst, this.#tokens + ((now - this.#at) * this.#rate.perSecond) / 1000);
    this.#at = now;
  }
}
