/**
 * Reads one leg's socket into reusable buffers (see read-buffers.ts).
 *
 * `net.Socket` reads into a buffer of ours only if it is constructed so (`onread`), but these sockets exist already. So
 * what is read is taken from the handle itself, which is told where to read to; the socket hears of the end. That is
 * cheaper, too: sockets have so many shapes that V8 would look each of their properties up, for each read. Handles are
 * not documented by Node (see stream-binding.ts). Where there are none to read by (TLS sockets, other runtimes) it
 * reads `'data'` events instead.
 */
import { Socket } from 'node:net';
import { getSystemErrorName } from 'node:util';
import { tellMistake } from '../../mistakes.ts';
import { RoundBudget, type RoundLimits, type RoundWaiter } from '../core/round-budget.ts';
import { copyBytes } from '../memory/copy-buffers.ts';
import { Chunk, type Keeper, type Lease, owned, type ReadBuffers } from '../memory/read-buffers.ts';
import { lowerMarks } from './low-marks.ts';
import { type ReadHandle, readHandleOf, type StreamBinding, streamBinding } from './stream-binding.ts';
import { boundRecords, type TlsRecords } from './tls-records.ts';

/** A read of at least this many bytes earns the socket a buffer of its own: early, because copies cost more. */
const promoteAt = 4096;
/** Reads under this size are served as well by the shared buffer. */
const smallRead = 2048;
const smallReadsToDemote = 16;
/** A socket whose last large read is older than this gives its buffer back at the next small one, such as a pong. */
const quietMs = 1000;
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

// Used where there is a binding only.
const { streamBaseState, kReadBytesOrError } = streamBinding ?? ({} as StreamBinding);

/**
 * What Node itself does with what is read, for handles that are read here. The handle keeps it: a `WeakMap` of all
 * handles took 1 % of a handshake (measured).
 */
const usual = Symbol('usual onread');

interface Handle extends ReadHandle {
  [usual]?: ReadHandle['onread'];
}

/** What libuv says at the end, in place of a number of bytes. */
const endOfFile = -4095;
const readErrors = new Map<number, Error>();

interface Carrier {
  close(done: () => void): void;
  /** Returns an error number, 0 for none. */
  reset(done: () => void): number;
}

export class SocketReader implements RoundWaiter {
  /** The socket to write to and to listen on. */
  readonly socket: Socket;
  readonly #buffers: ReadBuffers;
  #sink: ReadSink | null = null;
  #lease: Lease | null = null;
  /** What the next read goes into, and whether that is the lease. */
  #armed: Buffer;
  #leaseArmed = false;
  /** Asked after each read, and of the socket that would take several look-ups. */
  #paused = true;
  #smallReads = 0;
  #largeReadAt = 0;
  #handle: Handle | null = null;
  /** Where it reads events of TLS. */
  #records: TlsRecords | null = null;
  #maxReadBytes = Number.POSITIVE_INFINITY;
  /** What was read before the relay began. */
  #early: Buffer[];
  #streamBytes = 0;
  /** It is not read until whoever has halted it lets it go on. */
  #halted = false;
  /** It is not read until a round has room for it. */
  #waits = false;
  #mayLease = true;
  #keptAlive = false;
  /** Says that the socket has ended, once it is read on. */
  #owed: (() => void) | null = null;

  /** Takes the socket over, paused; `start` delivers what it has read already. */
  constructor(input: LegInput, buffers: ReadBuffers) {
    this.#buffers = buffers;
    this.#armed = buffers.shared;
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
    return this.#maxReadBytes;
  }

