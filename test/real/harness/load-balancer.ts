/** What stands between browsers and Sluice in a cluster: forwards TCP to the current target, and cuts what is idle. */

import type { AddressInfo } from 'node:net';
import { connect, createServer, type Server, type Socket } from 'node:net';

/** A TCP load balancer on a free loopback port; `await using` closes it with its connections. */
export class LoadBalancer {
  readonly url: string;
  /** Connections cut because no byte passed for `idleMs`. */
  cut = 0;
  /** The port that new connections go to. */
  target: number;
  /** Where they go, one after another. */
  hosts: readonly string[] = ['127.0.0.1'];
  #turn = 0;
  readonly #server: Server;
  readonly #sockets: Set<Socket>;

  private constructor(server: Server, target: number, sockets: Set<Socket>) {
    this.#server = server;
    this.target = target;
    this.#sockets = sockets;
    this.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  static async start(target: number, idleMs = 0): Promise<LoadBalancer> {
    const sockets = new Set<Socket>();
    const server = createServer({ allowHalfOpen: true });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const balancer = new LoadBalancer(server, target, sockets);
    server.on('connection', (client) => balancer.#forward(client, idleMs));
    return balancer;
  }

  #forward(client: Socket, idleMs: number): void {
    const host = this.hosts[this.#turn++ % this.hosts.length]!;
    const upstream = connect({ port: this.target, host, allowHalfOpen: true });
    const pair = [client, upstream];
    for (const socket of pair) {
      this.#sockets.add(socket);
      socket.on('error', () => {
        for (const each of pair) each.resetAndDestroy();
      });
      socket.on('close', () => this.#sockets.delete(socket));
    }
    if (idleMs > 0) {
      const clock = setTimeout(() => {
        this.cut++;
        for (const each of pair) each.resetAndDestroy();
      }, idleMs);
      for (const socket of pair) {
        socket.on('data', () => clock.refresh());
        socket.on('close', () => clearTimeout(clock));
      }
    }
    client.pipe(upstream);
    upstream.pipe(client);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }
}
