/**
 * The buffers that sockets are read into. Node allocates 64 KiB for every read, which costs more than relaying does. So
 * sockets with small reads share one buffer, and a socket with larger reads leases one of its own.
 *
 * The rule that keeps one connection's bytes out of another's: Node arms a socket's next buffer right after each read,
 * so the shared buffer is armed on many sockets at once. A write may go on reading its buffer long after `write()`
 * returned. Therefore the shared buffer is never passed to `write()`; what stands in it is copied first. A leased
 * buffer is armed on one socket only; while a write still reads from it, it is pinned and not read into.
 */

import { freeBuffer, worthFreeing } from './copy-buffers.ts';
import { type MemoryBudget, unlentRead } from './memory-budget.ts';

/** Something that keeps the bytes of a read alive while a write still reads from them. */
export interface Keeper {
  /** The bytes of the chunk that was read, to be written. */
  view(chunk: Buffer, start: number, end: number): Buffer;
  pin(): void;
  unpin(): void;
  /** Whether somebody else counts these bytes. */
  readonly lent: boolean;
}

/** For bytes that belong to nobody else, and that V8 collects in its own time. */
export const owned: Keeper = {
  view: (chunk, start, end) => (end - start === chunk.length ? chunk : chunk.subarray(start, end)),
  pin() {},
  unpin() {},
  lent: false,
};

/** Keeps a chunk that nobody else has, and frees it when it has been read and no write reads from it. */
export class Chunk implements Keeper {
  readonly lent = false;
  readonly #bytes: Buffer;
  #pins = 1;

  /** It is pinned once, for the read. */
  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  view(chunk: Buffer, start: number, end: number): Buffer {
    return owned.view(chunk, start, end);
  }

  pin(): void {
    this.#pins++;
  }

  unpin(): void {
    this.#pins--;
    if (this.#pins === 0 && this.#bytes.length >= worthFreeing) freeBuffer(this.#bytes);
  }
}

/** Measured: larger reads than this serve bulk better, smaller ones cost more system calls. */
const largeLease = 256 * 1024;
/** What is lent once half of the budget is out. */
const smallLease = 64 * 1024;
/**
 * All leases together, in bytes; they never take more than a quarter of the memory budget either. More makes nobody
 * faster.
 */
const mostLent = 16 * 1024 * 1024;

/** A buffer that one socket reads into. */
export class Lease implements Keeper {
  readonly lent = true;
  readonly buffer: Buffer;
  readonly #pool: ReadBuffers;
  /** What was read last, from the beginning. */
  #head: Buffer;
  #pins = 0;
  #returned = false;

  constructor(buffer: Buffer, pool: ReadBuffers) {
    this.buffer = buffer;
    this.#head = buffer;
    this.#pool = pool;
  }

  /** The view of the last read. Reads of one size often follow each other, and a new view for each would be garbage. */
  view(_chunk: Buffer, start: number, end: number): Buffer {
    if (start > 0) return this.buffer.subarray(start, end);
    if (this.#head.length !== end) this.#head = this.buffer.subarray(0, end);
    return this.#head;
  }

  get pinned(): boolean {
    return this.#pins > 0;
  }

  pin(): void {
    this.#pins++;
  }

  unpin(): void {
    this.#pins--;
    if (this.#returned && this.#pins === 0) this.#pool.takeBack(this.buffer);
  }

  /** Gives the buffer back; the pool has it again once no write reads from it. */
  giveBack(): void {
    if (this.#returned) return;
    this.#returned = true;
    if (this.#pins === 0) this.#pool.takeBack(this.buffer);
  }
}

/** The process's read buffers: the shared one, and leases. */
export class ReadBuffers {
  readonly shared = Buffer.allocUnsafeSlow(unlentRead);
  /**
   * A coarse clock in whole milliseconds, set by the registry's tick: good enough to tell busy sockets from quiet ones.
   */
  now = 0;
  /** What all buffers share; leases take a part of it. */
  readonly memory: MemoryBudget;
  #lent = 0;
  #denied = false;
  readonly #free = new Map<number, Buffer[]>([
    [largeLease, []],
    [smallLease, []],
  ]);

  constructor(memory: MemoryBudget) {
    this.memory = memory;
  }

  /** Bytes lent now. */
  get lentBytes(): number {
    return this.#lent;
  }

  /**
   * How much may be lent. This is no getter, because V8 calls its runtime for a private one, and each read asks for it.
   */
  #most(): number {
    return Math.min(mostLent, this.memory.limitBytes / 4);
  }

  /**
   * Bytes lent beyond that, after the budget became smaller. Each socket then gives its lease back with its next read.
   */
  get overlentBytes(): number {
    return Math.max(0, this.#lent - this.#most());
  }

  /** Lends a buffer, a smaller one when many are lent; `null` when there is none to lend. */
  lease(): Lease | null {
    const most = this.#most();
    const size = this.#lent + largeLease <= most / 2 ? largeLease : smallLease;
    if (this.#lent + size > most || this.memory.pressed) {
      this.#denied = true;
      return null;
    }
    this.#lent += size;
    this.memory.take(size);
    const buffer = this.#free.get(size)?.pop() ?? Buffer.allocUnsafeSlow(size);
    return new Lease(buffer, this);
  }

  /**
   * Whether a lease was refused since this was asked last: then sockets that have fallen silent must give theirs back.
   */
  takeDenied(): boolean {
    const denied = this.#denied;
    this.#denied = false;
    return denied;
  }

  /** For `Lease` alone. Keeps a few buffers for the next socket and frees the others. */
  takeBack(buffer: Buffer): void {
    this.#lent -= buffer.length;
    this.memory.give(buffer.length);
    const free = this.#free.get(buffer.length)!;
    if (free.length < 8) free.push(buffer);
    else freeBuffer(buffer);
  }
}
