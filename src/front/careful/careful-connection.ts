/**
 * One connection in the careful lane: Node's parser gets one request at a time.
 *
 *   head ──► body ──► answer ──► head …
 *     │        └────────┴──► over: a closing answer; nothing more is parsed
 *     ├──► switched: the socket is somebody else's
 *     └──► broken: what came is no request
 *
 * The parser never gets bytes behind the end of a head or of a body: it would run ahead of the answer, begin requests
 * that nobody will answer, or drop what it takes for another protocol. What has been read beyond waits here, up to a
 * bound, and then the socket is read no further. A request is told when the parser has taken its whole head, so that
 * none is both served and refused.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { describePressure, Holding, type MemoryLedger } from '../../admission/memory.ts';
import { ChunkedEnd, HeadEnd } from '../../http/message-end.ts';
import { RequestLine } from '../../http/request-line.ts';
import { contain } from '../../mistakes.ts';
import type { RoundBudget, RoundWaiter } from '../../relay/core/round-budget.ts';
import { freeBuffer } from '../../relay/memory/copy-buffers.ts';
import type { Connection } from '../connection.ts';
import { sayFarewell } from '../farewell.ts';
import { HeldBytes } from '../held-bytes.ts';
import { CarefulStream } from './careful-stream.ts';
import { JoinedBody } from './joined-body.ts';
import { chunksPerRequest, costOf, PieceSize } from './piece-size.ts';

/** What the parser found in a head. */
export type ParsedHead =
  | { readonly kind: 'request'; readonly req: IncomingMessage; readonly res: ServerResponse }
  | { readonly kind: 'upgrade' | 'connect'; readonly req: IncomingMessage };

export interface CarefulEvents {
  /** A request, to be answered on its response. */
  request(req: IncomingMessage, res: ServerResponse): void;
  /**
   * The connection is to become another protocol: the socket is paused, without listeners, and `head` is what came
   * behind.
   */
  switched(req: IncomingMessage, head: Buffer, kind: 'upgrade' | 'connect'): void;
  /** What came is no request, or the rest of one. `answerable`: whether no answer has begun. */
  broken(error: NodeJS.ErrnoException, answerable: boolean): void;
}

/** How long it waits, in ms; 0 is for ever. */
export interface ConnectionTimeouts {
  /** For a header. */
  readonly headersMs: number;
  /** For the next request. */
  readonly keepAliveMs: number;
}

/** The most empty lines before a request (RFC 9112 §2.2 wants one to be ignored). Each costs the parser a call. */
const mostBlankPieces = 4;
/** A head that has come in part is in the parser as it came, and as strings. */
const bytesPerHeadByte = 2;
/** A head of this size is read to its end, however little memory there is. */
const freeHeadBytes = 4096;
/** What Node reads once more of a paused socket. */
const readBytes = 64 * 1024;
/**
 * What is held of the bytes that cannot be parsed yet: nobody takes the body, a step waits for an answer about the
 * request, or its answer is under way. The client's end is seen only behind those.
 */
const mostHeldBytes = 64 * 1024;

export class CarefulConnection implements RoundWaiter {
  readonly connection: Connection;
  readonly stream: CarefulStream;
  readonly #events: CarefulEvents;
  readonly #patience: () => ConnectionTimeouts;
  readonly #onData = (chunk: Buffer) => this.#contained(() => this.#read(chunk));
  readonly #onEnd = () => this.#contained(() => this.#end());
  readonly #onClose = () => this.#contained(() => this.#close());
  #turn: 'head' | 'body' | 'answer' | 'over' | 'switched' = 'head';
  /** Read and not parsed. */
  readonly #held = new HeldBytes();
  /** The peer has sent FIN behind what is held. */
  #ended = false;
  #found: ParsedHead | null = null;
  #res: ServerResponse | null = null;
  #answered = false;
  #headEnd = new HeadEnd();
  #line = new RequestLine();
  #blankPieces = 0;
  /** Bytes of the body still to come, or who looks for its end. */
  #body: number | ChunkedEnd = 0;
  /** Of a body in chunks. */
  #joined: JoinedBody | null = null;
  #pumping = false;
  readonly #pieceSize = new PieceSize();
  #waits = false;
  readonly #chunkBudget: RoundBudget;
  readonly #memory: MemoryLedger;
  readonly #holding: Holding;
  /** Bytes of the head that the parser has. */
  #headBytes = 0;

