/** Whoever guesses is slowed down: so many wrong credentials may come from one address, and then one in a while. */
import { KeyedRate } from '../../limits/keyed-rate.ts';

/** Somebody who mistypes, or whose several programs keep an old token, is not slowed down. */
const pace = { eachMs: 3000, burst: 20 };
const mostAddresses = 10_000;
/** A thousand at once would keep out for an hour whoever shares the address. */
const longestWaitSeconds = 60;

/** What an address without tries has done, for the log. */
export const guessed = `more than ${pace.burst} wrong credentials came from this address, and then more than one in ${pace.eachMs / 1000} s`;

export class AuthFailures {
  readonly #byAddress = new KeyedRate(pace, mostAddresses);
  readonly #now: () => number;

  /** `now` is a monotonic time in milliseconds. */
  constructor(now: () => number) {
    this.#now = now;
  }

  /** How many addresses are remembered. */
  get size(): number {
    return this.#byAddress.size;
  }

  /** How long this address has to wait before its credentials are looked at again, in seconds; 0 where it need not. */
  waitSeconds(address: string): number {
    return Math.ceil(this.#byAddress.waitMs(address, this.#now()) / 1000);
  }

  /** Wrong credentials came from this address, maybe many at once. */
  add(address: string): void {
    if (this.waitSeconds(address) < longestWaitSeconds) this.#byAddress.charge(address, this.#now());
  }
}
