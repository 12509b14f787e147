/**
 * What was lent to a visit. It goes back once, the last first. A mistake in one keeps no other. A `DisposableStack`
 * would do the same at more cost: V8 has it outside of its compiled code, 1 % of a handshake (measured).
 */
export class Loan {
  readonly #lent: Disposable[] = [];

  /** Lends one thing more, and returns it. */
  use<T extends Disposable>(what: T): T {
    this.#lent.push(what);
    return what;
  }

  /** Gives everything back. */
  dispose(): void {
    const last = this.#lent.pop();
    if (last === undefined) return;
    try {
      last[Symbol.dispose]();
    } finally {
      this.dispose();
    }
  }
}
