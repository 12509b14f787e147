/** Lines to upstreams: one for each connection of a pool, for as long as that lives. */
import type { Socket } from 'node:net';
import type { RelayMemory } from '../../relay/types.ts';
import type { PoolLease } from '../../upstream/pool.ts';
import { Line, type LineOwner } from './line.ts';
import type { RestingLines } from './resting-lines.ts';

const nothing = Buffer.alloc(0);

/**
 * The owner of a line that rests. Nobody has asked anything, so whatever comes is no answer, and ends the connection.
 */
class Resting implements LineOwner {
  readonly #socket: () => Socket;

  constructor(socket: () => Socket) {
    this.#socket = socket;
  }

  read(): void {
    this.#socket().destroy();
  }

  drained(): void {}
  ended(): void {}
  gone(): void {}
}

/** The owner of a line that is closed. */
const nobody: LineOwner = { read() {}, drained() {}, ended() {}, gone() {} };

/** The line of a connection that is lent. Its owner gives it back or discards it, once. */
export class UpstreamLine extends Line {
  #lease: PoolLease;

  constructor(lease: PoolLease, memory: RelayMemory, owner: LineOwner) {
    // An answer may lie behind a body that nobody takes any more.
    super(lease.socket, nothing, memory, owner, true);
    this.#lease = lease;
  }

  /** The upstream may be closing it in this moment: it has carried requests before. */
  get reused(): boolean {
    return this.#lease.reused;
  }

  /** Lends it to the next owner. */
  lend(lease: PoolLease, owner: LineOwner): void {
    this.#lease = lease;
    this.owner = owner;
    this.resume();
  }

  /** Gives the connection back to its pool. Everything on it is read and written. */
  giveBack(): void {
    this.owner = new Resting(() => this.socket);
    this.resume();
    this.#lease.giveBack(this.socket);
  }

  /** Closes the connection, or resets it, and tells nobody of its end: its owner may have another one by then. */
  discard(resets = false): void {
    this.owner = nobody;
    if (resets) this.reset();
    else this.destroy();
    this.#lease.discard(this.socket);
  }
}

/** The line of a socket that has one; the socket keeps it. */
const lineOf = Symbol('line');

interface Lined extends Socket {
  [lineOf]?: UpstreamLine;
}

export class UpstreamLines {
  readonly #memory: RelayMemory;
  readonly #resting: RestingLines;

  constructor(memory: RelayMemory, resting: RestingLines) {
    this.#memory = memory;
    this.#resting = resting;
  }

  /** Returns the line of a connection that was lent, for its new owner. The line is being read. */
  take(lease: PoolLease, owner: LineOwner): UpstreamLine {
    const known = (lease.socket as Lined)[lineOf];
    if (known !== undefined) {
      known.lend(lease, owner);
      return known;
    }
    const line = new UpstreamLine(lease, this.#memory, owner);
    (line.socket as Lined)[lineOf] = line;
    line.start();
    return line;
  }

  /** Gives back a connection on which everything is read and written. */
  giveBack(line: UpstreamLine): void {
    this.#resting.add(line);
    line.giveBack();
  }
}
