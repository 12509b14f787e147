/**
 * One end of a connection that breaks when it is told to: after so many bytes that it sent, or got, in the way that it
 * is told. Until then it is an honest peer.
 */
import type { Socket } from 'node:net';

/**
 * `reset`: RST. `end`: FIN, and it goes on reading. `cut`: it closes, with TLS without a word. `delay`: it falls silent
 * and deaf, and goes on. `stall`: it falls silent and deaf, and goes in the end.
 */
export type FaultKind = 'reset' | 'end' | 'cut' | 'delay' | 'stall';
export const faultKinds: readonly FaultKind[] = ['reset', 'end', 'cut', 'delay', 'stall'];

export interface Fault {
  readonly kind: FaultKind;
  /** Whether bytes are counted that it sends, or that it gets. */
  readonly counts: 'sent' | 'got';
  readonly at: number;
  /** How long a stall lasts: longer than each of Sluice's clocks. */
  readonly stallMs: number;
}

const heardBytes = 120;
const delayMs = 60;

export class FaultySocket {
  readonly socket: Socket;
  /** Resolves when the socket is gone. */
  readonly gone: Promise<void>;
  /** Bytes that were sent since the fault was set. */
  sent = 0;
  #got = 0;
  #fault: Fault | null = null;
  #received: Buffer[] = [];
  #size = 0;
  #ended = false;
  /** The beginning of what came, for people. */
  heard = '';
  #mute = false;
  #finished = false;
  /** Below TLS: what a fault breaks. */
  readonly #wire: Socket;
  #wake: (() => void)[] = [];
  #resume: Promise<void> | null = null;
  #timers = new Set<NodeJS.Timeout>();

  constructor(socket: Socket, wire: Socket = socket) {
    this.socket = socket;
    this.#wire = wire;
    const notify = () => {
      for (const wake of this.#wake.splice(0)) wake();
    };
    socket.on('data', (chunk: Buffer) => {
      this.#received.push(chunk);
      this.#size += chunk.length;
      this.#got += chunk.length;
      if (this.heard.length < heardBytes) this.heard += chunk.toString('latin1', 0, heardBytes);
      if (this.#fault?.counts === 'got' && this.#got >= this.#fault.at) void this.#break();
      notify();
    });
    const end = () => {
      this.#ended = true;
      // A half-open TLS socket would stay.
      if (this.#finished) wire.destroySoon();
      notify();
    };
    socket.on('error', end).on('end', end);
    wire.on('error', end);
    this.gone = new Promise((resolve) => {
      socket.on('close', () => {
        for (const timer of this.#timers) clearTimeout(timer);
        // A TLS socket may go before the one below it.
        wire.destroy();
        end();
        resolve();
      });
    });
  }

  /** Says no more, and is gone when the other side says no more either. */
  finish(): void {
    this.#mute = true;
    this.#finished = true;
    if (this.#ended) this.#wire.destroySoon();
    else this.socket.end();
  }

  destroy(): void {
    this.#wire.destroy();
  }

  /** Sets what breaks it next; both counts begin anew. */
  set(fault: Fault | null): void {
    this.#fault = fault;
    this.sent = 0;
    this.#got = 0;
    if (fault?.at === 0) void this.#break();
  }

  /** Sends bytes, as many as the fault lets through. */
  async send(bytes: Buffer | string): Promise<void> {
    let left = typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes;
    while (left.length > 0) {
      await this.#resume;
      if (this.#mute || this.socket.destroyed || this.socket.writableEnded) return;
      const fault = this.#fault?.counts === 'sent' ? this.#fault : null;
      const now = left.subarray(0, fault === null ? left.length : fault.at - this.sent);
      await new Promise<void>((resolve) => {
        this.socket.write(now, () => resolve());
        void this.gone.then(resolve);
      });
      this.sent += now.length;
      left = left.subarray(now.length);
      if (fault !== null && this.sent >= fault.at && this.#fault === fault) await this.#break();
    }
  }

  /** Takes everything up to and with this text; `null` where the connection ends before. */
  async until(text: string): Promise<string | null> {
    for (;;) {
      const all = this.#all();
      const at = all.indexOf(text, 0, 'latin1');
      if (at >= 0) return this.#take(at + text.length).toString('latin1');
      if (this.#ended) return null;
      await this.#more();
    }
  }

  /** Takes so many bytes; `null` where the connection ends before. */
  async bytes(count: number): Promise<Buffer | null> {
    while (this.#size < count) {
      if (this.#ended) return null;
      await this.#more();
    }
    return this.#take(count);
  }

  /** What has come and was not taken. */
  get waiting(): Buffer {
    return this.#all();
  }

  /** Waits for more; `false` where the connection has ended. */
  async more(): Promise<boolean> {
    const before = this.#size;
    while (this.#size === before && !this.#ended) await this.#more();
    return this.#size !== before;
  }

  #more(): Promise<void> {
    return new Promise((resolve) => this.#wake.push(resolve));
  }

  #all(): Buffer {
    if (this.#received.length > 1) this.#received = [Buffer.concat(this.#received)];
    return this.#received[0] ?? Buffer.alloc(0);
  }

  #take(count: number): Buffer {
    const all = this.#all();
    this.#received = [all.subarray(count)];
    this.#size -= count;
    return all.subarray(0, count);
  }

  async #break(): Promise<void> {
    const { kind, stallMs } = this.#fault!;
    this.#fault = null;
    const { socket } = this;
    if (kind === 'delay') {
      socket.pause();
      this.#resume = this.#wait(delayMs);
      await this.#resume;
      this.#resume = null;
      socket.resume();
      return;
    }
    this.#mute = true;
    if (kind === 'reset') this.#wire.resetAndDestroy();
    else if (kind === 'cut') this.#wire.destroy();
    else if (kind === 'end') socket.end();
    else {
      socket.pause();
      await this.#wait(stallMs);
      this.#wire.destroy();
    }
  }

  #wait(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => {
        this.#timers.delete(timer);
        resolve();
      }, ms);
      this.#timers.add(timer);
      void this.gone.then(resolve);
    });
  }
}
