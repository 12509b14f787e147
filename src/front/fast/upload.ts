/** The body of a request on its way to the upstream. */
import { BodyEvent, BodyParser } from '../../http/wire/body-parser.ts';
import { type Framing, requestFraming } from '../../http/wire/framing.ts';
import type { Head } from '../../http/wire/head.ts';
import { HeadParser, HeadProgress, parserBytes } from '../../http/wire/head-parser.ts';
import { type Keeper, owned } from '../../relay/memory/read-buffers.ts';

/** What came of some bytes: more is to come, it is whole, it is too large, or it is no body. */
export type UploadState = 'open' | 'whole' | 'over' | 'broken';

/** Where it is passed on to. */
export interface UploadOutlet {
  /** Bytes without a keeper may change as soon as this returns. */
  append(chunk: Buffer, start: number, end: number, keeper: Keeper | null): void;
}

const lineEnd = Buffer.from('\r\n');

export class Upload {
  state: UploadState;
  /** What is wrong with it, for people. */
  fault = '';
  readonly #body: BodyParser | null;
  readonly #length: number;
  /** Trailers go no further, because they may say anything. Until they end they are checked. */
  #trailers: HeadParser | null = null;

  /** `limit`: the most bytes that chunks may carry. A declared length has been compared already. */
  constructor(framing: Framing, length: number, limit: number) {
    this.state = framing === 'none' ? 'whole' : 'open';
    this.#length = framing === 'chunked' ? Number.POSITIVE_INFINITY : length;
    this.#body = framing === 'none' ? null : new BodyParser();
    this.#body?.begin(framing, length, limit);
  }

  /** Bytes of the payload so far. */
  get payloadBytes(): number {
    return this.#body?.payloadBytes ?? 0;
  }

  /** Bytes of the payload that are to come; `Infinity` for chunks. */
  get remainingBytes(): number {
    return this.state === 'open' ? this.#length - this.payloadBytes : 0;
  }

  /** Bytes of the payload as far as they are announced. */
  get announcedBytes(): number {
    return this.#body?.announced ?? 0;
  }

  /** Chunks that have begun. */
  get chunks(): number {
    return this.#body?.chunks ?? 0;
  }

  /** What is held of trailers that are not whole. */
  get heldBytes(): number {
    return this.#trailers === null || this.state !== 'open' ? 0 : parserBytes + this.#trailers.capacity;
  }

  /** Drops what is left, however much it is. */
  drop(): void {
    this.#body?.ignoreLimit();
    if (this.state === 'over') this.state = 'open';
  }

  /** Passes bytes on to `out`, or drops them. Returns where in the chunk those begin that do not belong to the body. */
  read(chunk: Buffer, start: number, end: number, keeper: Keeper | null, out: UploadOutlet | null): number {
    const body = this.#body!;
    if (this.#trailers !== null) return this.#readTrailers(this.#trailers, chunk, start, end, out);
    body.feed(chunk, start, end);
    for (;;) {
      switch (body.next()) {
        case BodyEvent.pass:
          out?.append(body.bytes, body.spanStart, body.spanEnd, body.bytes === chunk ? keeper : null);
          break;
        case BodyEvent.starved:
          return end;
        case BodyEvent.end:
          this.state = 'whole';
          return body.position;
        case BodyEvent.over:
          this.state = 'over';
          return body.position;
        case BodyEvent.trailers:
          this.#trailers = new HeadParser('trailers');
          return this.#readTrailers(this.#trailers, chunk, body.position, end, out);
        default:
          return this.#break(body.fault, end);
      }
    }
  }

  #readTrailers(trailers: HeadParser, chunk: Buffer, start: number, end: number, out: UploadOutlet | null): number {
    const progress = trailers.feed(chunk, start, end);
    if (progress === HeadProgress.starved) return end;
    if (progress !== HeadProgress.head) return this.#break('the trailers are no header lines', end);
    out?.append(lineEnd, 0, lineEnd.length, owned);
    this.state = 'whole';
    return trailers.position;
  }

  #break(fault: string, end: number): number {
    this.state = 'broken';
    this.fault = fault;
    return end;
  }
}

/** The body of a request that nobody wants. */
export function unwantedBody(head: Head): Upload {
  return new Upload(requestFraming(head), head.contentLength, Number.POSITIVE_INFINITY);
}
