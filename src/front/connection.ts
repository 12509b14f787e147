/**
 * One connection of the public port, from its acceptance until it is gone or becomes the relay's:
 *
 *   waiting ⇄ working ──► released (the relay has the socket)
 *      └─────────┴──────► gone
 *
 * A lane serves it: it says `wait` whenever nothing is under way, and `work` when a request's header is whole. A
 * waiting connection has a clock and may be ended to make room for another (see `waiting.ts`); a working one has
 * neither. A lane that meets what is not its business gives the connection to another: `lane.take(connection,
 * bytes)`, with the socket paused, without listeners of its own, and `bytes` everything that was read and not served,
 * from the first byte of a request on.
 */
import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import type { Peer } from '../admission/peer.ts';
import { noRoom } from './errors.ts';
import type { Waiter, Waiting, WaitingPlace } from './waiting.ts';

/** Who serves connections. */
export interface Lane {
  /** Serves a connection from these bytes on; they begin a request, or are none. */
  take(connection: Connection, bytes: Buffer): void;
}

/** What a connection waits for. It tells what the connection's end would cost. */
export type WaitFor =
  /** The first byte of TLS or of its first request, which may be on its way. */
  | 'request'
  /** The first byte of another request: nobody misses the connection, and a client asks again on a new one. */
  | 'another'
  /** The rest of a header. */
  | 'header'
  /** What a client has left to say behind our answer: the rest of a body, or its end. */
  | 'end';

/** What becomes of a connection. */
export interface ConnectionEvents {
  /** It has been ended for somebody else. */
  evicted(): void;
  /** It is over, or the relay's; told once. */
  over(): void;
}

export class Connection implements Waiter {
  place?: WaitingPlace;
  rosterPlace = -1;
  /** The peer's socket; a lane that wraps the descriptor anew puts the new one here. */
  socket: Socket;
  #peer: Peer;
  #group: string | null;
  /**
   * The rules that let it in may hold no longer: what is under way is the last that it gets. A request whose head is
   * whole later is none.
   */
  isLast = false;
  /** Somebody is asked whether its request may go on: meanwhile its end is looked for behind what it has sent. */
  isJudged = false;
  readonly #waiting: Waiting;
  #events: ConnectionEvents | null;
  #waitsFor: WaitFor | null = null;
  #onLate: (() => void) | null = null;

  constructor(socket: Socket, peer: Peer, group: string | null, waiting: Waiting, events: ConnectionEvents) {
    this.socket = socket;
    this.#peer = peer;
    this.#group = group;
    this.#waiting = waiting;
    this.#events = events;
  }

  get peer(): Peer {
    return this.#peer;
  }

  get group(): string | null {
    return this.#group;
  }

  /** The connection comes from another peer than it seemed to. It must not wait meanwhile. */
  identify(peer: Peer, group: string | null): void {
    this.#peer = peer;
    this.#group = group;
  }

  /** What it waits for; `null` while a request is under way. */
  get waitsFor(): WaitFor | null {
    return this.#waitsFor;
  }

  /** Whether nothing has been asked on it, or everything answered. */
  get isIdle(): boolean {
    return this.#waitsFor === 'request' || this.#waitsFor === 'another';
  }

  /**
   * Waits, because nothing is under way, for at most `ms` (0: without a clock). `onLate` is called then; without it the
   * socket is closed.
   */
  wait(waitFor: WaitFor, ms: number, onLate: (() => void) | null = null): void {
    this.#waitsFor = waitFor;
    this.#onLate = onLate;
    this.#waiting.add(this, ms);
  }

  /** A request is under way. */
  work(): void {
    this.#waitsFor = null;
    this.#onLate = null;
    this.#waiting.delete(this);
  }

  /** The socket has closed. If the relay had it, its session is over. */
  release(): void {
    this.work();
    this.#events?.over();
    this.#events = null;
  }

  late(): void {
    const onLate = this.#onLate;
    this.work();
    if (onLate === null) this.socket.destroy();
    else onLate();
  }

  evict(): void {
    this.#events?.evicted();
    // Its first request may be on its way. A client that has had an answer asks again on another connection.
    const asks = this.#waitsFor === 'request' || this.#waitsFor === 'header';
    if (asks && this.isReadable) this.socket.end(noRoom());
    this.drop();
  }

  /** Whether a client would take plain text for an answer: not before TLS has been agreed on. */
  get isReadable(): boolean {
    return !this.#peer.encrypted || this.socket instanceof TLSSocket;
  }

  /** Ends the connection at once. */
  drop(): void {
    this.work();
    this.socket.destroy();
  }
}
