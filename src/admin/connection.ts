/**
 * One connection of the admin port, as Node's HTTP server sees it. It lets one request in at a time, because Node would
 * begin to serve everything that a client sends ahead. If no endpoint takes a body, a request ends with its head. What
 * comes behind it waits in the kernel, but for the one read that brought both.
 *
 *   idle ─► whole in one piece, and answered at once ─► busy ─► idle
 *     └──► any other: given to Node's server ─► head ─► body ─► busy ─► idle
 */
import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { contain } from '../mistakes.ts';
import { freeBuffer } from '../relay/memory/copy-buffers.ts';
import { lowerMarks, lowMark } from '../relay/transport/low-marks.ts';
import { boundRecords } from '../relay/transport/tls-records.ts';
import { type BodyEnd, bodyEndOf } from './body-end.ts';

/** A request's head must be there in this time. */
const headMs = 10_000;
/**
 * How long a connection may be idle between two requests. It is a little longer than what the `Keep-Alive` header
 * promises.
 */
const idleMs = 6000;
/**
 * How long a connection that ends is read on. With unread bytes the kernel would reset it, and the answer would be
 * lost.
 */
const lingerMs = 2000;

/** A head in more pieces is put together. */
const mostPieces = 64;

const blankLine = Buffer.from('\r\n\r\n');
const nothing = Buffer.alloc(0);
const tooLate = 'HTTP/1.1 408 Request Timeout\r\nConnection: close\r\nContent-Length: 0\r\n\r\n';

/** Text, or bytes with `buffer` for an encoding. */
interface Written {
  readonly chunk: unknown;
  readonly encoding: BufferEncoding;
}

/** An answer, all of it, and whether nothing comes behind it. */
export interface WholeAnswer {
  readonly text: string;
  readonly closes: boolean;
}

/** Answers requests at once that come whole, in one piece; `null` leaves one to Node's server. */
export type AnswerWhole = (chunk: Buffer, connection: AdminConnection) => WholeAnswer | null;

export interface AdminConnectionParts {
  /** Whether a body belongs to its request. If not, a request ends with its head. */
  readonly takesBodies?: boolean;
  /** Unless given, all requests are for Node's server, which has the connection from its beginning. */
  readonly whole?: WholeParts;
}

export interface WholeParts {
  readonly answer: AnswerWhole;
  /** Called before Node's server gets the first of what it shall answer. */
  readonly attach: (connection: AdminConnection) => void;
}

export class AdminConnection extends Duplex {
  /** Somebody has asked here who had a token: others go before. */
  proven = false;
  readonly #socket: Socket;
  readonly #answerWhole: AnswerWhole | null;
  #attach: ((connection: AdminConnection) => void) | null;
  /** What came behind the request that is served. */
  #held: Buffer | null = null;
  /** The last bytes of the head that is under way: a blank line may come in pieces. */
  #tail: Buffer = nothing;
  #state: 'idle' | 'head' | 'body' | 'busy' | 'ending' = 'idle';
  /** The head that is under way, if bodies are taken: it says how long its body is. */
  #head: Buffer[] | null;
  #body: BodyEnd | null = null;
  #ended = false;
  #clock: NodeJS.Timeout | null = null;
  #clockMs: number | null = null;

