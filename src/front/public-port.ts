/**
 * The connections of the public port, from the socket to the lane that serves them:
 *
 *   accepted ─► PROXY header ─► TLS ─► lane
 *      │             │           └ no TLS, or a certificate that is not let in: recorded, closed
 *      │             └ none where one must be: recorded, closed
 *      └ no descriptor is left: turned away
 *
 * Those that wait are counted and have a clock, and one makes room where there is none.
 */
import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { isDeepStrictEqual } from 'node:util';
import { ClientCertificate } from '../admission/auth/client-cert/certificate.ts';
import { plainAddress, subscriberOf } from '../admission/ip.ts';
import type { Peer } from '../admission/peer.ts';
import type { Refused } from '../admission/verdict.ts';
import type { SocketAccess } from '../bind.ts';
import type { ListenAddress, TlsTerms } from '../config/types.ts';
import { contain } from '../mistakes.ts';
import type { Log } from '../observe/log/log.ts';
import { Summary } from '../observe/log/summary.ts';
import { Roster } from '../relay/roster.ts';
import { Acceptor, type Credentials } from './acceptor.ts';
import { judgeTlsFailure } from './broken-request.ts';
import { Connection, type Lane } from './connection.ts';
import { Descriptors } from './descriptors.ts';
import type { Edge } from './edge.ts';
import { noRoom } from './errors.ts';
import { discard, lingerMs } from './farewell.ts';
import type { LastingRoutes } from './lasting.ts';
import { LateClock } from './late-clock.ts';
import { OwnPort } from './own-port.ts';
import { Preface } from './proxy/preface.ts';
import type { Recorder } from './recorder.ts';
import { capsOf, Waiting } from './waiting.ts';

/** What the port works with. */
export interface PublicPortParts {
  readonly log: Log;
  readonly recorder: Recorder;
  /** The configuration in force. */
  readonly edge: () => Edge;
  /** Whether it speaks TLS. */
  readonly tls: boolean;
  readonly tlsTerms?: TlsTerms;
  /** What the process may use before the system ends it, in bytes; `Infinity` where that is not known. */
  readonly containerBytes: number;
  /** The connections to upstreams. */
  readonly upstreams: Pick<LastingRoutes, 'closeIdle' | 'idle'>;
}

/** Whether the port lets anybody in, or why not. */
export type Accepting = 'yes' | 'not listening' | 'refuses connections' | 'out of file descriptors';

const nothing = Buffer.alloc(0);
/** Less than any time that a clock tells: who waits for so long is late at once. */
const atOnceMs = Number.MIN_VALUE;

export class PublicPort {
  readonly #parts: PublicPortParts;
  readonly #lane: Lane;
  readonly #acceptor: Acceptor;
  readonly #connections = new Roster<Connection>();
  readonly #waiting: Waiting;
  readonly #clock: LateClock;
  /** Connections with which TLS is spoken, by their sockets below it. */
  readonly #securing = new WeakMap<Socket, Connection>();
  readonly #descriptors: Descriptors;
  readonly #evicted: Summary;
  #clients: Credentials['clients'] = null;
  /** Whether peers have addresses: not on a unix socket. */
  #hasAddresses = true;
  /** `null` until it listens. */
  #ownPort: OwnPort | null = null;

