/** A network with a way to go: a TCP forwarder that delivers everything, ends too, some milliseconds later. */
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

/** Forwards to a loopback port; `await using` closes it with its connections. */
export class Distance implements AsyncDisposable {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  private constructor(targetPort: number, oneWayMs: number) {
    this.#server = createServer({ allowHalfOpen: true, noDelay: true }, (near) => {
      const far = connect({ port: targetPort, host: '127.0.0.1', allowHalfOpen: true, noDelay: true });
      this.#carry(near, far, oneWayMs);
      this.#carry(far, near, oneWayMs);
    });
  }

  static async start(targetPort: number, oneWayMs: number): Promise<Distance> {
    const distance = new Distance(targetPort, oneWayMs);
    await new Promise<void>((resolve) => distance.#server.listen(0, '127.0.0.1', resolve));
    return distance;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  #carry(from: Socket, to: Socket, ms: number): void {
    this.#sockets.add(from);
    from.on('data', (data) => setTimeout(() => to.write(data), ms));
    from.on('end', () => setTimeout(() => to.end(), ms));
    from.on('error', () => setTimeout(() => to.resetAndDestroy(), ms));
    from.on('close', () => this.#sockets.delete(from));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}
