/** Something that may happen without end, logged at once and then at most once per interval, with the sum. */

/** One line at once, then at most one per interval. */
const intervalMs = 10_000;

/** `T` is what is said of the last time. */
export class Summary<T = void> {
  readonly #write: (count: number, last: T) => void;
  #count = 0;
  #last: T | undefined;
  #timer: NodeJS.Timeout | null = null;

  /** `write` logs how often it has happened since it was called last. */
  constructor(write: (count: number, last: T) => void) {
    this.#write = write;
  }

  /** It has happened. */
  add(last: T): void {
    this.#count++;
    this.#last = last;
    if (this.#timer === null) this.#begin();
  }

  /** Logs what is still to be logged. */
  close(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    this.#flush();
  }

  #begin(): void {
    this.#flush();
    this.#timer = setTimeout(() => {
      this.#timer = null;
      if (this.#count > 0) this.#begin();
    }, intervalMs).unref();
  }

  #flush(): void {
    const count = this.#count;
    this.#count = 0;
    if (count > 0) this.#write(count, this.#last as T);
  }
}
