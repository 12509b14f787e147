/** Node's server of the public port, with or without TLS. */
import { createServer, type IncomingMessage, type Server } from 'node:http';
import { createServer as createTlsServer, type Server as TlsServer } from 'node:https';
import { maxHeaderBytes } from './arrival.ts';

/** A certificate with its chain and the key, both PEM. */
export interface Credentials {
  readonly cert: Buffer;
  readonly key: Buffer;
}

export interface ServerOptions {
  /** Whether it speaks TLS; then nobody gets in before `secure`. */
  readonly tls: boolean;
  /** Time for a request's headers, and for the TLS handshake before them; 0 is off. */
  readonly headersMs: number;
  /** Whether a request that asks for another protocol gets an `'upgrade'` event. */
  readonly upgrades: (req: IncomingMessage) => boolean;
}

/** Load balancers keep idle connections for up to 60 s; whoever closes first must be the one that is not sending. */
const keepAliveTimeout = 75_000;
/** How often Node looks for requests whose headers take too long. */
const connectionsCheckingInterval = 1000;
/** Older versions are broken (RFC 8996). */
const minVersion = 'TLSv1.2';

/** Makes the server; it does not listen yet. */
export function createFrontServer({ tls, headersMs, upgrades }: ServerOptions): Server {
  const options = {
    maxHeaderSize: maxHeaderBytes,
    headersTimeout: headersMs,
    // Uploads and long polls take as long as they take; only inactivity ends them.
    requestTimeout: 0,
    keepAliveTimeout,
    connectionsCheckingInterval: Math.min(connectionsCheckingInterval, headersMs || connectionsCheckingInterval),
    // Checked in `readArrival`, where it is counted and logged.
    requireHostHeader: false,
    shouldUpgradeCallback: upgrades,
  };
  // By ALPN Node's server takes HTTP/1.1 alone: an HTTP/2 stream is no socket, and browsers use it where it is offered.
  const handshake = headersMs === 0 ? {} : { handshakeTimeout: headersMs };
  const server = tls ? createTlsServer({ ...options, ...handshake, minVersion }) : createServer(options);
  // Bounded by the size of the block; Node would cut the list off without a word.
  server.maxHeadersCount = 0;
  return server;
}

/** Gives a TLS server its certificate; connections that are open keep theirs. */
export function secure(server: Server, { cert, key }: Credentials): void {
  (server as TlsServer).setSecureContext({ cert, key, minVersion });
}
