/**
 * How much of a body in chunks Node's parser gets at once. Node makes an event and an object of each chunk, and one
 * more of what goes on, so a read of one-byte chunks would take 50 ms. Pieces become smaller when many chunks are in
 * one.
 */
import { RoundBudget } from '../../relay/core/round-budget.ts';

const smallestBytes = 512;
const largestBytes = 64 * 1024;
const fewChunks = 32;

/** The chunks of a round, of bodies, answers and refused handshakes together: about 5 ms of a core. */
export const carefulBudget = new RoundBudget(setImmediate, { work: 1000, free: 4, waiters: 8 });
/** Bytes that are read and passed on in the time that a chunk takes. */
const bytesPerChunk = 4096;

/** What a piece costs, in chunks: large ones are few, and each is a buffer of its own. */
export function costOf(bytes: number, chunks: number): number {
  return chunks + bytes / bytesPerChunk;
}

/** What a request costs, as the chunks that are parsed in that time: a read may hold thousands that are refused. */
export const chunksPerRequest = 40;

export class PieceSize {
  /** The size of the next piece. */
  bytes: number;

  constructor(firstBytes = smallestBytes) {
    this.bytes = firstBytes;
  }

  /** The last piece had so many chunks. */
  adapt(chunks: number): void {
    this.bytes = chunks > fewChunks ? Math.max(this.bytes / 2, smallestBytes) : Math.min(this.bytes * 2, largestBytes);
  }
}
