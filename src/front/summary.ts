/** Something that may happen without end, told at once and then at most once per interval, with the sum. */

/** One line at once, then at most one per interval. */
const intervalMs = 10_000;

export class Summary {
  readonly #write: (count: number) => void;
  #count = 0;
  #timer: NodeJS.Timeout | null = null;

  /** `write` tells how often it has happened since it was called last. */
  constructor(write: (count: number) => void) {
    this.#write = write;
  }

  /** It has happened. */
  add(): void {
    this.#count++;
    if (this.#timer === null) this.#begin();
  }

  /** Tells what is still to be told. */
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
    if (count > 0) this.#write(count);
  }
}
