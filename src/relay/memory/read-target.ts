/**
 * What the next read of one socket goes into: the buffer that all share, or one of its own, which it leases while its
 * reads are large (see read-buffers.ts).
 */
import type { Keeper, Lease, ReadBuffers } from './read-buffers.ts';

/** A read of at least this many bytes earns the socket a buffer of its own: early, because copies cost more. */
export const largeRead = 4096;
/** Reads under this size are served as well by the shared buffer. */
const smallRead = 2048;
const smallReadsToDemote = 16;
/** A socket whose last large read is older than this gives its buffer back at the next small one, such as a pong. */
const quietMs = 1000;

export class ReadTarget {
  /** What the next read goes into. */
  buffer: Buffer;
  /** Whether what is read now is worth a buffer. One that is there goes back with the present, or the next, read. */
  mayLease = true;
  readonly #buffers: ReadBuffers;
  #lease: Lease | null = null;
  /** Whether that is what the next read goes into. */
  #leaseArmed = false;
  #maxBytes = Number.POSITIVE_INFINITY;
  #smallReads = 0;
  #largeReadAt = 0;

  constructor(buffers: ReadBuffers) {
    this.#buffers = buffers;
    this.buffer = buffers.shared;
  }

  /** What keeps the bytes of the read that was made; `null` where they must be copied. */
  get keeper(): Keeper | null {
    return this.#leaseArmed ? this.#lease : null;
  }

  /** Whether the socket has a buffer of its own. */
  get leases(): boolean {
    return this.#lease !== null;
  }

  /** Whether it has one, and has fallen silent. */
  get isIdle(): boolean {
    return this.#lease !== null && this.#buffers.now - this.#largeReadAt > quietMs;
  }

  /** The largest read, in bytes. */
  get maxBytes(): number {
    return this.#maxBytes;
  }

  /** Bounds the reads from the next one on; `buffer` may be another then. */
  set maxBytes(bytes: number) {
    this.#maxBytes = bytes;
    this.#choose(this.#leaseArmed);
  }

  /**
   * A read of so many bytes has been passed on. Returns what the next one goes into, where that is something else. No
   * socket that is destroyed leases a buffer.
   */
  advance(length: number, socket: { readonly destroyed: boolean }): Buffer | undefined {
    if (this.#lease === null) {
      if (length >= largeRead && this.mayLease && !socket.destroyed) this.#promote();
    } else if (this.#isQuiet(length) || this.#buffers.overlentBytes > 0 || !this.mayLease) {
      this.#lease.giveBack();
      this.#lease = null;
    }
    // While a write still reads from the lease, its receiver is slow: what comes now is copied anyway.
    const leases = this.#lease !== null && !this.#lease.pinned;
    return leases === this.#leaseArmed ? undefined : this.#choose(leases);
  }

  /** The next read goes into the shared buffer; a lease is kept until `giveBack`. */
  share(): void {
    if (this.#leaseArmed) this.#choose(false);
  }

  /** Gives the lease back, which nobody reads into any more. */
  giveBack(): void {
    this.#lease?.giveBack();
    this.#lease = null;
    this.#leaseArmed = false;
  }

  #choose(leases: boolean): Buffer {
    this.#leaseArmed = leases;
    const buffer = leases ? this.#lease!.buffer : this.#buffers.shared;
    this.buffer = buffer.length > this.#maxBytes ? buffer.subarray(0, this.#maxBytes) : buffer;
    return this.buffer;
  }

  #promote(): void {
    this.#lease = this.#buffers.lease();
    this.#smallReads = 0;
    this.#largeReadAt = this.#buffers.now;
  }

  #isQuiet(length: number): boolean {
    const { now } = this.#buffers;
    if (length >= smallRead) {
      this.#smallReads = 0;
      this.#largeReadAt = now;
      return false;
    }
    return ++this.#smallReads >= smallReadsToDemote || now - this.#largeReadAt > quietMs;
  }
}
