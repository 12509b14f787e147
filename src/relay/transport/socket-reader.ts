/**
 * Reads one leg's socket, while it is to be read: from its handle into reusable buffers (handle-reads.ts), or where
 * there is none to read by (TLS sockets, other runtimes) by `'data'` events.
 */
import { Socket } from 'node:net';
import { tellMistake } from '../../mistakes.ts';
import { RoundBudget, type RoundLimits, type RoundWaiter } from '../core/round-budget.ts';
import { copyBytes } from '../memory/copy-buffers.ts';
import { Chunk, type Keeper, owned, type ReadBuffers } from '../memory/read-buffers.ts';
import { largeRead, ReadTarget } from '../memory/read-target.ts';
import { HandleReads, type HandleSink } from './handle-reads.ts';
import { lowerMarks } from './low-marks.ts';
import { resetSocket } from './socket-reset.ts';
import { readHandleOf } from './stream-binding.ts';
import { boundRecords, type TlsRecords } from './tls-records.ts';

const keepAliveMs = 30_000;
/** What may wait in the stream of a paused TLS socket: what Node was about to decrypt, and a record in part. */
const streamBytes = 84 * 1024;

/**
 * What a round takes from all sockets in large reads, 4 to 6 ms of a core. libuv reads each socket up to 32 times in a
 * round: 150 that had as much to say took half a second, and everybody else waited.
 */
const readsPerRound: RoundLimits = { work: 4 * 1024 * 1024, free: 0, waiters: 48 };
// There is one event loop.
const budget = new RoundBudget(setImmediate, readsPerRound);

/** One side of a finished handshake: a paused, plain socket and the bytes that came with or after the handshake. */
export interface LegInput {
  readonly socket: Socket;
  readonly head: Buffer;
}

export interface ReadSink {
  /** `keeper` is `null` where the bytes must be copied before they are written or kept. */
  read(chunk: Buffer, start: number, end: number, keeper: Keeper | null): void;
}

/** What a connected socket tells those who read, write or end it. */
const heardOf = ['close', 'data', 'drain', 'end', 'error', 'finish', 'pause', 'readable', 'resume', 'timeout'] as const;

export class SocketReader implements RoundWaiter, HandleSink {
  /** The socket to write to and to listen on. */
  readonly socket: Socket;
  readonly #buffers: ReadBuffers;
  #sink: ReadSink | null = null;
  readonly #target: ReadTarget;
  /** Asked after each read, and of the socket that would take several look-ups. */
  #paused = true;
  /** Where it reads from a handle. */
  #reads: HandleReads | null = null;
  /** Where it reads events of TLS. */
  #records: TlsRecords | null = null;
  /** What was read before the relay began. */
  #early: Buffer[];
  #streamBytes = 0;
  /** It is not read until whoever has halted it lets it go on. */
  #halted = false;
  /** It is not read until a round has room for it. */
  #waits = false;
  #keptAlive = false;
  /** Whoever reads its events decides when it is read. */
  #isStream = false;
  /** Says that the socket has ended, once it is read on. */
  #owed: (() => void) | null = null;

  /** Takes the socket over, paused; `start` delivers what it has read already. */
  constructor(input: LegInput, buffers: ReadBuffers) {
    this.#buffers = buffers;
    this.#target = new ReadTarget(buffers);
    this.#early = input.head.length > 0 ? [input.head] : [];
    this.socket = this.#takeOver(input.socket);
    // What broke it is known when it has closed.
    this.socket.on('error', ignore);
    this.socket.setNoDelay(true);
  }

