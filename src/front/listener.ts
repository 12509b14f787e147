/** The public port: an HTTP server whose WebSocket handshakes become tunnels and whose other requests are forwarded. */
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { MemoryState } from '../admission/memory.ts';
import { plainAddress } from '../admission/trusted-proxies.ts';
import { UntrustedPeers } from '../admission/untrusted-peers.ts';
import type { Refused } from '../admission/verdict.ts';
import { bind } from '../bind.ts';
import type { ListenAddress } from '../config/types.ts';
import { asksForWebSocket, validateHandshake } from '../handshake/validate.ts';
import type { Forwarder } from '../http/forwarder.ts';
import type { Log } from '../log.ts';
import type { SessionInit } from '../relay/types.ts';
import type { Rejection } from '../report.ts';
import { type Arrival, readArrival } from './arrival.ts';
import { judgeBrokenRequest, judgeTlsFailure } from './broken-request.ts';
import { Descriptors } from './descriptors.ts';
import type { Edge } from './edge.ts';
import { type RefusalContext, recordRefusal, refuseOnResponse, refuseOnSocket } from './refusals.ts';
import { type Credentials, createFrontServer, secure } from './server.ts';
import { Tunnel } from './tunnel.ts';

/** What the listener works with. */
export interface ListenerParts {
  /** The configuration in force. */
  readonly edge: () => Edge;
  /** Whether it speaks TLS. */
  readonly tls: boolean;
  readonly forwarder: Forwarder;
  readonly log: Log;
  /** What the relay's buffers hold. */
  readonly memory: MemoryState;
  /** Takes both sockets of a finished handshake over. */
  readonly open: (init: SessionInit) => void;
  /** Hears of requests that a limit of their route turns away. */
  readonly rejected: (rejection: Rejection) => void;
}

export class Listener {
  readonly #parts: ListenerParts;
  readonly #server: Server;
  readonly #tunnels = new Set<Tunnel>();
  /** Responses under way on each connection: more than one where a client pipelines. */
  readonly #responses = new WeakMap<Duplex, Set<ServerResponse>>();
  readonly #untrustedPeers = new UntrustedPeers();
  readonly #descriptors: Descriptors;
  #endsKeepAlive = false;
  #refusing = false;

