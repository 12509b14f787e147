/**
 * A port of Sluice's own, for operators, for the routes API, or for redirects: Node's HTTP server behind connections
 * that let one request in at a time. The class of the port says what it answers. Anybody who reaches such a port can
 * make it work, so all of that is bounded: connections, the requests of each, the time of a head and of an answer, and
 * the bytes of answers that nobody has read yet.
 */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createNetServer, type Server as NetServer, type Socket } from 'node:net';
import type { TlsOptions } from 'node:tls';
import { bind } from '../bind.ts';
import type { ListenAddress } from '../config/types.ts';
import { carriesBody } from '../http/framing.ts';
import type { Log } from '../observe/log/log.ts';
import { type Answer, bytesOf, problem, send, strictHeaders, writtenAnswer } from './answer.ts';
import { AdminConnection, type WholeAnswer } from './connection.ts';
import { AdminConnections } from './connections.ts';
import { createSecureServer, Handshakes } from './secure-server.ts';
import { type WholeRequest, WholeRequests } from './whole-request.ts';

export interface AdminListenerParts {
  /** `null` listens without TLS. */
  readonly tls: TlsOptions | null;
  /** The most bytes of a head. A client that sends more gets 431. */
  readonly maxHeaderSize: number;
  /** As `Allow` lists them. */
  readonly methods: string;
  /** Whether a body belongs to its request. If not, a request ends with its head. */
  readonly takesBodies: boolean;
  /** The longest body of a request that may be answered at once; none is, unless given. */
  readonly wholeBodyBytes?: number;
  /** What every answer says; `strictHeaders` unless given. */
  readonly everyAnswer?: Readonly<Record<string, string>>;
  readonly log: Log;
  /** Whether a connection that has been accepted leaves enough descriptors to others; yes unless given. */
  readonly hasRoom?: (() => boolean) | undefined;
}

/** The time between two requests that clients are promised, in milliseconds. */
const keepAliveTimeout = 5000;
/** A client that has not read an answer in this time is not going to. Streams have clocks of their own. */
const answerMs = 30_000;
/** The most bytes that large unread answers hold together. A page of connections or the routes may be megabytes. */
const maxUnreadBytes = 16 << 20;
/** Probes and refusals are always answered. */
const largeBytes = 64 << 10;

export abstract class AdminListener {
  readonly #takesBodies: boolean;
  readonly #everyAnswer: Readonly<Record<string, string>>;
  readonly #log: Log;
  readonly #whole: WholeRequests | null;
  readonly #http: Server;
  readonly #server: NetServer;
  readonly #connections = new AdminConnections();
  readonly #handshakes = new Handshakes();
  /** Requests whose clients ask whether they may send the body, and have not been told. */
  readonly #asking = new WeakSet<IncomingMessage>();
  #unreadBytes = 0;

