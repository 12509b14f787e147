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
  /** A mistake of ours: opening has thrown. No attempt is left. */
  broke(error: unknown): void;
}

/** One address that is tried, and what its socket calls. */
interface Attempt {
  readonly address: Address;
  readonly socket: Socket;
  readonly connected: () => void;
  readonly failed: (error: NodeJS.ErrnoException) => void;
}

export class Race {
  readonly #open: OpenSocket;
  readonly #events: RaceEvents;
  readonly #addresses: readonly Address[];
  /** How many of them have been tried, or are not to be. */
  #tried = 0;
  #attempts: Attempt[] = [];
  readonly #errors: NodeJS.ErrnoException[] = [];
  #timer: NodeJS.Timeout | undefined;

  /** Begins with the first address, and there must be one. */
  constructor(addresses: readonly Address[], open: OpenSocket, events: RaceEvents) {
    this.#addresses = addresses;
    this.#open = open;
    this.#events = events;
  }

  start(): void {
    this.#next();
  }

  /** Ends every attempt; no event comes any more. */
  stop(): void {
    clearTimeout(this.#timer);
    this.#tried = this.#addresses.length;
    const attempts = this.#attempts;
    this.#attempts = [];
    for (const attempt of attempts) {
      leave(attempt);
      attempt.socket.destroy();
    }
  }

  /** How the attempts stand, in words. */
  describe(): string {
    const waiting = this.#attempts.map(({ address }) => `${address.address} does not answer`);
    return [...this.#errors.map(({ message }) => message), ...waiting].join('; ');
  }

  #next(): void {
    clearTimeout(this.#timer);
    const address = this.#addresses[this.#tried];
    if (address === undefined) {
      if (this.#attempts.length === 0) this.#events.failed(this.#errors);
      return;
    }
    this.#tried++;
    const socket = this.#tryOpening(address);
    if (socket === null) return;
    if (socket instanceof Error) {
      this.#errors.push(socket);
      this.#next();
      return;
    }
    const connected = () => {
      this.#forget(attempt);
      this.stop();
      this.#events.connected(socket);
    };
    const failed = (error: NodeJS.ErrnoException) => {
      this.#forget(attempt);
      this.#errors.push(error);
      this.#next();
    };
    const attempt = { address, socket, connected, failed };
    this.#attempts.push(attempt);
    // A socket that was destroyed may still emit an error, which means nothing any more.
    socket.on('error', ignore).on('connect', connected).on('error', failed);
    if (this.#tried < this.#addresses.length) this.#timer = setTimeout(() => this.#next(), attemptDelayMs);
  }

  /** `null` where that is over, because it has thrown. */
  #tryOpening(address: Address): Socket | NodeJS.ErrnoException | null {
    try {
      return this.#open(address);
    } catch (error) {
      this.stop();
      this.#events.broke(error);
      return null;
    }
  }

  #forget(attempt: Attempt): void {
    leave(attempt);
    this.#attempts = this.#attempts.filter((one) => one !== attempt);
  }
}

/** Listens to the socket no more. */
function leave({ socket, connected, failed }: Attempt): void {
  socket.off('connect', connected).off('error', failed);
}

function ignore(): void {}
