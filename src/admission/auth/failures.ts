/** Whoever guesses is slowed down: so many wrong credentials may come from one address, and then one in a while. */

/** Somebody who mistypes, or whose several programs keep an old token, is not slowed down. */
const burst = 20;
const oneInMs = 3000;
/** Beyond this the address that has been quiet for the longest is forgotten; each takes about 150 bytes. */
const mostAddresses = 10_000;

export class AuthFailures {
  /** By address: the time at which all of its failures will be forgotten. The one that failed last stands last. */
  readonly #forgottenAt = new Map<string, number>();
  readonly #now: () => number;

  /** `now` is a monotonic time in milliseconds. */
  constructor(now: () => number) {
    this.#now = now;
  }

  get size(): number {
    return this.#forgottenAt.size;
  }

  /** How long this address has to wait before its credentials are looked at again, in seconds; 0 where it need not. */
  waitSeconds(address: string): number {
    const at = this.#forgottenAt.get(address);
    if (at === undefined) return 0;
    const overMs = at - this.#now() - (burst - 1) * oneInMs;
    return overMs <= 0 ? 0 : Math.ceil(overMs / 1000);
  }

  /** Wrong credentials came from this address. */
  add(address: string): void {
    const now = this.#now();
    const at = Math.max(this.#forgottenAt.get(address) ?? 0, now) + oneInMs;
    this.#forgottenAt.delete(address);
    this.#forgottenAt.set(address, at);
    for (const [oldest, forgottenAt] of this.#forgottenAt) {
      if (this.#forgottenAt.size <= mostAddresses && forgottenAt > now) break;
      this.#forgottenAt.delete(oldest);
    }
  }
}
