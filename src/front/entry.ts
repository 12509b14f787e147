/** Where requests of the careful lane come in: each is turned away, forwarded or becomes a handshake. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { MemoryLedger } from '../admission/memory.ts';
import { UntrustedPeers } from '../admission/untrusted-peers.ts';
import type { Refused } from '../admission/verdict.ts';
import type { Visit, VisitKind } from '../admission/visit.ts';
import { carriesBody } from '../http/framing.ts';
import type { Log } from '../observe/log/log.ts';
import type { RouteCounters } from '../observe/metrics/counters.ts';
import type { SessionInit } from '../relay/types.ts';
import { endAnswer } from './answer.ts';
import { type Arrival, readArrival, type Unarrived } from './arrival.ts';
import { judgeBrokenRequest } from './broken-request.ts';
import type { CarefulRequests } from './careful/careful-lane.ts';
import { EarlyBytes } from './careful/early-bytes.ts';
import type { Forwarder } from './careful/forwarder.ts';
import { Tunnel } from './careful/tunnel.ts';
import type { Connection } from './connection.ts';
import type { Edge } from './edge.ts';
import type { EdgeRoute } from './edge-route.ts';
import type { ErrorPages } from './error-pages.ts';
import { asOfApi, refusalOf } from './errors.ts';
import { healthBody, healthPath } from './health.ts';
import type { AdmittedVisit, Reception } from './reception.ts';
import type { Recorder, Subject } from './recorder.ts';
import { refuseOnResponse, refuseOnSocket } from './refusals.ts';

/** What requests are judged by, and who takes them. */
export interface EntryParts {
  /** The configuration in force. */
  readonly edge: () => Edge;
  readonly forwarder: Forwarder;
  readonly log: Log;
  /** What the relay's buffers hold. */
  readonly memory: MemoryLedger;
  /** Takes both sockets of a finished handshake over. */
  readonly open: (init: SessionInit) => void;
  /** Who has pages for answers of Sluice's own; `null` for nobody. */
  readonly pages: () => ErrorPages | null;
  readonly recorder: Recorder;
  readonly reception: Reception;
  /** Whether handshakes are refused, because the gateway shuts down. */
  readonly refusesHandshakes: () => boolean;
}

/** What becomes of a visit that has a response. */
interface ResponseHost {
  readonly bodyBytes: number;
  readonly admitted: (visit: AdmittedVisit) => void;
  readonly turnedAway: (refused: Refused) => void;
}

export class Entry implements CarefulRequests {
  readonly #parts: EntryParts;
  readonly #tunnels = new Set<Tunnel>();
  readonly #untrustedPeers = new UntrustedPeers();
  /** Whether every answer is the last one of its connection. */
  endsKeepAlive = false;

  constructor(parts: EntryParts) {
    this.#parts = parts;
  }

  /** Handshakes that are not over. */
  get handshakes(): number {
    return this.#tunnels.size;
  }

  /** Gives all handshakes up; resolves when they are over. */
  async cancel(): Promise<void> {
    const over = [...this.#tunnels].map((tunnel) => tunnel.done);
    for (const tunnel of this.#tunnels) tunnel.cancel();
    await Promise.all(over);
  }

  request(connection: Connection, req: IncomingMessage, res: ServerResponse): void {
    if (this.endsKeepAlive) res.shouldKeepAlive = false;
    const { hub } = this.#parts.edge();
    if (req.url === healthPath && hub !== null) {
      // Nobody reads a body, or judges where it ends.
      if (carriesBody(req.headers)) res.shouldKeepAlive = false;
      res.writeHead(200, { 'Content-Type': 'application/json', 'Content-Length': healthBody.length });
      endAnswer(res, req.method === 'HEAD' ? undefined : healthBody);
      return;
    }
    const arrival = this.#read(connection, req);
    if ('refused' in arrival) {
      this.#parts.recorder.refused(this.#subjectOf(req, arrival, 'http'), arrival.refused);
      refuseOnResponse(res, asOfApi(refusalOf(null, arrival.refused), hub), true, this.#parts.pages());
    } else if (arrival.visit.kind === 'websocket') this.#refuseUnswitched(connection, res, arrival.visit);
    else this.#receive(connection, req, res, arrival);
  }

  switched(connection: Connection, req: IncomingMessage, head: Buffer, kind: 'upgrade' | 'connect'): void {
    const { socket } = connection;
    socket.once('close', () => connection.release());
    if (kind === 'connect') this.#refuseConnect(connection, req);
    else this.#upgrade(connection, req, head);
  }

  broken(connection: Connection, error: NodeJS.ErrnoException, answerable: boolean): void {
    const { socket } = connection;
    const refused = judgeBrokenRequest(error);
    if (refused !== null && answerable && socket.writable) {
      this.#parts.recorder.refused(this.#parts.recorder.unknown(connection.peer), refused);
      refuseOnSocket(socket, undefined, refusalOf(null, refused));
    } else socket.destroy();
  }

  #receive(connection: Connection, req: IncomingMessage, res: ServerResponse, { visit, route }: Arrival): void {
    const { forwarder } = this.#parts;
    forwarder.makeRoom();
    this.#judge(connection, res, visit, {
      bodyBytes: carriesBody(req.headers) ? Number(req.headers['content-length'] ?? 0) : -1,
      admitted: (admitted) => forwarder.forward(req, res, route, admitted),
      turnedAway: (refused) => refuseOnResponse(res, refusalOf(route.route.name, refused), false),
    });
  }

