/**
 * Wrong tokens, by the address that sent them. Each address has a few tries and gets one back every few seconds. While
 * it has none, no token of it lets in. Others are not hurt. What is remembered is bounded: the address that has
 * not failed for the longest is forgotten first.
 */

/** Somebody who mistypes needs a few. */
const tries = 10;
/** One more after this time: 14 400 a day. */
const regainMs = 6000;
const mostAddresses = 1000;

export class Tries {
  /** When each address has all its tries back, in the order of the last failure. */
  readonly #restoredAt = new Map<string, number>();

  /** How many addresses are remembered. */
  get size(): number {
    return this.#restoredAt.size;
  }

  /** How long an address has to wait for its next try, in ms; 0 for not at all. */
  waitMs(address: string, now: number): number {
    const restoredAt = this.#restoredAt.get(address) ?? now;
    return Math.max(0, restoredAt - now - (tries - 1) * regainMs);
  }

  /** Notes a wrong token. */
  failed(address: string, now: number): void {
    const restoredAt = Math.max(this.#restoredAt.get(address) ?? now, now) + regainMs;
    this.#restoredAt.delete(address);
    this.#restoredAt.set(address, restoredAt);
    if (this.#restoredAt.size > mostAddresses) this.#restoredAt.delete(this.#restoredAt.keys().next().value!);
  }
}
