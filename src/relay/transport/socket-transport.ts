/** A socket as a transport: TCP, a unix socket, or TLS. */
import type { Socket } from 'node:net';
import { tellMistake } from '../../mistakes.ts';
import type { KernelQueue } from '../core/stall.ts';
import type { ReadBuffers } from '../memory/read-buffers.ts';
import { kernelQueue } from './kernel-queue.ts';
import { type Output, outputOf } from './output.ts';
import { type LegInput, SocketReader } from './socket-reader.ts';
import type { Transport, TransportListener } from './transport.ts';

export class SocketTransport implements Transport {
  /** The socket to write to and to listen on. */
  readonly socket: Socket;
  readonly output: Output;
  readonly #reader: SocketReader;
  #listener: TransportListener | null = null;
  /** The peer has sent FIN, whoever has heard of it. */
  #ended: boolean;
  #closed = false;

  /** Takes the socket over, paused. `readsOn`: TLS too is read on behind a write that failed. */
  constructor(input: LegInput, buffers: ReadBuffers, readsOn = false) {
    this.#reader = new SocketReader(input, buffers);
    this.socket = this.#reader.socket;
    this.output = outputOf(this.socket, () => this.#notify('accepted'), readsOn);
    this.#ended = this.socket.readableEnded;
    this.socket.on('end', () => {
      this.#ended = true;
      if (this.#listener !== null) this.#tellEnd();
    });
    this.socket.on('close', () => this.#onClose());
  }

  begin(listener: TransportListener): void {
    this.#listener = listener;
    // Whoever had it before may have heard of its end; this one has not.
    if (this.#ended) this.#tellEnd();
    // What was read before counts, whatever has become of the socket since.
    this.#reader.start(listener);
    if (!this.socket.destroyed) return;
    this.#closed = false;
    setImmediate(() => this.#onClose());
  }

  /** Whether it has a read buffer of its own. */
  get leases(): boolean {
    return this.#reader.leases;
  }

  /** Gives its read buffer back. Not from a read. */
  giveBuffer(): void {
    this.#reader.giveBuffer();
  }

  /** What is read from now on is thrown away or copied, and not worth a buffer. */
  lendNoMore(): void {
    this.#reader.lendNoMore();
  }

  /** What is read from now on is passed on again. */
  lendAgain(): void {
    this.#reader.lendAgain();
  }

  /** Leaves it, paused, to another listener, who gets these bytes first. */
  handOver(early: Buffer): void {
    this.#listener = null;
    this.#reader.pause();
    this.#reader.keep(early);
  }

  /** Leaves the socket, paused, to whoever listens to its `'data'`. */
  becomeStream(): void {
    this.output.release?.();
    this.#reader.becomeStream();
  }

  get maxReadBytes(): number {
    return this.#reader.maxReadBytes;
  }

  set maxReadBytes(bytes: number) {
    this.#reader.maxReadBytes = bytes;
  }

  pause(): void {
    this.#reader.pause();
  }

  resume(): void {
    this.#reader.resume();
  }

  halt(): boolean {
    return this.#reader.halt();
  }

  carryOn(): void {
    this.#reader.carryOn();
  }

  last(): void {
    this.#reader.keepAlive();
  }

  yieldBuffer(): void {
    this.#reader.yieldBuffer();
  }

  reset(): void {
    this.#reader.reset();
  }

  hangUp(): boolean {
    return this.#reader.hangUp();
  }

  kernelQueue(now: number): KernelQueue {
    return kernelQueue(this.socket, now);
  }

  #tellEnd(): void {
    this.#reader.tellEnd(() => {
      if (!this.#closed) this.#notify('ended');
    });
  }

  /** The listener goes on hearing of writes: one that was under way gives its buffer back only now. */
  #onClose(): void {
    if (this.#closed || this.#listener === null) return;
    this.#closed = true;
    this.#reader.close();
    this.#notify('closed');
  }

  #notify(what: 'accepted' | 'ended' | 'closed'): void {
    try {
      this.#listener?.[what]();
    } catch (error) {
      tellMistake(error);
      this.reset();
    }
  }
}
