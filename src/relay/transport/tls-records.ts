/**
 * What one round of the event loop may take from TLS. Node tells each record as a read of its own, and reads on until
 * the kernel has nothing left: one client whose records hold a byte each brought ninety thousand reads in one round,
 * and everybody else waited for four seconds. So small records that come in one round become one read at its end, and
 * a socket that brings many is read again in a round after it.
 *
 * A socket is no longer read the moment it is told so. Node itself would fill the stream of a paused socket up to its
 * high-water mark, and 64 KiB in records of one byte take 16 MB.
 *
 * Handles and what they call are not documented by Node; see stream-binding.ts.
 */
import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import { contain, tellMistake } from '../../mistakes.ts';
import { RoundBudget, type RoundLimits, type RoundWaiter } from '../core/round-budget.ts';
import { copyBytes, freeBuffer } from '../memory/copy-buffers.ts';
import { watchKeys } from './key-changes.ts';
import { type ReadHandle, readHandleOf, type StreamBinding, streamBinding } from './stream-binding.ts';

/**
 * Of records, 4 to 8 ms of a core where they are small; in large ones these are 64 MB. Those who go on bring a read of
 * the kernel's, in which there are up to three thousand.
 */
export const recordsPerRound: RoundLimits = { work: 4096, free: 0, waiters: 3 };
/** So many of one socket in one round: as large as they may be, they are what Node reads of a socket in a round. */
const mostInRound = 128;
/** How many are counted at once. */
const counted = 32;
/** The first records of a round are passed on as they come, and so is whatever is worth a read of its own. */
const fewRecords = 8;
const smallRecord = 1024;
/** What is gathered begins with so much room, and goes on when it has taken so much. */
const leastRoom = 4096;
const mostRoom = 64 * 1024;

// Used where there is a binding only.
const { streamBaseState, kReadBytesOrError } = streamBinding ?? ({} as StreamBinding);

/** Each record is read into this, and copied: Node would make a buffer of its own for each byte. */
const scratch = Buffer.allocUnsafeSlow(16 * 1024);
const nothing = Buffer.alloc(0);

/** Round by round: who has gathered something is asked for it when the round is over. */
class Rounds {
  /** The number of the round that is under way. */
  present = 0;
  #ends = false;
  #gathering: TlsRecords[] = [];

  /** This round has an end that somebody waits for. */
  awaitEnd(): void {
    if (this.#ends) return;
    this.#ends = true;
    setImmediate(this.#end);
  }

  add(records: TlsRecords): void {
    this.#gathering.push(records);
    this.awaitEnd();
  }

  readonly #end = (): void => {
    this.#ends = false;
    this.present++;
    for (const records of this.#gathering.splice(0)) {
      contain(
        () => records.passOn(),
        () => records.reset(),
      );
    }
  };
}

// There is one event loop.
const rounds = new Rounds();
const budget = new RoundBudget(setImmediate, recordsPerRound);

/** The records of a socket; its handle keeps them. */
const recordsOf = Symbol('records');

interface RecordHandle extends ReadHandle {
  [recordsOf]?: TlsRecords;
}

/** Bounds what a round takes from a socket; `null` where that is no TLS, or Node does not show its handle. */
export function boundRecords(socket: Socket): TlsRecords | null {
  const tls = socket instanceof TLSSocket ? socket : null;
  const handle: RecordHandle | null = tls === null ? null : readHandleOf(tls);
  if (tls === null || handle === null) return null;
  if (handle[recordsOf] === undefined) {
    const records = new TlsRecords(tls, handle);
    handle[recordsOf] = records;
    watchKeys(tls, () => records.hangUp());
    tls.once('error', () => records.close());
  }
  return handle[recordsOf];
}

export class TlsRecords implements RoundWaiter {
  readonly #socket: Socket;
  readonly #handle: ReadHandle;
  /** What Node does with a record, and how it reads the socket. */
  readonly #nodes: Pick<ReadHandle, 'onread' | 'readStart' | 'readStop'>;
  /** The round in which its last record came, and how many have come in that. */
  #round = -1;
  #records = 0;
  #gathered = nothing;
  #gatheredBytes = 0;
  /** Whoever has the socket wants nothing more of it. */
  #held = false;
  /** It waits for its round. */
  #waits = false;
  /** It is not read for one of these, whatever Node's socket wants. */
  #isStopped = false;