  constructor(socket: Socket, { takesBodies = false, whole }: AdminConnectionParts = {}) {
    // Heads are text, which the socket writes as it is.
    super({ readableHighWaterMark: lowMark, decodeStrings: false });
    lowerMarks(socket);
    boundRecords(socket);
    this.#head = takesBodies ? [] : null;
    this.#answerWhole = whole?.answer ?? null;
    this.#attach = whole?.attach ?? null;
    this.#socket = socket;
    socket
      .on('data', (chunk: Buffer) => this.#contained(() => this.#take(chunk)))
      .on('end', () => this.#contained(() => this.#onEnd()))
      .on('error', () => this.destroy())
      .on('close', () => this.destroy());
    // What goes wrong ends the connection, and nothing else. Node's server listens to that, but lets go behind CONNECT.
    this.on('error', ignore);
    this.#setClock(headMs);
  }

  get remoteAddress(): string | undefined {
    return this.#socket.remoteAddress;
  }

  /** Whether a request is being served. */
  get busy(): boolean {
    return this.#state === 'busy';
  }

  /** The answer is out: the next request may come in. */
  next(): void {
    if (!this.#mayGoOn) return;
    // Others have their turn before the requests that were sent ahead.
    if (this.#held === null) this.#goOn();
    else setImmediate(() => this.#contained(() => this.#goOn()));
  }

  /** Behind a closing answer nothing is a request any more. */
  get #mayGoOn(): boolean {
    return this.#state === 'busy' && !this.writableEnded && !this.destroyed;
  }

  #contained(call: () => void): void {
    contain(call, () => this.destroy());
  }

  #goOn(): void {
    if (!this.#mayGoOn) return;
    this.#state = 'idle';
    this.#setClock(idleMs);
    const held = this.#held;
    this.#held = null;
    if (held !== null) this.#take(held);
    // Taking it may have made it busy again.
    if (this.#held !== null) return;
    if (this.#ended) this.#passEnd();
    else this.#socket.resume();
  }

  /** The client says no more: nothing of Node's ends a connection that it has not seen. */
  #passEnd(): void {
    this.push(null);
    if (this.#attach !== null && this.#state === 'idle') this.#endWith('');
  }

  #take(chunk: Buffer): void {
    if (this.#state === 'ending') {
      freeBuffer(chunk);
      return;
    }
    if (this.#state === 'busy') {
      this.#held = this.#held === null ? chunk : Buffer.concat([this.#held, chunk]);
      this.#socket.pause();
      return;
    }
    if (this.#state !== 'idle') {
      this.#takeMore(chunk);
      return;
    }
    const answer = this.#answerWhole?.(chunk, this) ?? null;
    if (answer !== null) {
      this.#write(answer);
      return;
    }
    // Empty lines before a request are no end of one (RFC 9112 §2.2).
    const from = chunk.findIndex((byte) => byte !== 0x0d && byte !== 0x0a);
    if (from < 0) return;
    this.#attach?.(this);
    this.#attach = null;
    this.#state = 'head';
    this.#takeMore(from === 0 ? chunk : chunk.subarray(from));
    // Most requests come in one piece.
    if (this.#isUnderWay && !this.destroyed) this.#setClock(headMs);
  }

  #write({ text, closes }: WholeAnswer): void {
    if (closes) {
      this.#endWith(text);
      return;
    }
    this.#state = 'busy';
    this.#socket.write(text, this.#written);
  }

  /** One for all answers of the connection. */
  readonly #written = () => this.#contained(() => this.next());

  /** Ends a connection that Node's server has nothing to say on; it goes when its client goes, or after a while. */
  #endWith(text: string): void {
    this.#state = 'ending';
    this.#setClock(lingerMs);
    if (text !== '') this.#socket.write(text);
    this.#socket.end();
  }

  get #isUnderWay(): boolean {
    return this.#state === 'head' || this.#state === 'body';
  }

  #takeMore(chunk: Buffer): void {
    if (this.#state === 'body') {
      this.#takeBody(chunk, 0);
      return;
    }
    const looked = this.#tail.length === 0 ? chunk : Buffer.concat([this.#tail, chunk]);
    const at = looked.indexOf(blankLine);
    if (at < 0) {
      this.#tail = looked.subarray(-(blankLine.length - 1));
      this.#keepHead(chunk);
      this.push(chunk);
      return;
    }
    const end = at + blankLine.length - this.#tail.length;
    this.#tail = nothing;
    if (this.#head !== null) {
      const begun = Buffer.concat(this.#head).toString('latin1');
      this.#head.length = 0;
      this.#body = bodyEndOf(begun + chunk.toString('latin1', 0, end));
    }
    if (this.#body === null) this.#finish(chunk, end);
    else {
      this.#state = 'body';
      this.#takeBody(chunk, end);
    }
  }

  /** A buffer takes a hundred times as much as the byte that may be all that is in it. */
  #keepHead(chunk: Buffer): void {
    if (this.#head !== null && this.#head.push(chunk) > mostPieces) this.#head = [Buffer.concat(this.#head)];
  }

  /** Passes a piece on whole: the parser is called once for a head and the body that came with it. */
  #takeBody(chunk: Buffer, from: number): void {
    const end = this.#body!.find(chunk, from);
    if (end >= 0) {
      this.#body = null;
      this.#finish(chunk, end);
    } else if (!this.push(chunk)) this.#socket.pause();
  }

  /** The request is whole. What stands behind it waits. */
  #finish(chunk: Buffer, end: number): void {
    this.#state = 'busy';
    this.#setClock(null);
    if (end < chunk.length) {
      this.#held = chunk.subarray(end);
      this.#socket.pause();
    }
    this.push(end === chunk.length ? chunk : chunk.subarray(0, end));
  }

  #onEnd(): void {
    this.#ended = true;
    if (this.#held === null) this.#passEnd();
  }

  #setClock(ms: number | null): void {
    if (this.#clock !== null) {
      // As it is after each answer, which came at once.
      if (ms === this.#clockMs) {
        this.#clock.refresh();
        return;
      }
      clearTimeout(this.#clock);
    }
    this.#clockMs = ms;
    this.#clock = ms === null ? null : setTimeout(() => this.#onLate(), ms).unref();
  }

  #onLate(): void {
    if (this.#isUnderWay) this.#socket.write(tooLate);
    this.destroy();
  }

  override _read(): void {
    if (this.#state !== 'busy' || this.#held === null) this.#socket.resume();
  }

  override _write(chunk: unknown, encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.#socket.write(chunk as string, encoding, done);
  }

  override _writev(chunks: readonly Written[], done: (error?: Error | null) => void): void {
    this.#socket.cork();
    for (const [i, { chunk, encoding }] of chunks.entries())
      this.#socket.write(chunk as string, encoding, i + 1 === chunks.length ? done : undefined);
    this.#socket.uncork();
  }

  override _final(done: () => void): void {
    this.#state = 'ending';
    this.#held = null;
    this.#setClock(lingerMs);
    this.#socket.end(() => done());
    this.#socket.resume();
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#setClock(null);
    // A caller that waits for the end may free what was written.
    if (this.#socket.closed) done(error);
    else this.#socket.once('close', () => done(error)).destroy();
  }
}

function ignore(): void {}