  /**
   * Lets the kernel look whether the peer's machine is still there. Four system calls, which a connection that comes
   * and goes need not pay for.
   */
  keepAlive(): void {
    if (this.#keptAlive) return;
    this.#keptAlive = true;
    this.socket.setKeepAlive(true, keepAliveMs);
  }

  /** The largest read, in bytes: a byte rate keeps it to what may pass in one second. */
  get maxReadBytes(): number {
    return this.#target.maxBytes;
  }

  set maxReadBytes(bytes: number) {
    if (bytes === this.#target.maxBytes) return;
    const before = this.#target.buffer;
    this.#target.maxBytes = bytes;
    this.#armNow(before);
  }

  /** Delivers the bytes that came with the handshake. Reading itself begins with `resume`. */
  start(sink: ReadSink): void {
    this.#sink = sink;
    if (this.#early.length === 0) return;
    const early = Buffer.concat(this.#early);
    this.#early = [];
    this.#deliver(early, 0, early.length, owned);
  }

  /** Bytes that the next `start` delivers. */
  keep(early: Buffer): void {
    if (early.length > 0) this.#early.push(early);
  }

  pause(): void {
    this.#forgetHolds();
    this.#stop();
    if (this.#reads === null && !this.socket.destroyed) this.#holdStream(streamBytes);
  }

  resume(): void {
    this.#forgetHolds();
    this.#holdStream(0);
    this.#paused = false;
    if (this.socket.destroyed) return;
    if (this.#owed !== null) setImmediate(this.#pay);
    if (this.#reads !== null) {
      this.#reads.start();
      return;
    }
    this.#records?.release();
    this.socket.resume();
  }

  /**
   * The socket has ended: says so now, or when it is read on, because what came before may wait for a rate. Node reads
   * an end also where TLS is paused.
   */
  tellEnd(tell: () => void): void {
    if (!this.#paused) tell();
    else this.#owed = tell;
  }

  readonly #pay = () => {
    const tell = this.#owed;
    if (tell === null || this.#paused) return;
    this.#owed = null;
    tell();
  };

  /**
   * Reads nothing until `carryOn` or `resume`, and says whether it did before. Not where Node does not show the handle:
   * what it reads on then would have to be held.
   */
  halt(): boolean {
    // Whoever halted it first lets it go on.
    if (this.#halted) return false;
    const isShown = this.#reads !== null || this.#records !== null;
    this.#halted = isShown && !this.socket.destroyed && (!this.#paused || this.#waits);
    if (this.#halted) this.#stop();
    return this.#halted;
  }

  /** Goes on as before `halt`, unless `pause` has been called since. */
  carryOn(): void {
    if (!this.#halted) return;
    this.#halted = false;
    if (!this.#waits) this.resume();
  }

  onRound(): void {
    if (!this.#waits) return;
    this.#waits = false;
    if (!this.#halted) this.resume();
  }

  /** Drops the connection and what the kernel still holds for its peer, which sees a reset. */
  reset(): void {
    resetSocket(this.socket);
  }

  /** Closes a plain socket, whose peer gets what the kernel has taken, and then FIN. */
  hangUp(): boolean {
    if (this.#reads === null) return false;
    this.socket.destroy();
    return true;
  }

  /** Whether it has a buffer of its own. */
  get leases(): boolean {
    return this.#target.leases;
  }

  /**
   * Gives the buffer back if the socket has fallen silent, also where it is armed; for a spent budget (see
   * `#armNow`).
   */
  yieldBuffer(): void {
    if (this.#target.isIdle) this.giveBuffer();
  }

  /** What comes now is not worth a buffer: one that is there goes back with the present, or the next, read. */
  lendNoMore(): void {
    this.#target.mayLease = false;
  }

  /** What comes now is worth a buffer again. */
  lendAgain(): void {
    this.#target.mayLease = true;
  }

  /** Gives the buffer back, however busy the socket was. Not from a read. */
  giveBuffer(): void {
    const before = this.#target.buffer;
    this.#target.share();
    this.#armNow(before);
    this.#target.giveBack();
  }

  /**
   * Leaves the socket, paused, to whoever reads its `'data'` events: what is read becomes such events. No buffer is
   * leased any more.
   */
  becomeStream(): void {
    const { socket } = this;
    this.#isStream = true;
    lowerMarks(socket);
    this.lendNoMore();
    // Whoever reads from the handle next arms buffers of its own.
    this.giveBuffer();
    // Where it reads events already, they find their way.
    this.#sink = this.#reads && {
      read: (chunk, start, end) => {
        if (!socket.push(copyBytes(chunk, start, end))) this.#reads?.stop();
      },
    };
    if (this.#reads === null) socket.removeAllListeners('data');
    this.keepAlive();
    this.#forgetHolds();
    this.#holdStream(0);
    this.#paused = false;
    this.socket.pause();
    this.#records?.release();
  }

  /** Gives the buffer back; call it when the socket has closed. */
  close(): void {
    this.#target.giveBack();
    this.#reads = null;
    this.#holdStream(0);
  }

  #stop(): void {
    this.#paused = true;
    if (this.#reads !== null) {
      if (!this.socket.destroyed) this.#reads.stop();
      return;
    }
    this.socket.pause();
    this.#records?.hold();
  }

  /** Whoever pauses it or reads it on decides. */
  #forgetHolds(): void {
    this.#halted = false;
    this.#waits = false;
  }

  #awaitRound(): void {
    if (this.#paused || this.socket.destroyed) return;
    this.#waits = true;
    this.#stop();
    budget.wait(this);
  }

  /** Counts what the stream of a paused socket holds. */
  #holdStream(bytes: number): void {
    const { memory } = this.#buffers;
    memory.give(this.#streamBytes);
    this.#streamBytes = bytes;
    memory.take(bytes);
  }

  #takeOver(socket: Socket): Socket {
    socket.pause();
    if (socket.timeout) socket.setTimeout(0);
    while (socket.readableLength > 0) this.#early.push(socket.read());
    const handle = socket.constructor === Socket ? readHandleOf(socket) : null;
    if (handle === null) this.#readEvents(socket);
    else {
      // One by one. Where all listeners of a name go at once, Node deletes the name, and V8 looks each event of the
      // socket up from then on; where those of all names go at once, each socket waits for a tick of its own. To ask
      // for the names took 1 % of a handshake (measured).
      for (const name of heardOf) {
        if (socket.listenerCount(name) === 0) continue;
        for (const listener of socket.rawListeners(name)) socket.off(name, listener as () => void);
      }
      socket.allowHalfOpen = true;
      this.#reads = new HandleReads(socket, handle, this.#target.buffer, this);
    }
    return socket;
  }

  #readEvents(socket: Socket): void {
    this.#records = boundRecords(socket);
    // Not all listeners: TLS has some of Node's own among them.
    socket.removeAllListeners('data').removeAllListeners('readable');
    socket.allowHalfOpen = true;
    socket.on('data', (chunk: Buffer) => this.#readChunk(socket, chunk));
    socket.pause();
    this.#records?.hold();
  }

  /**
   * Node decides how large a chunk of `'data'` is: what is too much for one read goes back where a pause comes of it.
   */
  #readChunk(socket: Socket, chunk: Buffer): void {
    const keeper = new Chunk(chunk);
    const { length } = chunk;
    for (let at = 0; at < length; ) {
      if (at > 0 && socket.isPaused()) {
        socket.unshift(chunk.subarray(at));
        return;
      }
      const end = Math.min(length, at + this.#target.maxBytes);
      this.#deliver(chunk, at, end, keeper);
      at = end;
    }
    keeper.unpin();
  }

  /** For `HandleReads` alone. */
  took(length: number): Buffer | undefined {
    const target = this.#target;
    this.#deliver(target.buffer, 0, length, target.keeper);
    // A small read is the last one of its round.
    if (length >= largeRead && !budget.spend(length) && !this.#isStream) this.#awaitRound();
    // Node forgets a pause in the same moment as the first resume.
    if (this.#paused && !this.socket.destroyed) this.#reads?.stop();
    return target.advance(length, this.socket);
  }

  #deliver(chunk: Buffer, start: number, end: number, keeper: Keeper | null): void {
    try {
      this.#sink?.read(chunk, start, end, keeper);
    } catch (error) {
      tellMistake(error);
      this.reset();
    }
  }

  /** Where the next read goes into another buffer than `before`, and no read comes first. */
  #armNow(before: Buffer): void {
    const { buffer } = this.#target;
    if (buffer !== before && !this.socket.destroyed) this.#reads?.arm(buffer);
  }
}

function ignore(): void {}
