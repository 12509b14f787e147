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
import { contain } from '../../mistakes.ts';
import type { RoundBudget, RoundWaiter } from '../../relay/core/round-budget.ts';
import { answeredByUs } from '../answer.ts';
import type { Connection } from '../connection.ts';
import { sayFarewell } from '../farewell.ts';
import { HeldBytes, mostHeldBytes, readBehindPause } from '../held-bytes.ts';
import { CarefulStream } from './careful-stream.ts';
import { PendingHead } from './pending-head.ts';
import { chunksPerRequest, costOf, PieceSize } from './piece-size.ts';
import { bodyOf, type RequestBody } from './request-body.ts';

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
  /** What came is no request, or not the rest of one. `answerable`: whether no answer to it has begun. */
  broken(error: NodeJS.ErrnoException, answerable: boolean): void;
}

/** How long it waits, in ms; 0 is for ever. */
export interface ConnectionTimeouts {
  /** For a header. */
  readonly headersMs: number;
  /** For the next request. */
  readonly keepAliveMs: number;
}

/** What has come of a head, or of trailers, is in the parser as it came, and as strings. */
const bytesPerHeadByte = 2;
/** A head, or trailers, of this size are read to the end, however little memory there is. */
const freeHeadBytes = 4096;

export class CarefulConnection implements RoundWaiter {
  readonly connection: Connection;
  readonly stream: CarefulStream;
  readonly #events: CarefulEvents;
  readonly #patience: () => ConnectionTimeouts;
  readonly #onData = (chunk: Buffer) => this.#contained(() => this.#read(chunk));
  readonly #onEnd = () => this.#contained(() => this.#end());
  readonly #onClose = () => this.#contained(() => this.#close());
  #turn: 'head' | 'body' | 'answer' | 'over' | 'switched' = 'head';
  /**
   * Read and not parsed: nobody takes the body, a step waits for an answer about the request, or its answer is under
   * way. The client's end is seen only behind those.
   */
  readonly #held = new HeldBytes();
  /** The peer has sent FIN behind what is held. */
  #ended = false;
  #found: ParsedHead | null = null;
  /** `null` while there is nothing to be answered. */
  #res: ServerResponse | null = null;
  #head = new PendingHead();
  #body: RequestBody | null = null;
  #pumping = false;
  readonly #pieceSize = new PieceSize();
  #waits = false;
  readonly #chunkBudget: RoundBudget;
  readonly #memory: MemoryLedger;
  readonly #holding: Holding;
  /** Bytes that Node keeps of the request's trailers until it is answered. */
  #kept = 0;

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
    this.#held.appendOwned(chunk);
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
    this.#holding.bytes = this.#kept;
    if (this.#turn === 'head') this.#feedHead(this.#head);
    else this.#feedBody(this.#body!);
    return true;
  }

  /** What is held cannot be parsed now. */
  #awaitFlow(): void {
    const { socket } = this.connection;
    const readsOn = !this.#waits && this.#held.length < mostHeldBytes && !this.#memory.pressed;
    if (readsOn) socket.resume();
    else socket.pause();
    this.#holding.bytes = this.#kept + this.#held.capacity + (readsOn ? 0 : readBehindPause);
    // Nobody else could get back what waits for no more than a round of its own.
    if (this.#turn === 'head' && this.#waits && this.#memory.pressed) this.#breakForMemory();
  }

  #breakForMemory(): void {
    this.#break(Object.assign(new Error(describePressure(this.#memory)), { code: 'ERR_MEMORY' }));
  }

  #feedHead(head: PendingHead): void {
    this.#feedPiece(head.find(this.#held.bytes), (piece) => head.translate(piece));
    const found = this.#found;
    this.#found = null;
    if (this.#turn !== 'head') return;
    if (found !== null) this.#dispatch(found);
    else if (head.isOpen) this.#holdHead(head);
    else if (!head.addBlank()) {
      this.#break(Object.assign(new Error('there are too many empty lines before the request'), { code: 'HPE_BLANK' }));
    }
  }

  /** Holds what has come of a head. */
  #holdHead({ bytes }: PendingHead): void {
    if (bytes > freeHeadBytes && this.#memory.pressed) this.#breakForMemory();
    else this.#holding.bytes = bytes * bytesPerHeadByte;
  }

  #feedBody(body: RequestBody): void {
    const length = body.next(this.#held.bytes);
    if (!this.#chunkBudget.spend(costOf(length, body.chunks))) this.#awaitRound();
    this.#feedPiece(length, (piece) => piece);
    body.passOn();
    if (this.#turn !== 'body') return;
    this.#kept = this.#holding.bytes = body.trailerBytes * bytesPerHeadByte;
    if (body.state === 'broken') {
      this.#break(Object.assign(new Error('the chunks of the body are malformed'), { code: 'HPE_CHUNK' }));
    } else if (body.state === 'whole') this.#bodyEnded();
    else if (body.trailerBytes > freeHeadBytes && this.#memory.pressed) this.#breakForMemory();
  }

  /** Gives the parser the next bytes that are held. It copies what it passes on. */
  #feedPiece(length: number, translate: (piece: Buffer) => Buffer): void {
    this.#held.pass(length, (piece) => this.stream.feed(translate(piece)));
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

  #dispatch(found: ParsedHead): void {
    if (this.connection.isLast) {
      this.#farewell();
      return;
    }
    const { target } = this.#head;
    if (target !== null) found.req.url = target;
    this.#head = new PendingHead();
    this.#holding.bytes = 0;
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
    this.#body = bodyOf(req, this.#pieceSize, () => this.stream.pause());
    this.#turn = this.#body.state === 'whole' ? 'answer' : 'body';
    res.on(answeredByUs, () => this.#awaitClient());
    // Node's own listener comes first, and tells `ended` where this was the last answer.
    res.once('finish', () => this.#contained(() => this.#onAnswered()));
    this.#events.request(req, res);
  }

  #bodyEnded(): void {
    this.#turn = 'answer';
    this.#body = null;
    if (this.#res === null) this.#next();
  }

  /**
   * All that is left of a request that was answered by us is what its client still sends, or has not taken. Others may
   * have its place meanwhile; whoever answers has the clock.
   */
  #awaitClient(): void {
    if (this.#turn === 'body' || this.#turn === 'answer') this.connection.wait('end', 0);
  }

  #onAnswered(): void {
    this.#res = null;
    if (this.#turn === 'answer') {
      this.#next();
      this.#pump();
    } else if (this.#turn === 'body') {
      // A client that has its answer has no reason to go on sending for ever.
      this.connection.wait('end', this.#patience().keepAliveMs);
    }
  }

  /** The answer is complete and so is the request: now comes the next, if one may. */
  #next(): void {
    if (this.connection.isLast) {
      this.#farewell();
      return;
    }
    this.#turn = 'head';
    this.#kept = this.#holding.bytes = 0;
    if (this.#held.length > 0) this.#waitForHeader();
    else this.connection.wait('another', this.#patience().keepAliveMs);
  }

  /** Ends the connection, because what came is no request or not the rest of one. What follows means nothing. */
  #break(error: NodeJS.ErrnoException): void {
    // Behind its answer a request gets no second one, which would be taken for that to the next.
    const answerable = this.#turn === 'head' || this.#res?.headersSent === false;
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

function ignore(): void {}
