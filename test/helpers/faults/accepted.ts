/**
 * Which connections a server of this process has accepted: a client that resets before it is accepted is nobody, and
 * nothing counts it. A server accepts one connection in each turn of its loop.
 */
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { Socket } from 'node:net';

export class Accepted {
  readonly #port: number;
  /** Ports of clients that were accepted, and of those who wait for it. */
  readonly #accepted = new Set<number>();
  readonly #waiting = new Map<number, () => void>();

  /** Of the server at a port; it looks on until it is disposed of. */
  constructor(port: number) {
    this.#port = port;
    subscribe('net.server.socket', this.#note);
  }

  /** Resolves when the server has accepted a client. */
  async of({ localPort }: Socket): Promise<void> {
    if (this.#accepted.delete(localPort!)) return;
    await new Promise<void>((resolve) => this.#waiting.set(localPort!, resolve));
  }

  [Symbol.dispose](): void {
    unsubscribe('net.server.socket', this.#note);
  }

  readonly #note = (message: unknown) => {
    const { localPort, remotePort } = (message as { readonly socket: Socket }).socket;
    if (localPort !== this.#port) return;
    const wake = this.#waiting.get(remotePort!);
    if (wake === undefined) this.#accepted.add(remotePort!);
    else {
      this.#waiting.delete(remotePort!);
      wake();
    }
  };
}