  constructor(socket: Socket, handle: ReadHandle) {
    this.#socket = socket;
    this.#handle = handle;
    const { onread, readStart, readStop } = handle;
    this.#nodes = { onread, readStart, readStop };
    handle.useUserBuffer(scratch);
    handle.onread = (bytes) => {
      try {
        this.#take(bytes);
      } catch (error) {
        tellMistake(error);
        this.reset();
      }
    };
    // `reading` says whether Node's socket wants to be read.
    handle.readStart = () => (this.#isStopped ? 0 : readStart.call(handle));
  }

  /** Reads nothing more. What Node has decrypted, or is about to, waits in the stream. */
  hold(): void {
    this.#held = true;
    this.#stop();
  }

  /** Reads on, unless its round has not come. */
  release(): void {
    this.#held = false;
    this.#start();
  }

  /**
   * TLS has broken. Node says so and leaves the connection open, on which nothing more can come. What came before is
   * passed on; it may wait in the stream of a socket that is paused.
   */
  close(): void {
    this.passOn();
    const socket = this.#socket;
    if (socket.readableLength === 0) socket.destroy();
    else socket.once('resume', () => setImmediate(() => this.close()));
  }

  /** Ends the connection, from within a read of it: nothing behind that is read. */
  hangUp(): void {
    this.hold();
    setImmediate(() => this.#socket.destroy(new Error('the peer changes its TLS keys without end')));
  }

  onRound(): void {
    this.#waits = false;
    this.#start();
  }

  reset(): void {
    this.#socket.destroy();
  }

  /** Passes on what was gathered, as one read. */
  passOn(): void {
    if (this.#gatheredBytes === 0) return;
    const gathered = this.#gathered;
    const length = this.#gatheredBytes;
    this.#gathered = nothing;
    this.#gatheredBytes = 0;
    if (length === gathered.length) {
      this.#push(gathered);
      return;
    }
    // Whoever keeps a few bytes must not keep the room for many, and only a whole buffer can be freed.
    const bytes = copyBytes(gathered, 0, length);
    freeBuffer(gathered);
    this.#push(bytes);
  }

  get #isBarred(): boolean {
    return this.#held || this.#waits;
  }

  #take(bytes: unknown): void {
    const length = streamBaseState[kReadBytesOrError]!;
    if (length <= 0) {
      // What comes before the end is told before it.
      this.passOn();
      streamBaseState[kReadBytesOrError] = length;
      this.#nodes.onread.call(this.#handle, bytes);
      return;
    }
    this.#count();
    const passes = length >= smallRecord || this.#records <= fewRecords;
    if (!passes || this.#gatheredBytes > 0 || this.#isBarred) this.#gather(length);
    else this.#push(copyBytes(scratch, 0, length));
  }

  #count(): void {
    if (this.#round !== rounds.present) {
      this.#round = rounds.present;
      this.#records = 0;
      rounds.awaitEnd();
    }
    if (++this.#records % counted !== 0 || this.#waits) return;
    if (budget.spend(counted) && this.#records < mostInRound) return;
    this.#waits = true;
    this.#stop();
    budget.wait(this);
  }

  #gather(length: number): void {
    if (this.#gatheredBytes + length > mostRoom) this.passOn();
    if (this.#gatheredBytes === 0) rounds.add(this);
    const needed = this.#gatheredBytes + length;
    if (needed > this.#gathered.length) {
      const larger = Buffer.allocUnsafeSlow(Math.min(mostRoom, Math.max(leastRoom, 2 * needed)));
      this.#gathered.copy(larger, 0, 0, this.#gatheredBytes);
      freeBuffer(this.#gathered);
      this.#gathered = larger;
    }
    if (length === 1) this.#gathered[this.#gatheredBytes] = scratch[0]!;
    else scratch.copy(this.#gathered, this.#gatheredBytes, 0, length);
    this.#gatheredBytes = needed;
  }

  /** As Node does it with what was read. */
  #push(bytes: Buffer): void {
    const socket = this.#socket;
    if (socket.destroyed || socket.push(bytes) || socket.destroyed) return;
    this.#handle.reading = false;
    this.#nodes.readStop.call(this.#handle);
  }

  #stop(): void {
    this.#isStopped = true;
    if (!this.#socket.destroyed) this.#nodes.readStop.call(this.#handle);
  }

  #start(): void {
    if (!this.#isStopped || this.#isBarred || this.#socket.destroyed) return;
    this.#isStopped = false;
    if (this.#handle.reading && this.#nodes.readStart.call(this.#handle) !== 0) this.#socket.destroy();
  }
}