  /** The request asks for WebSocket, but Node takes it for no upgrade, so it cannot be a valid handshake. */
  #refuseUnswitched(connection: Connection, res: ServerResponse, visit: Visit): void {
    const turnedAway = (refused: Refused) => refuseOnResponse(res, refusalOf(visit.route.route.name, refused), true);
    this.#judge(connection, res, visit, {
      bodyBytes: -1,
      admitted: () => {
        const refused: Refused = { outcome: 'bad_request', detail: 'no upgrade' };
        visit.giveBack();
        this.#parts.recorder.refused(visit, refused);
        turnedAway(refused);
      },
      turnedAway,
    });
  }

  /** Lets the reception judge a visit that has a response. */
  #judge(connection: Connection, res: ServerResponse, visit: Visit, host: ResponseHost): void {
    const waits = this.#parts.reception.receive(visit, {
      bodyBytes: host.bodyBytes,
      admitted: (admitted) => {
        connection.isJudged = false;
        host.admitted(admitted);
      },
      turnedAway: (_, refused) => {
        connection.isJudged = false;
        host.turnedAway(refused);
      },
      givenUp: () => res.destroy(),
      left: () => void connection.socket.destroy(),
      get unread() {
        return unreadOf(connection.socket);
      },
    });
    connection.isJudged = waits;
    if (waits) res.once('close', () => visit.leave());
  }

  #upgrade(connection: Connection, req: IncomingMessage, head: Buffer): void {
    const { socket } = connection;
    const { memory, recorder, reception } = this.#parts;
    const arrival = this.#read(connection, req);
    if ('refused' in arrival) {
      recorder.refused(this.#subjectOf(req, arrival, 'websocket'), arrival.refused);
      refuseOnSocket(socket, req.headers.accept, refusalOf(null, arrival.refused));
      awaitEnd(connection);
      return;
    }
    const { visit, route } = arrival;
    const early = new EarlyBytes(socket, head, memory, () => visit.leave());
    const leave = () => {
      early.take();
      socket.destroy();
    };
    reception.receive(visit, {
      bodyBytes: -1,
      admitted: (admitted) => this.#dig(connection, admitted, route, early),
      turnedAway: (_, refused) => {
        early.take();
        refuseOnSocket(socket, req.headers.accept, refusalOf(route.route.name, refused));
        awaitEnd(connection);
      },
      givenUp: leave,
      left: leave,
      get unread() {
        return unreadOf(socket);
      },
    });
  }

  #dig(connection: Connection, visit: AdmittedVisit, route: EdgeRoute, early: EarlyBytes): void {
    const { socket } = connection;
    const { log, recorder, memory, refusesHandshakes } = this.#parts;
    let isOpen = false;
    const tunnel = new Tunnel({
      visit,
      route,
      socket,
      early,
      recorder,
      memory,
      draining: refusesHandshakes,
      open: (init) => {
        isOpen = true;
        connection.release();
        this.#parts.open(init);
      },
    });
    this.#tunnels.add(tunnel);
    tunnel.done
      .catch((error) => {
        // A bug in one handshake must not end the connections of others.
        log.tell('handshake_bug', { err: error });
        socket.destroy();
      })
      .finally(() => {
        this.#tunnels.delete(tunnel);
        if (!isOpen) awaitEnd(connection);
      });
  }

  /** Refuses CONNECT, which asks a proxy for a tunnel to anywhere. Sluice has none. */
  #refuseConnect(connection: Connection, req: IncomingMessage): void {
    const refused: Refused = { outcome: 'method_not_allowed', detail: 'CONNECT' };
    this.#parts.recorder.refused(this.#parts.recorder.unknown(connection.peer), refused);
    refuseOnSocket(connection.socket, req.headers.accept, refusalOf(null, refused));
    awaitEnd(connection);
  }

  #read(connection: Connection, req: IncomingMessage): ReturnType<typeof readArrival> {
    const { method = '', url = '', httpVersion: version, rawHeaders } = req;
    const edge = this.#parts.edge();
    const arrival = readArrival({ method, version, url, headers: rawHeaders, peer: connection.peer }, edge);
    const { address, untrustedHeaders } = 'visit' in arrival ? arrival.visit.origination : arrival.origination;
    if (untrustedHeaders) this.noteUntrusted(address, 'visit' in arrival ? arrival.route.counters : edge.unrouted);
    return arrival;
  }

  /** Counts that an untrusted peer has sent forwarding headers, and logs the peer once. */
  noteUntrusted(address: string, counters: RouteCounters): void {
    counters.untrustedForwardingHeaders++;
    if (!this.#untrustedPeers.isNew(address)) return;
    this.#parts.log.tell('untrusted_forwarding_headers', { peer: address });
  }

  /** A request that leads to no route. */
  #subjectOf(req: IncomingMessage, { origination }: Unarrived, kind: VisitKind): Subject {
    const { address } = origination;
    return this.#parts.recorder.unrouted({ route: null, host: req.headers.host, target: req.url, address }, kind);
  }
}

/** Our last word is said on a connection: others may have its place from now on. */
function awaitEnd(connection: Connection): void {
  if (!connection.socket.destroyed) connection.wait('end', 0);
}

function unreadOf(socket: Socket): Socket | null {
  return socket.isPaused() ? socket : null;
}
