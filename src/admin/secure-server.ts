/**
 * TLS for a port of Sluice's own. Handshakes under way have a bound, as connections have: a client that opens many and
 * says nothing gives way to the next one.
 */
import { createServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer, type TlsOptions } from 'node:tls';
import { serverTls } from '../server-tls.ts';
import { placesOfGreatest } from './share.ts';

/** As many as there may be connections. */
const most = 100;
const socketOptions = { allowHalfOpen: true, noDelay: true };

/** Connections in the middle of their TLS handshake. */
export class Handshakes {
  readonly #open = new Set<Socket>();

  began(socket: Socket): void {
    if (this.#open.size >= most) {
      const victim = placesOfGreatest(this.#open)[0]!;
      this.#open.delete(victim);
      victim.destroy();
    }
    this.#open.add(socket);
    socket.once('close', () => this.#open.delete(socket));
  }

  /** The handshake of the connection with these ends is over. On a unix socket all look the same, and any will do. */
  ended({ remoteAddress, remotePort }: Socket): void {
    for (const socket of this.#open) {
      if (socket.remotePort !== remotePort || socket.remoteAddress !== remoteAddress) continue;
      this.#open.delete(socket);
      return;
    }
  }

  closeAll(): void {
    for (const socket of this.#open) socket.destroy();
  }
}

/** A server that listens itself, and calls `accept` with each connection whose TLS handshake is over. */
export function createSecureServer(tls: TlsOptions, handshakes: Handshakes, accept: (socket: Socket) => void): Server {
  const options = { ...socketOptions, ...serverTls(tls.requestCert ?? false), ...tls };
  const secure = createTlsServer(options, (socket) => {
    handshakes.ended(socket);
    socket.allowHalfOpen = true;
    accept(socket);
  });
  secure.on('tlsClientError', (_error, socket) => socket.destroy());
  return createServer(socketOptions, (socket) => {
    handshakes.began(socket);
    // Whoever ends before TLS is agreed on leaves. Node's TLS takes this over from the socket.
    socket.allowHalfOpen = false;
    secure.emit('connection', socket);
  });
}
