/** A transport without a socket: the test gives it what its peer sends, and sees what it would get. */
import type { KernelQueue } from '../../src/relay/core/stall.ts';
import type { Keeper } from '../../src/relay/memory/read-buffers.ts';
import type { Output } from '../../src/relay/transport/output.ts';
import type { Transport, TransportListener } from '../../src/relay/transport/transport.ts';

/** A kernel in front of which writes wait while it is full. */
export class MemoryOutput implements Output {
  readonly broken = false;
  readonly copies = 0;
  destroyed = false;
  /** Whether FIN stands behind what was written. */
  ended = false;
  full = false;
  #waiting: Buffer | null = null;
  readonly #taken: Buffer[] = [];
  #onAccepted = () => {};

  /** What the peer has got. */
  get bytes(): Buffer {
    return Buffer.concat(this.#taken);
  }

  get handedBytes(): number {
    return this.bytes.length;
  }

  set onAccepted(call: () => void) {
    this.#onAccepted = call;
  }

  write(bytes: Buffer): boolean {
    if (this.destroyed) return true;
    if (this.#waiting !== null) throw new Error('a write while another waits');
    if (this.full) this.#waiting = bytes;
    // A copy, as a kernel makes one.
    else this.#taken.push(Buffer.from(bytes));
    return !this.full;
  }

  /** The kernel takes what waits, and all that comes. */
  accept(): void {
    this.full = false;
    const waiting = this.#waiting;
    this.#waiting = null;
    if (waiting === null) return;
    this.#taken.push(Buffer.from(waiting));
    this.#onAccepted();
  }

  end(): void {
    this.ended = true;
  }
}

export class MemoryTransport implements Transport {
  readonly output = new MemoryOutput();
  maxReadBytes = Number.POSITIVE_INFINITY;
  /** Whether nothing is read from it. */
  paused = true;
  wasReset = false;
  /** What its kernel tells of its queue. */
  kernel: KernelQueue = null;
  #listener: TransportListener | null = null;
  #sent: Buffer = Buffer.alloc(0);
  #hasEnded = false;

  begin(listener: TransportListener): void {
    this.#listener = listener;
    this.output.onAccepted = () => listener.accepted();
  }

  pause(): void {
    this.paused = true;
  }

  resume(): void {
    this.paused = false;
  }

  halt(): boolean {
    return false;
  }

  carryOn(): void {}

  last(): void {}

  yieldBuffer(): void {}

  kernelQueue(): KernelQueue {
    return this.kernel;
  }

  reset(): void {
    this.wasReset = true;
    this.#close();
  }

  /** It is as TLS is. */
  hangUp(): boolean {
    return false;
  }

  /** The peer sends bytes; they are read when `pump` is called. */
  send(bytes: Buffer): void {
    this.#sent = Buffer.concat([this.#sent, bytes]);
  }

  /** The peer sends FIN behind them. */
  end(): void {
    this.#hasEnded = true;
  }

  /**
   * Reads at most `bytes` of what was sent, in a buffer that is overwritten afterwards. Whether there was anything to
   * read.
   */
  pump(bytes = Number.POSITIVE_INFINITY): boolean {
    if (this.paused || this.#listener === null) return false;
    const end = Math.min(this.#sent.length, bytes, this.maxReadBytes);
    if (end === 0) return this.#pumpEnd();
    const chunk = Buffer.from(this.#sent.subarray(0, end));
    this.#sent = this.#sent.subarray(end);
    const keeper: Keeper | null = null;
    this.#listener.read(chunk, 0, end, keeper);
    chunk.fill(0xee);
    return true;
  }

  #pumpEnd(): boolean {
    if (!this.#hasEnded) return false;
    this.#hasEnded = false;
    this.#listener?.ended();
    // Both sides have sent FIN.
    if (this.output.ended) this.#close();
    return true;
  }

  #close(): void {
    const listener = this.#listener;
    this.#listener = null;
    this.output.destroyed = true;
    listener?.closed();
  }
}