  constructor(parts: ListenerParts) {
    this.#parts = parts;
    this.#descriptors = new Descriptors(parts.log);
    this.#server = createFrontServer({
      tls: parts.tls,
      headersMs: parts.edge().headersMs,
      // A handshake behind another request could be answered only after that; and a tunnel never shares its connection.
      upgrades: (req) => asksForWebSocket(req.rawHeaders) && !this.#responses.get(req.socket)?.size,
    });
    this.#server
      .on('connection', (socket) => {
        if (!this.#descriptors.admit()) socket.destroy();
      })
      .on('request', (req, res) => this.#onRequest(req, res))
      .on('checkContinue', (req, res) => this.#onRequest(req, res))
      .on('upgrade', (req, socket, head) => this.#onUpgrade(req, socket as Socket, head))
      .on('connect', (req, socket) => this.#onConnect(req, socket as Socket))
      .on('clientError', (error, socket) => this.#onClientError(error, socket as Socket))
      .on('tlsClientError', (error: Error, socket: Socket) => this.#onTlsFailure(error, socket));
  }

  /** Handshakes that are not over. */
  get handshakes(): number {
    return this.#tunnels.size;
  }

  /** Whether the process may open one more connection to an upstream beside those that are begun. */
  admitsDial(begun: number): boolean {
    return this.#descriptors.admitDial(begun);
  }

  /** Takes over from a new edge what the server itself must know. */
  reconfigure(): void {
    this.#server.headersTimeout = this.#parts.edge().headersMs;
  }

  /** Takes another certificate, where it speaks TLS; connections that are open keep theirs. */
  secure(credentials: Credentials): void {
    secure(this.#server, credentials);
  }

  /** Listens; rejects with the system's error where it cannot. Returns the port, 0 for a unix socket. */
  listen(address: ListenAddress): Promise<number> {
    return bind(this.#server, address);
  }

  /** From now on an answer closes its connection, so that clients and proxies open the next one elsewhere. */
  endKeepAlive(): void {
    this.#endsKeepAlive = true;
  }

  /** Refuses new handshakes; goes on forwarding requests, which open pages still need. */
  refuseHandshakes(): void {
    this.#refusing = true;
  }

  /** Accepts no connection more, and lets requests under way end. */
  stopAccepting(): void {
    this.#refusing = true;
    this.#endsKeepAlive = true;
    if (this.#server.listening) this.#server.close();
    this.#server.closeIdleConnections();
  }

  /** Drops every connection that has not become a tunnel. */
  async close(): Promise<void> {
    this.stopAccepting();
    const over = [...this.#tunnels].map((tunnel) => tunnel.done);
    for (const tunnel of this.#tunnels) tunnel.cancel();
    this.#server.closeAllConnections();
    await Promise.all(over);
    this.#descriptors.close();
  }

  #onRequest(req: IncomingMessage, res: ServerResponse): void {
    const responses = this.#responses.get(req.socket) ?? new Set();
    this.#responses.set(req.socket, responses.add(res));
    if (this.#endsKeepAlive) res.shouldKeepAlive = false;
    res.once('close', () => {
      responses.delete(res);
      if (!this.#server.listening) this.#server.closeIdleConnections();
    });
    const arrival = this.#read(req);
    if ('refused' in arrival) {
      refuseOnResponse(res, this.#contextOf(req, arrival), arrival.refused);
    } else if (asksForWebSocket(req.rawHeaders)) {
      const invalid = validateHandshake({ method: req.method!, httpVersion: req.httpVersion, headers: req.rawHeaders });
      const pipelined = { outcome: 'bad_request', detail: 'it came before the answer to an earlier request' } as const;
      refuseOnResponse(res, this.#contextOf(req, arrival), 'outcome' in invalid ? invalid : pipelined);
    } else {
      const { route, target, origination } = arrival;
      req.url = target.target;
      this.#parts.forwarder.forward(req, res, route, origination);
    }
  }

  #onUpgrade(req: IncomingMessage, socket: Socket, head: Buffer): void {
    socket.on('error', () => {});
    const arrival = this.#read(req);
    const refused: Refused | null =
      'refused' in arrival ? arrival.refused : this.#refusing ? { outcome: 'draining', detail: '' } : null;
    if ('refused' in arrival || refused !== null) {
      refuseOnSocket(socket, req.headers.accept, this.#contextOf(req, arrival), refused!);
      return;
    }
    const tunnel = new Tunnel({
      arrival,
      method: req.method!,
      httpVersion: req.httpVersion,
      headers: req.rawHeaders,
      socket,
      head,
      log: this.#parts.log,
      memory: this.#parts.memory,
      draining: () => this.#refusing,
      open: this.#parts.open,
      rejected: this.#parts.rejected,
    });
    this.#tunnels.add(tunnel);
    tunnel.done
      .catch((error) => {
        // A bug in one handshake must not end the connections of others.
        this.#parts.log.error({ event: 'handshake_bug', err: error }, 'a handshake failed for a reason of our own');
        socket.destroy();
      })
      .finally(() => this.#tunnels.delete(tunnel));
  }

  /** CONNECT asks a proxy for a tunnel to anywhere; there is none here. */
  #onConnect(req: IncomingMessage, socket: Socket): void {
    socket.on('error', () => {});
    refuseOnSocket(socket, req.headers.accept, this.#unknown(socket), {
      outcome: 'method_not_allowed',
      detail: 'CONNECT',
    });
  }

  #onClientError(error: NodeJS.ErrnoException, socket: Socket): void {
    socket.on('error', () => {});
    const refused = judgeBrokenRequest(error, socket.bytesRead);
    const responses = [...(this.#responses.get(socket) ?? [])];
    // Where an answer has begun, another would be read as a part of it.
    const silent = refused === null || !socket.writable || responses.some((res) => res.headersSent);
    if (refused !== null && !silent) refuseOnSocket(socket, undefined, this.#unknown(socket), refused);
    else socket.destroy();
  }

  #onTlsFailure(error: NodeJS.ErrnoException, socket: Socket): void {
    const refused = judgeTlsFailure(error);
    if (refused !== null) recordRefusal(this.#unknown(socket), refused);
    socket.destroy();
  }

  #read(req: IncomingMessage): ReturnType<typeof readArrival> {
    const { method = '', url = '', rawHeaders } = req;
    const peer = { peerAddress: req.socket.remoteAddress, encrypted: this.#parts.tls };
    const arrival = readArrival({ method, url, headers: rawHeaders, ...peer }, this.#parts.edge());
    if (arrival.origination.untrustedHeaders) this.#onUntrustedHeaders(arrival);
    return arrival;
  }

  #onUntrustedHeaders(arrival: ReturnType<typeof readArrival>): void {
    const { unrouted } = this.#parts.edge();
    const counters = 'route' in arrival ? arrival.route.counters : unrouted;
    counters.untrustedForwardingHeaders++;
    const { address } = arrival.origination;
    if (!this.#untrustedPeers.isNew(address)) return;
    this.#parts.log.warn(
      { event: 'untrusted_forwarding_headers', peer: address },
      'forwarding headers from a peer that is not in listen.trusted_proxies are dropped; if it is your proxy, add it',
    );
  }

  #contextOf(
    req: IncomingMessage,
    arrival: Arrival | { readonly origination: Arrival['origination'] },
  ): RefusalContext {
    const routed = 'route' in arrival ? arrival.route : null;
    return {
      log: this.#parts.log,
      rejected: this.#parts.rejected,
      counters: routed?.counters ?? this.#parts.edge().unrouted,
      about: {
        route: routed?.route.name ?? null,
        host: req.headers.host,
        target: req.url,
        address: arrival.origination.address,
      },
    };
  }

  /** What can be said of a request that could not be read. */
  #unknown(socket: Socket): RefusalContext {
    const address = plainAddress(socket.remoteAddress ?? '') ?? 'unix';
    return {
      log: this.#parts.log,
      rejected: this.#parts.rejected,
      counters: this.#parts.edge().unrouted,
      about: { route: null, host: undefined, target: undefined, address },
    };
  }
}
