/** Accepts connections on the public port, and speaks TLS with them where it should. */
import { createServer, type Server, type Socket } from 'node:net';
import {
  createSecureContext,
  createServer as createTlsServer,
  type SecureContextOptions,
  type TLSSocket,
  type Server as TlsServer,
} from 'node:tls';
import type { Refused } from '../admission/verdict.ts';
import { bind, type SocketAccess } from '../bind.ts';
import type { ListenAddress, TlsTerms } from '../config/types.ts';
import { serverTls } from '../server-tls.ts';
import { judgeClientCertificate } from './broken-request.ts';
import { type NamedPairs, namedContexts } from './named-contexts.ts';

/** What connections are secured by. */
export interface Credentials extends NamedPairs {
  /** The authorities of clients and what they have revoked, PEM each; `null` asks for no certificate. */
  readonly clients: {
    readonly authorities: readonly string[];
    readonly revoked: readonly string[];
    readonly isRequired: boolean;
  } | null;
}

export interface AcceptorEvents {
  /** A connection has been accepted. */
  accepted(socket: Socket): void;
  /**
   * TLS has been agreed on: `socket` is another one than before, with the same addresses. `refused` says why its client
   * may not come in; `null` lets it in.
   */
  secured(socket: TLSSocket, refused: Refused | null): void;
  /** No TLS came of a connection; its socket goes. */
  failed(error: NodeJS.ErrnoException, socket: TLSSocket): void;
}

const socketOptions = { allowHalfOpen: true, noDelay: true };

export class Acceptor {
  readonly #server: Server;
  readonly #events: AcceptorEvents;
  readonly #terms: TlsTerms;
  /** It never listens: connections are handed to it when they may begin with TLS. */
  #tls: TlsServer | null = null;

  constructor(events: AcceptorEvents, terms: TlsTerms = {}) {
    this.#events = events;
    this.#terms = terms;
    this.#server = createServer(socketOptions, (socket) => events.accepted(socket));
  }

  /** Takes certificates. Open connections keep theirs, and handshakes under way keep those that they began with. */
  secure(credentials: Credentials): void {
    const { cert, key, clients } = credentials;
    const common = { ...optionsOf(credentials), ...this.#terms };
    const contextFor = namedContexts(credentials, (pair) => createSecureContext({ ...common, ...pair }));
    this.#tls = createTlsServer({
      ...socketOptions,
      ...common,
      cert,
      key,
      requestCert: clients !== null,
      // We judge when TLS has been agreed on. Node would end the connection without a word, and its client would stay
      // unknown.
      rejectUnauthorized: false,
      SNICallback: (name, found) => found(null, contextFor(name)),
      // ALPN offers HTTP/1.1 alone. Browsers use HTTP/2 if it is offered, and an HTTP/2 stream is no socket.
      ALPNProtocols: ['http/1.1'],
    });
    this.#tls.on('secureConnection', (socket: TLSSocket) => {
      socket.allowHalfOpen = true;
      const refused = clients === null ? null : judgeClientCertificate(socket, clients.isRequired);
      this.#events.secured(socket, refused);
    });
    this.#tls.on('tlsClientError', (error: Error, socket: TLSSocket) => {
      this.#events.failed(error, socket);
      socket.destroy();
    });
  }

  /** Speaks TLS with a connection that was accepted, paused; `read` is what was read from it. */
  speakTls(socket: Socket, read: Buffer): void {
    if (read.length > 0) socket.unshift(read);
    // Whoever ends before TLS is agreed on leaves. Node's TLS takes this over from the socket.
    socket.allowHalfOpen = false;
    this.#tls!.emit('connection', socket);
  }

  /** Listens; rejects with the system's error where it cannot. Returns the port, 0 for a unix socket. */
  listen(address: ListenAddress, access: SocketAccess): Promise<number> {
    return bind(this.#server, address, access);
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

function optionsOf({ clients }: Credentials): SecureContextOptions {
  if (clients === null) return serverTls(false);
  return {
    ...serverTls(true),
    ca: [...clients.authorities],
    crl: [...clients.revoked],
    // Every certificate in the file is trusted, also one that is no root.
    allowPartialTrustChain: true,
  };
}
