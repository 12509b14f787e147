/** Where requests come in, whichever lane has read them: each is refused, forwarded or becomes a handshake. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { plainAddress } from '../admission/ip.ts';
import type { MemoryLedger } from '../admission/memory.ts';
import { UntrustedPeers } from '../admission/untrusted-peers.ts';
import type { Refused } from '../admission/verdict.ts';
import type { Log } from '../observe/log/log.ts';
import type { RouteCounters } from '../observe/metrics/counters.ts';
import type { Rejection } from '../observe/report.ts';
import type { SessionInit } from '../relay/types.ts';
import { asksForWebSocket, validateHandshake } from '../websocket/validate.ts';
import { type Arrival, readArrival } from './arrival.ts';
import { judgeBrokenRequest } from './broken-request.ts';
import type { CarefulRequests } from './careful/careful-lane.ts';
import type { Forwarder } from './careful/forwarder.ts';
import { Tunnel } from './careful/tunnel.ts';
import type { Connection } from './connection.ts';
import type { Edge } from './edge.ts';
import { type RefusalContext, refuseOnResponse, refuseOnSocket } from './refusals.ts';

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
  /** Hears of requests that a limit of their route turns away. */
  readonly rejected: (rejection: Rejection) => void;
}

export class Entry implements CarefulRequests {
  readonly #parts: EntryParts;
  readonly #tunnels = new Set<Tunnel>();
  readonly #untrustedPeers = new UntrustedPeers();
  /** Whether every answer is the last one of its connection. */
  endsKeepAlive = false;
  /** Whether handshakes are refused, because the gateway shuts down. */
  refusesHandshakes = false;

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
    const arrival = this.#read(connection, req);
    if ('refused' in arrival) {
      refuseOnResponse(res, this.#contextOf(req, arrival), arrival.refused);
    } else if (asksForWebSocket(req.rawHeaders)) {
      // Node takes a request without `Connection: Upgrade` for no upgrade.
      const invalid = validateHandshake({ method: req.method!, httpVersion: req.httpVersion, headers: req.rawHeaders });
      const refused = 'outcome' in invalid ? invalid : { outcome: 'bad_request' as const, detail: 'no upgrade' };
      refuseOnResponse(res, this.#contextOf(req, arrival), refused);
    } else {
      const { route, target, origination } = arrival;
      req.url = target.target;
      this.#parts.forwarder.forward(req, res, route, origination);
    }
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
      refuseOnSocket(socket, undefined, this.unknown(connection.peer), refused);
    } else socket.destroy();
  }

  /** What can be said of a request that could not be read. */
  unknown(peer: { readonly address: string | undefined }): RefusalContext {
    const address = plainAddress(peer.address ?? '') ?? 'unix';
    return {
      log: this.#parts.log,
      rejected: this.#parts.rejected,
      counters: this.#parts.edge().unrouted,
      about: { route: null, host: undefined, target: undefined, address },
    };
  }

  #upgrade(connection: Connection, req: IncomingMessage, head: Buffer): void {
    const { socket } = connection;
    const arrival = this.#read(connection, req);
    const refused: Refused | null =
      'refused' in arrival ? arrival.refused : this.refusesHandshakes ? { outcome: 'draining', detail: '' } : null;
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
      draining: () => this.refusesHandshakes,
      open: (init) => {
        connection.release();
        this.#parts.open(init);
      },
      rejected: this.#parts.rejected,
    });
    this.#tunnels.add(tunnel);
    tunnel.done
      .catch((error) => {
        // A bug in one handshake must not end the connections of others.
        this.#parts.log.tell('handshake_bug', { err: error });
        socket.destroy();
      })
      .finally(() => this.#tunnels.delete(tunnel));
  }

  /** CONNECT asks a proxy for a tunnel to anywhere; there is none here. */
  #refuseConnect(connection: Connection, req: IncomingMessage): void {
    refuseOnSocket(connection.socket, req.headers.accept, this.unknown(connection.peer), {
      outcome: 'method_not_allowed',
      detail: 'CONNECT',
    });
  }

  #read(connection: Connection, req: IncomingMessage): ReturnType<typeof readArrival> {
    const { method = '', url = '', httpVersion: version, rawHeaders } = req;
    const peer = { peerAddress: connection.peer.address, encrypted: connection.peer.encrypted };
    const arrival = readArrival({ method, version, url, headers: rawHeaders, ...peer }, this.#parts.edge());
    const { address, untrustedHeaders } = arrival.origination;
    const { unrouted } = this.#parts.edge();
    if (untrustedHeaders) this.noteUntrusted(address, 'route' in arrival ? arrival.route.counters : unrouted);
    return arrival;
  }

  /** A peer that is not trusted has sent forwarding headers: that is counted, and told once. */
  noteUntrusted(address: string, counters: RouteCounters): void {
    counters.untrustedForwardingHeaders++;
    if (!this.#untrustedPeers.isNew(address)) return;
    this.#parts.log.tell('untrusted_forwarding_headers', { peer: address });
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
        user: arrival.origination.user,
      },
    };
  }
}
