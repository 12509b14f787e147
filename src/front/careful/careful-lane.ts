/**
 * The careful lane: Node's HTTP server, which never listens, and http-proxy behind it. It takes everything that is
 * HTTP, and decides every doubtful case.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { MemoryLedger } from '../../admission/memory.ts';
import { RawFields } from '../../http/head-fields.ts';
import { maxHeadBytes } from '../../http/wire/head-parser.ts';
import { asksForWebSocket } from '../../websocket/validate.ts';
import type { Connection, Lane } from '../connection.ts';
import { CarefulConnection, type ConnectionTimeouts, type ParsedHead } from './careful-connection.ts';
import type { CarefulStream } from './careful-stream.ts';
import { carefulBudget } from './piece-size.ts';

/** What becomes of the requests. */
export interface CarefulRequests {
  request(connection: Connection, req: IncomingMessage, res: ServerResponse): void;
  /** The socket is paused and has no listeners but one for errors; `head` is what was read behind the request. */
  switched(connection: Connection, req: IncomingMessage, head: Buffer, kind: 'upgrade' | 'connect'): void;
  /** What came is no request; `answerable`: whether no answer has begun. */
  broken(connection: Connection, error: NodeJS.ErrnoException, answerable: boolean): void;
}

/** The connection of a stream; the stream keeps it. */
const connectionOf = Symbol('connection');

interface ConnectedStream {
  [connectionOf]?: CarefulConnection;
}

export class CarefulLane implements Lane {
  readonly #server: Server;
  readonly #requests: CarefulRequests;
  readonly #memory: MemoryLedger;
  readonly #patience: () => ConnectionTimeouts;

  /** `keepAliveMs`: the part of `patience` that clients are told of. */
  constructor(
    requests: CarefulRequests,
    memory: MemoryLedger,
    keepAliveMs: number,
    patience: () => ConnectionTimeouts,
  ) {
    this.#memory = memory;
    this.#requests = requests;
    this.#patience = patience;
    this.#server = createServer({
      maxHeaderSize: maxHeadBytes,
      // The connection has the clocks: Node's own do not run in a server that does not listen.
      requestTimeout: 0,
      keepAliveTimeout: keepAliveMs,
      // Checked in `readArrival`, where it is counted and logged.
      requireHostHeader: false,
      shouldUpgradeCallback: (req) => asksForWebSocket(new RawFields(req.rawHeaders)),
    });
    // The size of the block bounds the lines. Node would cut the list off without a word.
    this.#server.maxHeadersCount = 0;
    const request = (req: IncomingMessage, res: ServerResponse) => this.#found({ kind: 'request', req, res });
    this.#server
      .on('request', request)
      .on('checkContinue', request)
      // An expectation that is not known may be ignored (RFC 9110 §10.1.1). Node would refuse it, and tell nobody.
      .on('checkExpectation', request)
      .on('upgrade', (req) => this.#found({ kind: 'upgrade', req }))
      .on('connect', (req) => this.#found({ kind: 'connect', req }))
      .on('clientError', (error, stream) => (stream as ConnectedStream)[connectionOf]?.failed(error));
  }

  take(connection: Connection, bytes: Buffer): void {
    const careful = new CarefulConnection(connection, this.#memory, carefulBudget, this.#patience, {
      request: (req, res) => this.#requests.request(connection, req, res),
      switched: (req, head, kind) => this.#requests.switched(connection, req, head, kind),
      broken: (error, answerable) => this.#requests.broken(connection, error, answerable),
    });
    (careful.stream as ConnectedStream)[connectionOf] = careful;
    this.#server.emit('connection', careful.stream as CarefulStream as unknown as Socket);
    careful.start(bytes);
  }

  #found(found: ParsedHead): void {
    (found.req.socket as ConnectedStream)[connectionOf]?.found(found);
  }
}