  constructor(
    connection: Connection,
    memory: MemoryLedger,
    chunkBudget: RoundBudget,
    patience: () => ConnectionTimeouts,
    events: CarefulEvents,
  ) {
    this.connection = connection;
    this.#memory = memory;
    this.#chunkBudget = chunkBudget;
    this.#holding = new Holding(memory);
    this.#events = events;
    this.#patience = patience;
    const { socket } = connection;
    this.stream = new CarefulStream(socket, { ended: () => this.#farewell(), destroyed: () => this.#destroyed() });
    this.stream.on('resume', () => this.#contained(() => this.#pump()));
    socket.on('error', ignore);
  }

  /** Begins with what has been read; the server must have been given the stream before. */
  start(bytes: Buffer): void {
    const { socket } = this.connection;
    socket.on('data', this.#onData).once('end', this.#onEnd).once('close', this.#onClose).resume();
    if (bytes.length === 0) this.connection.wait('request', this.#patience().headersMs);
    else this.#read(bytes);
  }

  /** The parser has read a head. */
  found(found: ParsedHead): void {
    this.#found = found;
  }

  /** The parser takes no more. */
  failed(error: NodeJS.ErrnoException): void {
    if (this.#turn === 'over' || this.#turn === 'switched') return;
    this.#break(error);
  }

  #read(chunk: Buffer): void {
    if (this.#turn === 'over') return;
    if (this.#turn === 'head' && this.connection.waitsFor !== 'header') this.#waitForHeader();
    const { buffer } = this.#held;
    this.#held.appendOwned(chunk);
    // Where they have been copied: nobody reads from what was taken before.
    if (this.#held.buffer !== buffer) freeBuffer(buffer);
    if (this.#held.buffer !== chunk) freeBuffer(chunk);
    this.#pump();
  }

  #waitForHeader(): void {
    this.connection.wait('header', this.#patience().headersMs, () => {
      this.#break(Object.assign(new Error('the header did not come in time'), { code: 'ERR_HTTP_REQUEST_TIMEOUT' }));
    });
  }

  #end(): void {
    this.#ended = true;
    const isAsked = this.#turn === 'body' || this.#turn === 'answer';
    // Nobody waits any more for what comes of the bytes before the end.
    if (this.connection.isJudged || (isAsked && this.#held.length > 0)) this.connection.socket.destroy();
    else this.#pump();
  }

  #close(): void {
    this.#turn = 'over';
    this.#held.clear();
    this.#holding.bytes = 0;
    this.connection.release();
    this.stream.destroy();
  }

  /** Feeds the parser as far as it may go. */
  #pump(): void {
    if (this.#pumping) return;
    this.#pumping = true;
    while (this.#feed());
    this.#pumping = false;
  }

  /** Feeds it one piece; `false` where it must wait. */
  #feed(): boolean {
    const { socket } = this.connection;
    if (this.#turn === 'over' || this.#turn === 'switched') return false;
    if (this.#held.length === 0) {
      // The peer's end must be seen while an answer is under way.
      if (this.#ended) this.stream.push(null);
      else socket.resume();
      return false;
    }
    if (this.#turn === 'answer' || this.#waits || !this.stream.flows) {
      this.#awaitFlow();
      return false;
    }
    this.#holding.bytes = 0;
    if (this.#turn === 'head') this.#feedHead();
    else this.#feedBody();
    return true;
  }

  /** What is held cannot be parsed now. */
  #awaitFlow(): void {
    const { socket } = this.connection;
    const readsOn = !this.#waits && this.#held.length < mostHeldBytes && !this.#memory.pressed;
    if (readsOn) socket.resume();
    else socket.pause();
    this.#holding.bytes = this.#held.capacity + (readsOn ? 0 : readBytes);
    // Nobody else could get back what waits for no more than a round of its own.
    if (this.#turn === 'head' && this.#waits && this.#memory.pressed) this.#breakForMemory();
  }

  #breakForMemory(): void {
    this.#break(Object.assign(new Error(describePressure(this.#memory)), { code: 'ERR_MEMORY' }));
  }

  #feedHead(): void {
    const end = this.#headEnd.find(this.#held.bytes, 0);
    const { buffer } = this.#held;
    const piece = this.#take(end);
    this.#headBytes += piece.length;
    this.#parse(this.#line.translate(piece), buffer);
    const found = this.#found;
    this.#found = null;
    if (this.#turn !== 'head') return;
    if (found !== null) this.#dispatch(found);
    else if (end < 0) this.#holdHead();
    else if (++this.#blankPieces > mostBlankPieces) {
      this.#break(Object.assign(new Error('there are too many empty lines before the request'), { code: 'HPE_BLANK' }));
    }
  }

  /** Holds what has come of a head. */
  #holdHead(): void {
    if (this.#headBytes > freeHeadBytes && this.#memory.pressed) {
      this.#breakForMemory();
    } else this.#holding.bytes = this.#headBytes * bytesPerHeadByte;
  }

  #feedBody(): void {
    const body = this.#body;
    const before = typeof body === 'number' ? 0 : body.chunks;
    const { buffer } = this.#held;
    const [piece, end] = typeof body === 'number' ? [this.#take(body), 0] : this.#takeChunks(body);
    const chunks = typeof body === 'number' ? 0 : body.chunks - before;
    const { length } = piece;
    if (!this.#chunkBudget.spend(costOf(length, chunks))) this.#awaitRound();
    this.#parse(piece, buffer);
    this.#joined?.passOn();
    if (this.#turn !== 'body') return;
    if (typeof this.#body === 'number') this.#body -= length;
    else if (this.#body.broken) {
      this.#break(Object.assign(new Error('the chunks of the body are malformed'), { code: 'HPE_CHUNK' }));
      return;
    }
    if (typeof this.#body === 'number' ? this.#body === 0 : end >= 0) this.#bodyEnded();
  }

  /** Gives the parser a piece that was taken out of `buffer`. It copies what it passes on: nobody reads that again. */
  #parse(piece: Buffer, buffer: Buffer): void {
    this.stream.feed(piece);
    if (this.#held.buffer !== buffer) freeBuffer(buffer);
  }

  /** Takes the next piece of a body in chunks, as far as that reaches; with where the body ends in it, or -1. */
  #takeChunks(body: ChunkedEnd): [piece: Buffer, end: number] {
    const before = body.chunks;
    const size = this.#pieceSize.bytes;
    const end = body.find(this.#held.bytes.subarray(0, size), 0);
    const chunks = body.chunks - before;
    this.#pieceSize.adapt(chunks);
    return [this.#take(end < 0 ? size : end), end];
  }

  #awaitRound(): void {
    this.#waits = true;
    this.#chunkBudget.wait(this);
  }

  onRound(): void {
    this.#waits = false;
    this.#pump();
  }

  reset(): void {
    this.connection.socket.destroy();
  }

  /** What a socket, the parser or the server calls; Node's parser throws what is thrown in what it calls. */
  #contained(call: () => void): void {
    contain(call, () => this.reset());
  }

  /** Takes the held bytes before `end`; all of them where it is -1 or beyond them. */
  #take(end: number): Buffer {
    return this.#held.take(end < 0 ? undefined : end);
  }

  #dispatch(found: ParsedHead): void {
    this.#blankPieces = 0;
    this.#headBytes = 0;
    this.#holding.bytes = 0;
    this.#headEnd = new HeadEnd();
    if (this.#line.target !== null) found.req.url = this.#line.target;
    this.#line = new RequestLine();
    this.connection.work();
    if (found.kind !== 'request') {
      this.#turn = 'switched';
      this.#letGo();
      this.connection.socket.off('close', this.#onClose);
      this.#events.switched(found.req, this.#held.take(), found.kind);
      return;
    }
    if (!this.#chunkBudget.spend(chunksPerRequest)) this.#awaitRound();
    const { req, res } = found;
    this.#res = res;
    this.#answered = false;
    this.#body = bodyOf(req);
    this.#joined = typeof this.#body === 'number' ? null : new JoinedBody(req, () => this.stream.pause());
    this.#turn = this.#body === 0 ? 'answer' : 'body';
    // Node's own listener comes first, and tells `ended` where this was the last answer.
    res.once('finish', () => this.#contained(() => this.#onAnswered()));
    this.#events.request(req, res);
  }

  #bodyEnded(): void {
    this.#turn = 'answer';
    this.#joined = null;
    if (this.#answered) this.#next();
  }

  #onAnswered(): void {
    this.#res = null;
    this.#answered = true;
    if (this.#turn === 'answer') {
      this.#next();
      this.#pump();
    } else if (this.#turn === 'body') {
      // A client that has its answer has no reason to go on sending for ever.
      this.connection.wait('end', this.#patience().keepAliveMs);
    }
  }

  /** The answer is complete and so is the request: now comes the next. */
  #next(): void {
    this.#turn = 'head';
    if (this.#held.length > 0) this.#waitForHeader();
    else this.connection.wait('another', this.#patience().keepAliveMs);
  }

  /** Ends the connection, because what came is no request or not the rest of one. What follows means nothing. */
  #break(error: NodeJS.ErrnoException): void {
    const answerable = !this.#res?.headersSent;
    this.#over();
    this.#events.broken(error, answerable);
  }

  /** The server has written its last answer. */
  #farewell(): void {
    if (this.#turn === 'over' || this.#turn === 'switched') return;
    this.#over();
    sayFarewell(this.connection.socket, null);
  }

  /** The server has given up. */
  #destroyed(): void {
    if (this.#found !== null) {
      // Node drops a client that begins with HTTP/2 without a word.
      this.#break(Object.assign(new Error('the client speaks HTTP/2'), { code: 'HPE_PRI' }));
    } else if (this.#turn !== 'over' && this.#turn !== 'switched') this.connection.socket.destroy();
  }

  /** Nothing more is parsed; what is left is our last word and the peer's end. */
  #over(): void {
    this.#turn = 'over';
    this.#held.clear();
    this.#holding.bytes = 0;
    this.#letGo();
    this.connection.wait('end', 0);
  }

  /** Leaves the socket, paused, to its next reader. */
  #letGo(): void {
    const { socket } = this.connection;
    socket.pause();
    socket.off('data', this.#onData).off('end', this.#onEnd);
  }
}

/** The part of a request behind its head. The parser has taken the head, so it knows the framing. */
function bodyOf({ headers }: IncomingMessage): number | ChunkedEnd {
  if (headers['transfer-encoding'] !== undefined) return new ChunkedEnd();
  return Number(headers['content-length'] ?? 0);
}

function ignore(): void {}