  /** `lane` serves what has come in. */
  constructor(parts: PublicPortParts, lane: Lane) {
    const { log, tls, containerBytes } = parts;
    this.#parts = parts;
    this.#lane = lane;
    this.#descriptors = new Descriptors(log, () => this.#makeRoom());
    this.#evicted = new Summary((count) => {
      log.tell('waiting_evicted', { count, waiting: this.#waiting.size });
    });
    this.#waiting = new Waiting(capsOf(this.#descriptors.limit, tls, containerBytes), () => performance.now());
    this.#clock = new LateClock(this.#waiting);
    this.#acceptor = new Acceptor(
      {
        accepted: (socket) => containIn(socket, () => this.#accept(socket)),
        secured: (socket, refused) => containIn(socket, () => this.#serveSecured(socket, refused)),
        failed: (error, socket) => containIn(socket, () => this.#onTlsFailure(error, socket)),
      },
      parts.tlsTerms,
    );
  }

  /** Whether the process may open one more connection to an upstream beside those that are begun. */
  admitsDial(begun: number): boolean {
    return this.#descriptors.admitDial(begun);
  }

  /** Whether so many descriptors more may be had although nobody makes room for them. */
  spares(more: number): boolean {
    return this.#descriptors.spares(more);
  }

  /** Whether a connection of operators that has been accepted may stay. */
  admitsOperator(): boolean {
    return this.#descriptors.admitOperator();
  }

  /** Whether a client that comes now is let in. */
  async accepting(): Promise<Accepting> {
    if (this.#ownPort === null || !this.#acceptor.listening) return 'not listening';
    if (!this.#descriptors.couldAdmit(this.#idle)) return 'out of file descriptors';
    return (await this.#ownPort.refuses()) ? 'refuses connections' : 'yes';
  }

  /** Takes over from a new edge what the port itself must know. */
  reconfigure(): void {
    if (this.#clock.runs) this.#startClock();
  }

  /** Takes another certificate, where it speaks TLS; connections that are open keep theirs. */
  secure(credentials: Credentials): void {
    this.#acceptor.secure(credentials);
    const before = this.#clients;
    this.#clients = credentials.clients;
    if (!isDeepStrictEqual(before, credentials.clients)) this.#endAdmitted();
  }

  /** Listens; rejects with the system's error where it cannot. Returns the port, 0 for a unix socket. */
  async listen(address: ListenAddress, access: SocketAccess): Promise<number> {
    this.#hasAddresses = address.kind === 'tcp';
    const port = await this.#acceptor.listen(address, access);
    this.#ownPort = new OwnPort(address.kind === 'tcp' ? { ...address, port } : address);
    this.#startClock();
    return port;
  }

  /** Accepts no more connections, and ends those on which nothing is under way. */
  stop(): void {
    this.#acceptor.stop();
    for (const connection of this.#connections) if (connection.isIdle) connection.drop();
  }

  /** Drops every connection that has not become a tunnel. */
  close(): void {
    for (const connection of this.#connections) connection.drop();
    this.#clock.stop();
    this.#descriptors.close();
    this.#evicted.close();
  }

  #startClock(): void {
    this.#clock.start(this.#parts.edge().headersMs);
  }

  /**
   * The rules for clients' certificates have changed. A connection that was let in by the old ones, or whose TLS
   * handshake has begun under them, takes no request more: it could open a WebSocket connection, which stays.
   */
  #endAdmitted(): void {
    const isRequired = this.#clients?.isRequired ?? false;
    for (const connection of this.#connections) {
      const { socket, peer, isReadable, waitsFor } = connection;
      const isJudged = isReadable ? peer.certificate !== null || isRequired : this.#securing.has(socket);
      if (!isJudged) continue;
      connection.isLast = true;
      // What is under way is answered, and what is left of a body behind its answer is read. Of the others there may be
      // thousands, and each takes 60 µs to end.
      if (waitsFor !== null && waitsFor !== 'end') connection.wait(waitsFor, atOnceMs);
    }
    this.#clock.look();
  }

  #accept(socket: Socket): void {
    // Who has gone already has no address any more. One on a unix socket has none either, and is trusted.
    if (this.#hasAddresses && socket.remoteAddress === undefined) {
      socket.destroy();
      return;
    }
    const admitted = this.#descriptors.admit();
    const connection = this.#connect(socket);
    if (!admitted) this.#turnAway(connection);
    else if (this.#parts.edge().proxyProtocol.isEmpty) this.#begin(connection, nothing);
    else this.#readPreface(connection);
  }

  /** Ends a connection that nobody misses: one of ours, or else of the address that holds most. */
  #makeRoom(): boolean {
    return this.#parts.upstreams.closeIdle() || this.#waiting.makeRoom();
  }

  /** There is no descriptor for what a client will ask for. Its own is kept for as long as nobody needs it. */
  #turnAway(connection: Connection): void {
    const { socket } = connection;
    socket.on('error', ignore).once('close', () => connection.release());
    if (!connection.isReadable) {
      socket.destroy();
      return;
    }
    connection.wait('end', lingerMs);
    socket.end(noRoom());
    discard(socket);
  }

  /** Connections that would make room for a client. */
  get #idle(): number {
    let count = this.#parts.upstreams.idle;
    for (const connection of this.#connections) if (connection.isIdle) count++;
    return count;
  }

  /** What comes first may say who the client is. */
  #readPreface(connection: Connection): void {
    const { socket, peer } = connection;
    const { address } = peer;
    const release = () => connection.release();
    // Every peer on a unix socket is trusted, as with forwarding headers.
    const mustSend = address === null || this.#parts.edge().proxyProtocol.includes(address);
    const { recorder } = this.#parts;
    const preface = new Preface(socket, mustSend, {
      passed: (client, rest) => {
        connection.work();
        socket.off('close', release);
        if (client !== null) {
          const known = { ...peer, address: plainAddress(client) };
          connection.identify(known, this.#groupOf(known));
        }
        this.#begin(connection, rest);
      },
      refused: (detail) => recorder.refused(recorder.unknown(peer), { outcome: 'proxy_refused', detail }),
    });
    socket.once('close', release);
    connection.wait('request', this.#parts.edge().headersMs, () => preface.late());
  }

  /** Begins what a connection is for; `read` is what was read from it. */
  #begin(connection: Connection, read: Buffer): void {
    if (!this.#parts.tls) {
      this.#lane.take(connection, read);
      return;
    }
    const { socket } = connection;
    this.#securing.set(socket, connection);
    connection.wait('request', this.#parts.edge().headersMs);
    socket.once('close', () => connection.release());
    this.#acceptor.speakTls(socket, read);
  }

  #serveSecured(socket: TLSSocket, refused: Refused | null): void {
    const connection = this.#securedBy(socket);
    if (refused !== null || connection === undefined) {
      if (refused !== null) this.#recordRefusal(refused, connection?.peer ?? { address: addressOf(socket) });
      socket.destroy();
      return;
    }
    connection.socket = socket;
    const shown = socket.getPeerX509Certificate();
    if (shown !== undefined) {
      connection.work();
      connection.identify({ ...connection.peer, certificate: new ClientCertificate(shown) }, connection.group);
    }
    this.#lane.take(connection, nothing);
  }

  #connect(socket: Socket): Connection {
    const peer = { address: addressOf(socket), encrypted: this.#parts.tls, certificate: null };
    const connection = new Connection(socket, peer, this.#groupOf(peer), this.#waiting, {
      evicted: () => this.#evicted.add(),
      over: () => this.#connections.delete(connection),
    });
    this.#connections.add(connection);
    return connection;
  }

  #groupOf({ address }: Peer): string | null {
    const { proxies, proxyProtocol, ipv6Prefix } = this.#parts.edge();
    const isNobody = address === null || proxies.includes(address) || proxyProtocol.includes(address);
    return isNobody ? null : subscriberOf(address, ipv6Prefix);
  }

  #onTlsFailure(error: NodeJS.ErrnoException, socket: TLSSocket): void {
    const refused = judgeTlsFailure(error);
    if (refused === null) return;
    this.#recordRefusal(refused, this.#securedBy(socket)?.peer ?? { address: addressOf(socket) });
  }

  /** The connection with which TLS is spoken. */
  #securedBy(socket: TLSSocket): Connection | undefined {
    const below = belowTls(socket);
    return below === undefined ? undefined : this.#securing.get(below);
  }

  #recordRefusal(refused: Refused, peer: Pick<Peer, 'address'>): void {
    const { recorder } = this.#parts;
    recorder.refused(recorder.unknown(peer), refused);
  }
}

/** The address of a peer; `null` on a unix socket. */
function addressOf({ remoteAddress }: Socket): Peer['address'] {
  return remoteAddress === undefined ? null : plainAddress(remoteAddress);
}

function ignore(): void {}

/** A mistake with one newcomer ends that one. */
function containIn(socket: Socket, serve: () => void): void {
  contain(serve, () => socket.destroy());
}

/**
 * The socket that was accepted, which Node keeps under a name of its own. Addresses would not tell: clients of a unix
 * socket have none.
 */
function belowTls(socket: TLSSocket): Socket | undefined {
  return (socket as { readonly _parent?: Socket })._parent;
}
