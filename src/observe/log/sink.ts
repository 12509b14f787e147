/**
 * Where lines wait for whoever takes them: a reader that sleeps, a slow disk. What waits is bounded. What does not fit
 * is lost and counted, and as soon as there is room again one line says how many were lost. `write` never waits.
 */

/**
 * Takes one chunk of whole lines, and calls back later: with `null`, or with how many of the chunk's bytes had left
 * where the rest is lost. It is not called again before it has called back.
 */
export type LogOutlet = (chunk: Buffer, done: (lostAfter: number | null) => void) => void;

interface Line {
  readonly bytes: Buffer;
  /** Of how many lost lines it tells; 0 for every other line. */
  readonly tells: number;
}

export interface SinkOptions {
  readonly outlet: LogOutlet;
  /** What may wait, in bytes; a little more than that for the line that tells of lost ones. */
  readonly maxPendingBytes: number;
  /**
   * A chunk goes no sooner than so long after the one before: many small ones would cost more than all else that a line
   * costs.
   */
  readonly paceMs: number;
  /** The line that tells of lost ones, with its line end. */
  readonly describeLoss: (lines: number) => string;
}

/** One chunk is no larger: a reader that wakes up makes room with each. */
const maxChunkBytes = 64 * 1024;

export class Sink {
  /** Lines that nobody will see. */
  lost = 0;
  readonly #options: SinkOptions;
  /** Lines that wait, the oldest first. */
  #pending: Line[] = [];
  #pendingBytes = 0;
  /** Lines of the chunk that is on its way; 0 for none. */
  #leaving = 0;
  /** The next chunk is not due yet. */
  #resting = false;
  /** Lost lines that no line has told of. */
  #untold = 0;
  /** Half a line has left and the rest of it is lost. */
  #torn = false;
  /** Chunks that have left: whoever waits sees progress by it. */
  #chunks = 0;
  #whenEmpty: (() => void)[] = [];

  constructor(options: SinkOptions) {
    this.#options = options;
  }

  /** Whether a chunk is on its way, and nobody has taken it yet. */
  get leaving(): boolean {
    return this.#leaving > 0;
  }

  /** Takes a line with its line end, or loses it. */
  write(line: string): void {
    const bytes = Buffer.from(line);
    if (this.#pendingBytes + bytes.length > this.#options.maxPendingBytes) {
      this.lost++;
      this.#untold++;
      return;
    }
    this.#tellLoss();
    this.#push({ bytes, tells: 0 });
    this.#next();
  }

  #push(line: Line): void {
    this.#pending.push(line);
    this.#pendingBytes += line.bytes.length;
  }

  #lose({ tells }: Line): void {
    if (tells === 0) this.lost++;
    this.#untold += Math.max(tells, 1);
  }

  #tellLoss(): void {
    if (this.#untold === 0) return;
    this.#push({ bytes: Buffer.from(this.#options.describeLoss(this.#untold)), tells: this.#untold });
    this.#untold = 0;
  }

  #next(): void {
    if (this.#leaving > 0) return;
    if (this.#pending.length === 0) {
      for (const resolve of this.#whenEmpty.splice(0)) resolve();
      return;
    }
    if (this.#resting && this.#pendingBytes < maxChunkBytes) return;
    this.#rest();
    let [count, size] = [0, 0];
    for (const { bytes } of this.#pending) {
      if (count > 0 && size + bytes.length > maxChunkBytes) break;
      size += bytes.length;
      count++;
    }
    const lines = this.#pending.splice(0, count);
    this.#leaving = count;
    // What is left of a torn line must not swallow the next one.
    const ahead = this.#torn ? lineEnd : noBytes;
    const chunk = Buffer.concat([ahead, ...lines.map(({ bytes }) => bytes)]);
    this.#options.outlet(chunk, (lostAfter) => {
      this.#leaving = 0;
      this.#pendingBytes -= size;
      this.#chunks++;
      if (lostAfter === null) this.#torn = false;
      else this.#loseAfter(lines, chunk, ahead.length, lostAfter);
      // Whoever falls silent now has told of its losses all the same.
      if (lostAfter === null && this.#pending.length === 0) this.#tellLoss();
      this.#next();
    });
  }

  #rest(): void {
    const { paceMs } = this.#options;
    if (paceMs === 0 || this.#resting) return;
    this.#resting = true;
    setTimeout(() => this.#wake(), paceMs);
  }

  #wake(): void {
    this.#resting = false;
    this.#next();
  }

  /** Loses the lines of a chunk that have not left whole: only `taken` bytes of it have. */
  #loseAfter(lines: readonly Line[], chunk: Buffer, ahead: number, taken: number): void {
    if (taken > 0) this.#torn = chunk[taken - 1] !== lineEnd[0];
    let end = ahead;
    for (const line of lines) {
      end += line.bytes.length;
      if (end > taken) this.#lose(line);
    }
  }

  /**
   * Resolves when nothing waits any more, or when nobody takes it: no chunk within `quietMs`, or not all within
   * `mostMs`.
   */
  async flush(quietMs: number, mostMs: number): Promise<void> {
    const end = performance.now() + mostMs;
    this.#wake();
    let isEmpty = this.#leaving === 0;
    while (!isEmpty && performance.now() < end) {
      const before = this.#chunks;
      isEmpty = await this.#emptyWithin(quietMs);
      if (this.#chunks === before) return;
    }
  }

  #emptyWithin(ms: number): Promise<boolean> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms, false);
      this.#whenEmpty.push(() => {
        clearTimeout(timer);
        resolve(true);
      });
    });
  }
}

const lineEnd = Buffer.from('\n');
const noBytes = Buffer.alloc(0);
