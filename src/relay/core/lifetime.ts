/** When a connection reaches `max_lifetime`. */

/** Lifetimes are spread over this share of `max_lifetime`, so that connections opened together do not end together. */
const jitter = 0.1;

export class Lifetime {
  readonly #openedAt: number;
  /** The part of that share by which this connection ends earlier. */
  readonly #luck: number;
  #lifetimeMs: number;
  #endsAt: number;

  /** A lifetime of 0 never ends; `random` is in [0, 1). */
  constructor(openedAt: number, lifetimeMs: number, random: number) {
    this.#openedAt = openedAt;
    this.#luck = jitter * random;
    this.#lifetimeMs = lifetimeMs;
    this.#endsAt = this.#after(lifetimeMs);
  }

  /** Takes another lifetime. Connections that are too old for it end spread out, not all at once. */
  change(lifetimeMs: number, now: number): void {
    if (lifetimeMs === this.#lifetimeMs) return;
    this.#lifetimeMs = lifetimeMs;
    this.#endsAt = Math.max(this.#after(lifetimeMs), now + lifetimeMs * this.#luck);
  }

  isOver(now: number): boolean {
    return now >= this.#endsAt;
  }

  #after(lifetimeMs: number): number {
    return lifetimeMs === 0 ? Number.POSITIVE_INFINITY : this.#openedAt + lifetimeMs * (1 - this.#luck);
  }
}
