/** A slow network: a TCP forwarder that takes a client's bytes at a given rate, by not reading. */
import { connect, createServer, type Server, type Socket } from 'node:net';

/** Grants are this often; each is the rate's share of the time that has passed. */
const tickMs = 20;
/** What may be saved up: enough for a tick that a busy machine delays, and no burst after a quiet time. */
const savedMs = 250;

/** Forwards to a loopback port; towards it at `bytesPerSecond` per connection, back at full speed. */
export class Throttle implements AsyncDisposable {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  private constructor(targetPort: number, bytesPerSecond: number) {
    this.#server = createServer((near) => {
      const far = connect(targetPort, '127.0.0.1');
      for (const [socket, other] of [
        [near, far],
        [far, near],
      ] as const) {
        this.#sockets.add(socket);
        socket.on('error', () => other.destroy());
        socket.on('close', () => this.#sockets.delete(socket));
      }
      far.pipe(near);
      this.#pour(near, far, bytesPerSecond / 1000);
    });
  }

  static async start(targetPort: number, bytesPerSecond: number): Promise<Throttle> {
    const throttle = new Throttle(targetPort, bytesPerSecond);
    await new Promise<void>((resolve) => throttle.#server.listen(0, '127.0.0.1', resolve));
    return throttle;
  }

  get port(): number {
    return (this.#server.address() as { port: number }).port;
  }

  #pour(from: Socket, to: Socket, bytesPerMs: number): void {
    let credit = 0;
    let grantedAt = performance.now();
    const timer = setInterval(() => {
      const now = performance.now();
      credit = Math.min(credit + bytesPerMs * (now - grantedAt), bytesPerMs * savedMs);
      grantedAt = now;
      if (credit > 0) from.resume();
    }, tickMs);
    from.pause();
    from.on('data', (data) => {
      to.write(data);
      credit -= data.length;
      if (credit <= 0) from.pause();
    });
    from.on('end', () => to.end());
    from.on('close', () => clearInterval(timer));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}
