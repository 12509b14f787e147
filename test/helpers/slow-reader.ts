/**
 * A client that reads slowly, and time that passes no faster than Sluice learns what the kernel has delivered to it.
 */
import { expect } from 'vitest';
import type { ManualClock } from './clock.ts';
import { type Relay, socketOf } from './relay.ts';
import { unacknowledged } from './sockets.ts';
import { until } from './until.ts';

export class SlowReader {
  readonly #relay: Relay;
  readonly #taken: Buffer[] = [];
  #takenBytes = 0;

  /** From now on its client reads nothing but what it is told to. */
  constructor(relay: Relay) {
    this.#relay = relay;
    relay.client.socket.removeAllListeners('data');
    relay.client.socket.pause();
  }

  /** What the kernel has and the client's has not taken, in bytes. */
  get owedBytes(): number {
    return unacknowledged(socketOf(this.#relay.session.client));
  }

  /** Reads until the client's kernel has taken more than before. */
  async takeSome(): Promise<void> {
    for (const before = this.#deliveredBytes; this.#deliveredBytes <= before; ) await this.#read();
  }

  /** Everything from the beginning on, which is so long. */
  async takeAll(bytes: number): Promise<Buffer> {
    while (this.#takenBytes < bytes) await this.#read();
    return Buffer.concat(this.#taken);
  }

  get #deliveredBytes(): number {
    return this.#relay.session.client.writer.handedBytes - this.owedBytes;
  }

  /** Reads what is there, or lets more come. */
  async #read(): Promise<void> {
    const { socket } = this.#relay.client;
    expect(socket.destroyed, `cut behind ${this.#takenBytes} bytes`).toBe(false);
    const bytes: Buffer | null = socket.read();
    this.#taken.push(bytes ?? Buffer.alloc(0));
    this.#takenBytes += bytes?.length ?? 0;
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/** Lets time pass for a relay. What Sluice asks of the kernel about its client is answered before more of it does. */
export function timeOf(clock: ManualClock, { session }: Relay): (ms: number) => Promise<void> {
  const { source } = session.client;
  const ask = source.kernelQueue.bind(source);
  let isAsked = false;
  source.kernelQueue = (now) => {
    const queue = ask(now);
    isAsked = queue === 'pending';
    return queue;
  };
  return async (ms) => {
    for (const end = clock.now() + ms; clock.now() < end; ) {
      clock.advance(Math.min(250, end - clock.now()));
      if (isAsked) await until(() => ask(clock.now()) !== 'pending');
    }
  };
}