  constructor(parts: AdminListenerParts) {
    const { tls, maxHeaderSize, methods, takesBodies, wholeBodyBytes, log, hasRoom = () => true } = parts;
    this.#takesBodies = takesBodies;
    this.#everyAnswer = parts.everyAnswer ?? strictHeaders;
    this.#log = log;
    this.#whole = wholeBodyBytes === undefined ? null : new WholeRequests(maxHeaderSize, wholeBodyBytes);
    const serve = (req: IncomingMessage, res: ServerResponse) => this.#serve(req, res);
    // An upgrade may be ignored (RFC 9110 §7.8), and is.
    const shouldUpgradeCallback = () => false;
    this.#http = createServer({ maxHeaderSize, keepAliveTimeout, shouldUpgradeCallback }, serve);
    // A client that has said all it wants still reads the answer.
    Object.assign(this.#http, { httpAllowHalfOpen: true });
    // Nobody is told to send a body before it is known that the request is let in.
    this.#http.on('checkContinue', (req, res) => {
      this.#asking.add(req);
      void this.#serve(req, res);
    });
    // Whatever else somebody expects may be ignored (RFC 9110 §10.1.1); Node would answer by itself.
    this.#http.on('checkExpectation', serve);
    this.#http.on('connect', (_req, connection) =>
      connection.end(emptyAnswer('405 Method Not Allowed', `Allow: ${methods}\r\n`)),
    );
    this.#http.on('clientError', (error: NodeJS.ErrnoException, connection) => {
      const status = error.code === 'HPE_HEADER_OVERFLOW' ? '431 Request Header Fields Too Large' : '400 Bad Request';
      if (connection.writable) connection.end(emptyAnswer(status));
      else connection.destroy();
    });
    const attach = (connection: AdminConnection) => this.#http.emit('connection', connection);
    const answer = (chunk: Buffer, connection: AdminConnection) => this.#answerWhole(chunk, connection);
    const connectionParts = this.#whole === null ? { takesBodies } : { takesBodies, whole: { answer, attach } };
    const accept = (socket: Socket) => {
      const connection = new AdminConnection(socket, connectionParts);
      this.#connections.add(connection, hasRoom());
      if (this.#whole === null) attach(connection);
    };
    const options = { allowHalfOpen: true, noDelay: true };
    this.#server = tls === null ? createNetServer(options, accept) : createSecureServer(tls, this.#handshakes, accept);
  }

  /** Listens; rejects with the system's error where it cannot. Returns the port, 0 for a Unix socket. */
  listen(address: ListenAddress): Promise<number> {
    // Without a token everybody who may open the file is an operator.
    return bind(this.#server, address, 'owner');
  }

  /** Stops listening and closes every connection, idle or not. */
  async close(): Promise<void> {
    if (!this.#server.listening) return;
    const closed = once(this.#server, 'close');
    this.#server.close();
    this.#handshakes.closeAll();
    this.#connections.closeAll();
    await closed;
  }

  /** Returns the answer to a request; `null` if it has been written already. */
  protected abstract answer(req: IncomingMessage, res: ServerResponse): Promise<Answer | null>;

  /** Returns the answer to a request that came whole, where that takes no waiting; `null` leaves it to `answer`. */
  protected answerAtOnce(_request: WholeRequest): Answer | null {
    return null;
  }

  /** Says that who asks has had a token: its connection stays while there are others. */
  protected prove({ socket }: Pick<WholeRequest, 'socket'>): void {
    (socket as AdminConnection).proven = true;
  }

  /** Says that the body may come, to a client that has asked: nothing in the head speaks against it. */
  protected welcomeBody(req: IncomingMessage, res: ServerResponse): void {
    if (this.#asking.delete(req)) res.writeContinue();
  }

  #answerWhole(chunk: Buffer, connection: AdminConnection): WholeAnswer | null {
    const request = this.#whole!.read(chunk, connection);
    if (request === null) return null;
    let { closes } = request;
    let answer: Answer | null;
    try {
      answer = this.answerAtOnce(request);
    } catch (error) {
      this.#log.tell('admin_bug', { err: error });
      answer = ownFault;
      closes = true;
    }
    if (answer === null) return null;
    this.#connections.touch(connection);
    return { text: writtenAnswer(answer, closes, keepAliveTimeout, Date.now()), closes };
  }

  async #serve(req: IncomingMessage, res: ServerResponse): Promise<void> {
    const connection = req.socket as unknown as AdminConnection;
    res.once('close', () => {
      this.#connections.touch(connection);
      connection.next();
    });
    try {
      const answer = await this.answer(req, res);
      if (answer !== null) this.#send(req, res, answer);
    } catch (error) {
      // A client that left in the middle of its body gets no answer, and that is nobody's bug.
      if (req.destroyed && !req.complete) return;
      // A bug of the port must not end the gateway's connections.
      this.#log.tell('admin_bug', { err: error });
      if (res.headersSent) res.destroy();
      else this.#send(req, res, ownFault);
    }
  }

  #send(req: IncomingMessage, res: ServerResponse, answer: Answer): void {
    // The `close` of a client that left meanwhile has come already: what is lent now would never be given back.
    if (res.destroyed) return;
    // A body that was not read must not be taken for the next request.
    const unread = this.#takesBodies ? !req.complete : carriesBody(req.headers);
    const size = bytesOf(answer);
    const large = size > largeBytes ? size : 0;
    // One large answer is always given, whatever its size.
    if (large > 0 && this.#unreadBytes > 0 && this.#unreadBytes + large > maxUnreadBytes) {
      send(res, busy, unread, this.#everyAnswer);
      return;
    }
    this.#unreadBytes += large;
    const clock = setTimeout(() => res.destroy(), answerMs);
    res.once('close', () => {
      clearTimeout(clock);
      this.#unreadBytes -= large;
    });
    send(res, answer, unread, this.#everyAnswer);
  }
}

/** The answer to a client that spoke no HTTP, or none that is served here. */
function emptyAnswer(status: string, fields = ''): string {
  return `HTTP/1.1 ${status}\r\n${fields}Connection: close\r\nContent-Length: 0\r\n\r\n`;
}

const busy = problem(
  503,
  {
    code: 'busy',
    what: `answers that nobody has read yet hold ${maxUnreadBytes} bytes`,
    remedy: 'ask again in a second',
  },
  { 'Retry-After': '1' },
);

const ownFault = problem(500, {
  code: 'bug',
  what: 'Sluice failed to answer for a reason of its own',
  remedy: 'look for admin_bug in its log, and report what stands there',
});
