/**
 * One connection that carries HTTP, on either side: who reads it, what is written to it, and both its ends. It belongs
 * to one owner at a time, and carries many requests.
 */

import type { Socket } from 'node:net';
import type { RoundBudget, RoundWaiter } from '../../relay/core/round-budget.ts';
import { type Keeper, owned } from '../../relay/memory/read-buffers.ts';
import { LegWriter } from '../../relay/transport/leg-writer.ts';
import { SocketTransport } from '../../relay/transport/socket-transport.ts';
import type { TransportListener } from '../../relay/transport/transport.ts';
import type { RelayMemory } from '../../relay/types.ts';

/** Who has the line now. */
export interface LineOwner {
  /** `keeper` is `null` where the bytes must be copied before they are written or kept. */
  read(chunk: Buffer, start: number, end: number, keeper: Keeper | null): void;
  /** The peer has taken bytes that waited. */
  drained(): void;
  /** The peer sent FIN. */
  ended(): void;
  /** The socket has closed. */
  gone(): void;
}

export class Line implements TransportListener, RoundWaiter {
  owner: LineOwner;
  readonly transport: SocketTransport;
  readonly writer: LegWriter;
  /** The peer's FIN is here. */
  finished = false;
  /** The socket has closed. */
  gone = false;
  /** What broke it. */
  error: Error | null = null;
  #paused = true;

  /**
   * Takes over a paused socket and what was read from it; `start` delivers that. `readsOn`: TLS too is read on behind a
   * write that failed.
   */
  constructor(socket: Socket, head: Buffer, memory: RelayMemory, owner: LineOwner, readsOn = false) {
    this.owner = owner;
    this.transport = new SocketTransport({ socket, head }, memory.buffers, readsOn);
    this.writer = new LegWriter(this.transport.output, false, memory.budget);
    this.socket.on('error', this.#onError);
  }

  readonly #onError = (error: Error) => {
    this.error = error;
  };

  get socket(): Socket {
    return this.transport.socket;
  }

  get paused(): boolean {
    return this.#paused;
  }

  // What the transport tells.

  read(chunk: Buffer, start: number, end: number, keeper: Keeper | null): void {
    this.owner.read(chunk, start, end, keeper);
  }

  accepted(): void {
    if (this.writer.accepted()) this.owner.drained();
  }

  ended(): void {
    this.finished = true;
    this.owner.ended();
  }

  closed(): void {
    this.gone = true;
    this.writer.abandon();
    this.owner.gone();
  }

  /** Delivers what was read before, and reads on. */
  start(): void {
    this.#paused = false;
    this.transport.begin(this);
    if (!this.#paused && !this.gone) this.transport.resume();
  }

  pause(): void {
    if (this.#paused) return;
    this.#paused = true;
    this.transport.pause();
  }

  resume(): void {
    if (!this.#paused || this.gone) return;
    this.#paused = false;
    this.transport.resume();
  }

  /** Stops reading until a round has room, if it would be read on. */
  awaitRound(budget: RoundBudget): void {
    if (this.transport.halt()) budget.wait(this);
  }

  onRound(): void {
    this.transport.carryOn();
  }

  /**
   * Writes bytes. Returns whether their buffer is free again: the kernel has taken them all, or they wait as a copy.
   */
  send(bytes: Buffer, start: number, end: number): boolean {
    const copies = this.writer.blocked;
    this.writer.append(bytes, start, end, owned);
    this.writer.flush();
    return copies || !this.writer.blocked;
  }

  /** Closes the connection. Nothing may wait for it any more. */
  destroy(): void {
    if (this.writer.blocked) this.reset();
    else this.socket.destroy();
  }

  /** Drops the connection and what waits for its peer, in the kernel too. */
  reset(): void {
    this.writer.abandon();
    this.transport.reset();
  }

  /** Gives the connection away, paused, with what has been read of it. */
  leave(head: Buffer): SocketTransport {
    this.pause();
    this.transport.handOver(head);
    this.socket.off('error', this.#onError);
    return this.transport;
  }

  /** Gives the socket away, paused, to an owner that listens to its `'data'`. */
  leaveStream(): Socket {
    this.transport.becomeStream();
    return this.socket;
  }
}
