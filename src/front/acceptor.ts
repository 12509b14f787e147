/** Accepts connections on the public port, and speaks TLS with them where it should. */
import { constants } from 'node:crypto';
import { createServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer, type TLSSocket, type Server as TlsServer } from 'node:tls';
import { bind } from '../bind.ts';
import type { ListenAddress } from '../config/types.ts';

/** A certificate with its chain and the key, both PEM. */
export interface Credentials {
  readonly cert: Buffer;
  readonly key: Buffer;
}

export interface AcceptorEvents {
  /** A connection has been accepted. */
  accepted(socket: Socket): void;
  /** TLS has come of a connection: this is another socket than before, with the same addresses. */
  secured(socket: TLSSocket): void;
  /** No TLS came of a connection; its socket goes. */
  failed(error: NodeJS.ErrnoException, socket: Socket): void;
}

/** Older versions are broken (RFC 8996). */
const minVersion = 'TLSv1.2';
/** A handshake costs us far more than the client that asks for another on the same connection, again and again. */
const secureOptions = constants.SSL_OP_NO_RENEGOTIATION;
/**
 * Whoever gets at the key later reads nothing of what was recorded before: TLS 1.3, and of TLS 1.2 the suites with ephemeral
 * keys and authenticated encryption (RFC 9325 §4.2).
 */
const ciphers = [
  'TLS_AES_256_GCM_SHA384',
  'TLS_CHACHA20_POLY1305_SHA256',
  'TLS_AES_128_GCM_SHA256',
  'ECDHE-ECDSA-AES128-GCM-SHA256',
  'ECDHE-RSA-AES128-GCM-SHA256',
  'ECDHE-ECDSA-AES256-GCM-SHA384',
  'ECDHE-RSA-AES256-GCM-SHA384',
  'ECDHE-ECDSA-CHACHA20-POLY1305',
  'ECDHE-RSA-CHACHA20-POLY1305',
].join(':');

export class Acceptor {
  readonly #server: Server;
  /** It never listens: connections are handed to it when they may begin with TLS. */
  readonly #tls: TlsServer;

  constructor(events: AcceptorEvents) {
    const options = { allowHalfOpen: true, noDelay: true };
    this.#server = createServer(options, (socket) => events.accepted(socket));
    // By ALPN there is HTTP/1.1 alone: an HTTP/2 stream is no socket, and browsers use it where it is offered.
    this.#tls = createTlsServer({ ...options, minVersion, ciphers, secureOptions, ALPNProtocols: ['http/1.1'] });
    this.#tls.on('secureConnection', (socket: TLSSocket) => events.secured(socket));
    this.#tls.on('tlsClientError', (error: Error, socket: TLSSocket) => {
      events.failed(error, socket);
      socket.destroy();
    });
  }

  /** Takes a certificate; connections that are open keep theirs. */
  secure({ cert, key }: Credentials): void {
    this.#tls.setSecureContext({ cert, key, minVersion, ciphers, secureOptions });
  }

  /** Speaks TLS with a connection that was accepted, paused; `read` is what was read from it. */
  speakTls(socket: Socket, read: Buffer): void {
    if (read.length > 0) socket.unshift(read);
    this.#tls.emit('connection', socket);
  }

  /** Listens; rejects with the system's error where it cannot. Returns the port, 0 for a unix socket. */
  listen(address: ListenAddress): Promise<number> {
    // A proxy before it runs as another user, in its group.
    return bind(this.#server, address, 'group');
  }

  /** Whether the port is open. */
  get listening(): boolean {
    return this.#server.listening;
  }

  /** Accepts no connection more. */
  stop(): void {
    if (this.#server.listening) this.#server.close();
  }
}