  set maxReadBytes(bytes: number) {
    if (bytes === this.#maxReadBytes) return;
    this.#maxReadBytes = bytes;
    this.#armNow(this.#leaseArmed);
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
    if (this.#handle === null && !this.socket.destroyed) this.#holdStream(streamBytes);
  }

  resume(): void {
    this.#forgetHolds();
    this.#holdStream(0);
    this.#paused = false;
    if (this.socket.destroyed) return;
    if (this.#owed !== null) setImmediate(this.#pay);
    if (this.#handle !== null) {
      this.#startHandle(this.#handle);
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
    const isShown = this.#handle !== null || this.#records !== null;
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
    const { socket } = this;
    // While a FIN is on its way into the kernel, Node cannot reset the handle and would lose it: `uv_tcp_close_reset`
    // refuses a handle that is shutting down. That takes one turn of the event loop; but TLS writes its own goodbye
    // first, for which a stuck peer has no room.
    if (socket.writableEnded && !socket.writableFinished && carrierOf(socket) === null)
      socket.once('finish', () => resetNow(socket));
    else resetNow(socket);
  }

  /** Closes a plain socket, whose peer gets what the kernel has taken, and then FIN. */
  hangUp(): boolean {
    if (this.#handle === null) return false;
    this.socket.destroy();
    return true;
  }

  /** Whether it has a buffer of its own. */
  get leases(): boolean {
    return this.#lease !== null;
  }

  /**
   * Gives the buffer back if the socket has fallen silent, also where it is armed; for a spent budget (see
   * `#armNow`).
   */
  yieldBuffer(): void {
    if (this.#lease !== null && this.#buffers.now - this.#largeReadAt > quietMs) this.giveBuffer();
  }

  /** What comes now is not worth a buffer: one that is there goes back with the present, or the next, read. */
  lendNoMore(): void {
    this.#mayLease = false;
  }

  /** What comes now is worth a buffer again. */
  lendAgain(): void {
    this.#mayLease = true;
  }

  /** Gives the buffer back, however busy the socket was. Not from a read. */
  giveBuffer(): void {
    if (this.#leaseArmed) this.#armNow(false);
    this.#lease?.giveBack();
    this.#lease = null;
  }

  /**
   * Leaves the socket, paused, to whoever reads its `'data'` events: what is read becomes such events. No buffer is
   * leased any more.
   */
  becomeStream(): void {
    const { socket } = this;
    lowerMarks(socket);
    this.lendNoMore();
    // Whoever reads from the handle next arms buffers of its own.
    this.giveBuffer();
    // Where it reads events already, they find their way.
    this.#sink = this.#handle && {
      read: (chunk, start, end) => {
        if (!socket.push(copyBytes(chunk, start, end))) this.#stopHandle();
      },
    };
    if (this.#handle === null) socket.removeAllListeners('data');
    this.keepAlive();
    this.#forgetHolds();
    this.#holdStream(0);
    this.#paused = false;
    this.socket.pause();
    this.#records?.release();
  }

  /** Gives the buffer back; call it when the socket has closed. */
  close(): void {
    this.#lease?.giveBack();
    this.#lease = null;
    this.#leaseArmed = false;
    this.#handle = null;
    this.#holdStream(0);
  }

  #stop(): void {
    this.#paused = true;
    if (this.#handle !== null) {
      if (!this.socket.destroyed) this.#stopHandle();
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
      this.#handle = handle;
      this.#readHandle(handle);
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

  /** Whoever had the handle before, and read from it so, reads no more. */
  #readHandle(handle: Handle): void {
    const nodes = handle[usual] ?? handle.onread;
    handle[usual] = nodes;
    this.#stopHandle();
    handle.useUserBuffer(this.#arm(false));
    // A function that is written behind `handle.onread =` would be made among the old objects (see cli/engine.ts).
    const onread = (bytes: unknown): Buffer | undefined => {
      const length = streamBaseState[kReadBytesOrError]!;
      if (length > 0) return this.#read(length);
      // Node would make an error with its stack for each connection that its peer resets.
      if (length < 0 && length !== endOfFile) this.socket.destroy(readError(length));
      else nodes.call(handle, bytes);
      return;
    };
    handle.onread = onread;
  }

  #startHandle(handle: Handle): void {
    if (handle.reading) return;
    handle.reading = true;
    if (handle.readStart() !== 0) this.socket.destroy();
  }

  #stopHandle(): void {
    const handle = this.#handle;
    if (handle === null || !handle.reading) return;
    handle.reading = false;
    handle.readStop();
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
      const end = Math.min(length, at + this.#maxReadBytes);
      this.#deliver(chunk, at, end, keeper);
      at = end;
    }
    keeper.unpin();
  }

  /** Takes what stands in the armed buffer, and returns another one to arm where that is to change. */
  #read(length: number): Buffer | undefined {
    this.#deliver(this.#armed, 0, length, this.#leaseArmed ? this.#lease : null);
    // A small read is the last one of its round.
    if (length >= promoteAt && !budget.spend(length)) this.#awaitRound();
    // Node forgets a pause in the same moment as the first resume.
    if (this.#paused && !this.socket.destroyed) this.#stopHandle();
    if (this.#lease === null) {
      if (length >= promoteAt && this.#mayLease && !this.socket.destroyed) this.#promote();
    } else if (this.#isQuiet(length) || this.#buffers.overlentBytes > 0 || !this.#mayLease) {
      this.#lease.giveBack();
      this.#lease = null;
    }
    // While a write still reads from the lease, its receiver is slow: what comes now is copied anyway.
    const leases = this.#lease !== null && !this.#lease.pinned;
    return leases === this.#leaseArmed ? undefined : this.#arm(leases);
  }

  #deliver(chunk: Buffer, start: number, end: number, keeper: Keeper | null): void {
    try {
      this.#sink?.read(chunk, start, end, keeper);
    } catch (error) {
      tellMistake(error);
      this.reset();
    }
  }

  /** Chooses what the next read goes into. */
  #arm(leases: boolean): Buffer {
    this.#leaseArmed = leases;
    const buffer = leases ? this.#lease!.buffer : this.#buffers.shared;
    this.#armed = buffer.length > this.#maxReadBytes ? buffer.subarray(0, this.#maxReadBytes) : buffer;
    return this.#armed;
  }

  /** Node arms another buffer only after a read. This goes past it, and a few bytes of Node's stay with the handle. */
  #armNow(leases: boolean): void {
    const before = this.#armed;
    const buffer = this.#arm(leases);
    if (buffer !== before && !this.socket.destroyed) this.#handle?.useUserBuffer(buffer);
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

function ignore(): void {}

/** One for each number: nobody changes it, and where it comes from says nothing. */
function readError(errno: number): Error {
  const known = readErrors.get(errno);
  if (known !== undefined) return known;
  const code = getSystemErrorName(errno);
  const error = Object.assign(new Error(`read ${code}`), { errno, code, syscall: 'read' });
  readErrors.set(errno, error);
  return error;
}

/** Unix sockets leave nothing behind in the kernel; everything else is reset. */
function resetNow(socket: Socket): void {
  const carrier = carrierOf(socket);
  if (carrier !== null) resetWhenClosed(carrier);
  try {
    socket.resetAndDestroy();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ERR_INVALID_HANDLE_TYPE') throw error;
    socket.destroy();
  }
}

/** The TCP handle below TLS, where `socket` is TLS and Node shows it. */
function carrierOf(socket: Socket): Carrier | null {
  const carrier = (socket as unknown as { _handle: { _parent?: Carrier } | null })._handle?._parent;
  return typeof carrier?.reset === 'function' ? carrier : null;
}

/**
 * Node resets TCP only, and destroying TLS leaves up to 4 MiB in the kernel: what closes the TCP below it resets it.
 */
function resetWhenClosed(carrier: Carrier): void {
  const { close } = carrier;
  carrier.close = (done) => {
    // A handle whose FIN is under way refuses.
    if (carrier.reset(done) !== 0) close.call(carrier, done);
  };
}
