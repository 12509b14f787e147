/**
 * Races the addresses of one name (RFC 8305 §5). The next attempt begins 250 ms after the one before, or at once when
 * one fails. Every attempt goes on until one connects, which ends the others.
 */
import type { Socket } from 'node:net';
import type { Address } from './addresses.ts';

/** RFC 8305 §8, "Connection Attempt Delay". */
const attemptDelayMs = 250;

/** Begins to connect to an address, or says why that cannot even be begun. */
export type OpenSocket = (address: Address) => Socket | NodeJS.ErrnoException;

export interface RaceEvents {
  /** The only socket that is left. TCP is connected, and nobody listens to the socket any more. */
  connected(socket: Socket): void;
  /** Every address has failed. */
  failed(errors: readonly NodeJS.ErrnoException[]): void;
}

export class Race {
  readonly #open: OpenSocket;
  readonly #events: RaceEvents;
  readonly #untried: Address[];
  readonly #attempts = new Map<Socket, { readonly address: Address; readonly off: () => void }>();
  readonly #errors: NodeJS.ErrnoException[] = [];
  #timer: NodeJS.Timeout | undefined;

  /** Begins with the first address, and there must be one. */
  constructor(addresses: readonly Address[], open: OpenSocket, events: RaceEvents) {
    this.#untried = [...addresses];
    this.#open = open;
    this.#events = events;
  }

  start(): void {
    this.#next();
  }

  /** Ends every attempt; no event comes any more. */
  stop(): void {
    clearTimeout(this.#timer);
    this.#untried.length = 0;
    for (const [socket, { off }] of this.#attempts) {
      off();
      socket.destroy();
    }
    this.#attempts.clear();
  }

  /** How the attempts stand, in words. */
  describe(): string {
    const waiting = [...this.#attempts.values()].map(({ address }) => `${address.address} does not answer`);
    return [...this.#errors.map(({ message }) => message), ...waiting].join('; ');
  }

  #next(): void {
    clearTimeout(this.#timer);
    const address = this.#untried.shift();
    if (address === undefined) {
      if (this.#attempts.size === 0) this.#events.failed(this.#errors);
      return;
    }
    const socket = this.#open(address);
    if (socket instanceof Error) {
      this.#errors.push(socket);
      this.#next();
      return;
    }
    const connected = () => {
      off();
      this.#attempts.delete(socket);
      this.stop();
      this.#events.connected(socket);
    };
    const failed = (error: NodeJS.ErrnoException) => {
      off();
      this.#attempts.delete(socket);
      this.#errors.push(error);
      this.#next();
    };
    const off = () => socket.off('connect', connected).off('error', failed);
    this.#attempts.set(socket, { address, off });
    // A socket that was destroyed may still emit an error, which means nothing any more.
    socket.on('error', ignore).once('connect', connected).once('error', failed);
    if (this.#untried.length > 0) this.#timer = setTimeout(() => this.#next(), attemptDelayMs);
  }
}

function ignore(): void {}
