/**
 * The answer on its way to the client: its head, and its body as the upstream frames it. Where the upstream ends the
 * body with its connection, Sluice puts it into chunks, so that the client can tell a whole body from one that broke
 * off.
 */
import { BodyEvent, BodyParser } from '../../http/wire/body-parser.ts';
import type { Framing } from '../../http/wire/framing.ts';
import { HeadParser, HeadProgress, parserBytes } from '../../http/wire/head-parser.ts';
import type { HeadWriter } from '../../http/wire/head-writer.ts';
import { type Keeper, owned } from '../../relay/memory/read-buffers.ts';
import type { Line } from './line.ts';

/** What came of some bytes: more is to come, it is whole, or it is no body. */
export type DownloadState = 'open' | 'whole' | 'broken';

/** So much of a body goes in one write with its head: copying it costs less than another system call. */
const mostJoined = 16 * 1024;
const lineEnd = Buffer.from('\r\n');
const lastChunk = Buffer.from('0\r\n\r\n');

export class Download {
  state: DownloadState = 'open';
  readonly #client: Line;
  readonly #heads: HeadWriter;
  readonly #body = new BodyParser();
  readonly #chunks: boolean;
  #trailers: HeadParser | null = null;
  #countedChunks = 0;

  /** `heads` holds the head, which has not been sent. */
  constructor(client: Line, heads: HeadWriter, framing: Framing, length: number) {
    this.#client = client;
    this.#heads = heads;
    this.#chunks = framing === 'close';
    this.#body.begin(framing, length, Number.POSITIVE_INFINITY);
  }

  /** What is held of trailers that are not whole. */
  get heldBytes(): number {
    return this.#trailers === null || this.state !== 'open' ? 0 : parserBytes + this.#trailers.capacity;
  }

  /** Chunks that have begun since this was called last. */
  countChunks(): number {
    const { chunks } = this.#body;
    const more = chunks - this.#countedChunks;
    this.#countedChunks = chunks;
    return more;
  }

  /** Nothing but the end of the upstream's connection ends it. */
  get endsWithConnection(): boolean {
    return this.#chunks;
  }

  /** Sends the head, with the beginning of the body where that has come with it. Returns where the answer ends. */
  begin(chunk: Buffer, start: number, end: number, keeper: Keeper | null): number {
    if (start === end && !this.#body.complete) {
      this.#sendHead();
      return end;
    }
    const joins = end - start <= mostJoined;
    if (!joins) this.#sendHead();
    const position = this.#read(chunk, start, end, keeper, joins);
    if (joins) this.#sendHead();
    this.#client.writer.flush();
    return position;
  }

  /** Passes bytes on. Returns where in the chunk those begin that do not belong to the answer. */
  read(chunk: Buffer, start: number, end: number, keeper: Keeper | null): number {
    const position = this.#read(chunk, start, end, keeper, false);
    this.#client.writer.flush();
    return position;
  }

  /** The upstream has ended its connection. */
  end(): void {
    if (!this.#chunks) {
      this.state = 'broken';
      return;
    }
    this.#client.send(lastChunk, 0, lastChunk.length);
    this.state = 'whole';
  }

  #read(chunk: Buffer, start: number, end: number, keeper: Keeper | null, joins: boolean): number {
    if (this.#trailers !== null) return this.#readTrailers(this.#trailers, chunk, start, end);
    const body = this.#body;
    body.feed(chunk, start, end);
    for (;;) {
      switch (body.next()) {
        case BodyEvent.pass:
          if (this.#chunks) this.#passChunk(chunk, body.spanStart, body.spanEnd, keeper, joins);
          else if (joins) this.#heads.join(body.bytes, body.spanStart, body.spanEnd);
          else
            this.#client.writer.append(body.bytes, body.spanStart, body.spanEnd, body.bytes === chunk ? keeper : null);
          break;
        case BodyEvent.starved:
          return end;
        case BodyEvent.end:
          this.state = 'whole';
          return body.position;
        case BodyEvent.trailers:
          if (joins) this.#sendHead();
          this.#trailers = new HeadParser('trailers');
          return this.#readTrailers(this.#trailers, chunk, body.position, end);
        default:
          this.state = 'broken';
          return end;
      }
    }
  }

  #passChunk(chunk: Buffer, start: number, end: number, keeper: Keeper | null, joins: boolean): void {
    const size = Buffer.from(`${(end - start).toString(16)}\r\n`, 'latin1');
    if (joins) {
      this.#heads.join(size, 0, size.length);
      this.#heads.join(chunk, start, end);
      this.#heads.join(lineEnd, 0, lineEnd.length);
      return;
    }
    const { writer } = this.#client;
    writer.append(size, 0, size.length, owned);
    writer.append(chunk, start, end, keeper);
    writer.append(lineEnd, 0, lineEnd.length, owned);
  }

  #readTrailers(trailers: HeadParser, chunk: Buffer, start: number, end: number): number {
    const progress = trailers.feed(chunk, start, end);
    if (progress === HeadProgress.starved) return end;
    if (progress !== HeadProgress.head) {
      this.state = 'broken';
      return end;
    }
    this.#client.writer.flush();
    this.#heads.trailers(trailers);
    this.#sendHead();
    this.state = 'whole';
    return trailers.position;
  }

  /** Sends what the head writer holds. */
  #sendHead(): void {
    const heads = this.#heads;
    if (heads.length > 0 && !this.#client.send(heads.bytes, 0, heads.length)) heads.renew();
    heads.length = 0;
  }
}
