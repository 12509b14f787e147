/**
 * The body parser: bytes in, spans out, which are to be passed on as they came. It counts the payload, and says so
 * before a byte would cross the limit.
 *
 *             ┌──────────────────────────────────────────┐
 *             ▼                                          │
 *   begin ─► size ─► extension (dropped) ─► data ─► data's line end        chunked (RFC 9112 §7.1)
 *             │ 0
 *             ├─► end           no trailers
 *             └─► trailers      the caller reads them, and calls `endTrailers`
 *
 *   begin ─► rest ─► end        with a length; without one it ends with the connection
 *
 * A chunk's size is passed on only when it is whole, valid and within the limit. `next()` is called until it returns
 * `BodyEvent.starved` or an end; what is passed on is the same however the bytes were cut.
 */
import { cr, hexValue, isValue, lf, semicolon } from './characters.ts';
import type { Framing } from './framing.ts';

/** What `next()` found. */
export const BodyEvent = {
  /** All fed bytes are used up. */
  starved: 0,
  /** The bytes from `spanStart` to `spanEnd` of `bytes` are to be passed on. */
  pass: 1,
  /** The body is complete. */
  end: 2,
  /** What follows are trailers, from `position` on. */
  trailers: 3,
  /** The payload is over the limit: see `announced`. Nothing of what is too much has been passed on. */
  over: 4,
  /** The chunks are broken: see `fault`. */
  fault: 5,
} as const;
export type BodyEvent = (typeof BodyEvent)[keyof typeof BodyEvent];

const State = {
  rest: 0,
  size: 1,
  extension: 2,
  sizeLf: 3,
  data: 4,
  dataCr: 5,
  dataLf: 6,
  last: 7,
  lastLf: 8,
  trailers: 9,
  end: 10,
  over: 11,
  fault: 12,
} as const;

/** More digits, zeros among them, say nothing that fewer cannot say. */
const mostDigits = 16;
/** Extensions of all chunks together, as Node bounds them: they are work that no limit of a route counts. */
const mostExtensionBytes = 16 * 1024;
/**
 * So many chunks may have one. Each costs two writes, of its size and of what stands before that: 64 KiB that were full
 * of empty ones took 13 ms, in place of 0.4.
 */
const mostExtensions = 256;
const empty = Buffer.alloc(0);
const noDigit = 255;

/** What the last states tell, again and again. */
const ends: Readonly<Record<number, BodyEvent>> = {
  [State.trailers]: BodyEvent.trailers,
  [State.end]: BodyEvent.end,
  [State.over]: BodyEvent.over,
  [State.fault]: BodyEvent.fault,
};

export class BodyParser {
  /** Where the span stands: the chunk that was fed, or a buffer of the parser's for a size that was split. */
  bytes: Buffer = empty;
  spanStart = 0;
  spanEnd = 0;
  /** Where in the fed chunk the unread bytes begin. */
  position = 0;
  /** Bytes of the payload so far. */
  payloadBytes = 0;
  /** The payload as far as it is announced, in bytes. */
  announced = 0;
  /** Chunks that have begun, the last one among them. */
  chunks = 0;
  /** What is wrong with the chunks, for people. */
  fault = '';

  #chunk: Buffer = empty;
  #end = 0;
  #state: number = State.end;
  #limit = 0;
  /** Bytes of the body, or of the present chunk, still to come. */
  #remaining = 0;
  #size = 0;
  #digits = 0;
  #extensions = 0;
  #extensionBytes = 0;
  /** A size line that is not whole; made when first needed. */
  #line: Buffer = empty;

  /** Begins a body. `length` matters to that framing alone, `limit` to chunks alone. */
  begin(framing: Framing, length: number, limit: number): void {
    this.payloadBytes = 0;
    this.chunks = 0;
    this.announced = framing === 'length' ? length : 0;
    this.#limit = limit;
    this.#size = 0;
    this.#digits = 0;
    this.#extensions = 0;
    this.#extensionBytes = 0;
    this.#remaining = framing === 'length' ? length : Number.POSITIVE_INFINITY;
    this.#state = framing === 'none' ? State.end : framing === 'chunked' ? State.size : State.rest;
  }

  /** Whether all of the body has been read. */
  get complete(): boolean {
    return this.#state === State.end;
  }

  /** Gives the next bytes. The chunk must stay unchanged until `next()` has returned `starved` or an end. */
  feed(chunk: Buffer, start: number, end: number): void {
    this.#chunk = chunk;
    this.position = start;
    this.#end = end;
  }

  next(): BodyEvent {
    this.bytes = this.#chunk;
    this.spanStart = this.position;
    let event: BodyEvent | undefined;
    while (event === undefined) event = this.#step();
    if (this.bytes !== this.#chunk) return BodyEvent.pass;
    // What stands behind the span is found again, and told, at the next call.
    this.spanEnd = this.position;
    return this.spanStart < this.spanEnd ? BodyEvent.pass : event;
  }

  /** The limit matters no more: what is over it is read too, by somebody who throws it away. */
  ignoreLimit(): void {
    this.#limit = Number.POSITIVE_INFINITY;
    if (this.#state === State.over) this.#begin(this.#size);
  }

  /** The trailers have been read; behind them stands `position`. */
  endTrailers(position: number): void {
    this.position = position;
    this.#state = State.end;
  }

  /** Moves on; `undefined` where all that it moved over is to be passed on as it came. */
  #step(): BodyEvent | undefined {
    if (this.#state >= State.trailers) return ends[this.#state];
    if (this.position === this.#end) return BodyEvent.starved;
    switch (this.#state) {
      case State.rest:
      case State.data:
        return this.#readPayload();
      case State.size:
        return this.#readSize();
      case State.extension:
        return this.#skipExtension();
      case State.sizeLf:
        return this.#readByte(lf)
          ? this.#releaseLine()
          : this.#fail('a line feed is missing behind the size of a chunk');
      case State.dataCr:
        return this.#passByte(cr, State.dataLf);
      case State.dataLf:
        return this.#passByte(lf, State.size);
      case State.last:
        if (this.#chunk[this.position] !== cr) return this.#stop(State.trailers);
        return this.#passByte(cr, State.lastLf);
      default:
        return this.#passByte(lf, State.end);
    }
  }

  #readPayload(): undefined {
    const bytes = Math.min(this.#end - this.position, this.#remaining);
    this.position += bytes;
    this.payloadBytes += bytes;
    this.#remaining -= bytes;
    if (this.#remaining === 0) this.#state = this.#state === State.data ? State.dataCr : State.end;
  }

  /** RFC 9112 §7.1: digits, an extension maybe, CRLF. In the usual case all of it is here, and stays where it is. */
  #readSize(): BodyEvent | undefined {
    const chunk = this.#chunk;
    let size = this.#size;
    let at = this.position;
    while (at < this.#end && hexValue[chunk[at]!] !== noDigit) size = size * 16 + hexValue[chunk[at++]!]!;
    const digits = this.#digits + at - this.position;
    if (digits > mostDigits || size > Number.MAX_SAFE_INTEGER) return this.#fail('the size of a chunk is too long');
    if (this.#digits === 0 && at + 1 < this.#end && chunk[at] === cr && chunk[at + 1] === lf && digits > 0) {
      return this.#accept(size, at + 2);
    }
    if (at < this.#end && (digits === 0 || (chunk[at] !== cr && chunk[at] !== semicolon))) {
      return this.#fail('the size of a chunk is no hexadecimal number');
    }
    if (this.#isSpanning) return BodyEvent.starved;
    this.#holdDigits(at);
    this.#size = size;
    if (at === this.#end) return undefined;
    const isExtended = chunk[at] !== cr;
    if (isExtended && ++this.#extensions > mostExtensions) return this.#fail('too many chunks have extensions');
    this.#state = isExtended ? State.extension : State.sizeLf;
    this.#skipTo(at + 1);
    return undefined;
  }

  /** A chunk of so many bytes begins at `next`, if the limit allows it. */
  #accept(size: number, next: number): BodyEvent | undefined {
    if (this.announced + size > this.#limit) {
      if (this.#isSpanning) return BodyEvent.starved;
      this.#skipTo(next);
      return this.#exceed(size);
    }
    this.announced += size;
    this.#begin(size);
    this.position = next;
    return undefined;
  }

  #exceed(size: number): BodyEvent | undefined {
    this.announced += size;
    this.#size = size;
    return this.#stop(State.over);
  }

  #begin(size: number): void {
    this.#size = 0;
    this.#digits = 0;
    this.#remaining = size;
    this.chunks++;
    this.#state = size === 0 ? State.last : State.data;
  }

  #holdDigits(to: number): void {
    if (this.#line === empty) this.#line = Buffer.allocUnsafeSlow(mostDigits + 2);
    this.#chunk.copy(this.#line, this.#digits, this.position, to);
    this.#digits += to - this.position;
    this.#skipTo(to);
  }

  #skipExtension(): BodyEvent | undefined {
    const chunk = this.#chunk;
    let at = this.position;
    while (at < this.#end && isValue[chunk[at]!] === 1) at++;
    this.#extensionBytes += at - this.position;
    if (this.#extensionBytes > mostExtensionBytes) return this.#fail('the extensions of the chunks are too long');
    this.#skipTo(at);
    if (at === this.#end) return undefined;
    if (!this.#readByte(cr)) return this.#fail('an extension of a chunk holds a control character');
    this.#state = State.sizeLf;
    return undefined;
  }

  /** The size was split or had an extension: it goes on from the buffer where it was held. */
  #releaseLine(): BodyEvent | undefined {
    const size = this.#size;
    const digits = this.#digits;
    if (this.announced + size > this.#limit) return this.#exceed(size);
    this.announced += size;
    this.#line[digits] = cr;
    this.#line[digits + 1] = lf;
    this.bytes = this.#line;
    this.spanStart = 0;
    this.spanEnd = digits + 2;
    this.#begin(size);
    return BodyEvent.pass;
  }

  get #isSpanning(): boolean {
    return this.position > this.spanStart;
  }

  /** Leaves out what stands before `at`. */
  #skipTo(at: number): void {
    this.position = at;
    this.spanStart = at;
  }

  /** Leaves a byte out, if it is this one. */
  #readByte(byte: number): boolean {
    if (this.#chunk[this.position] !== byte) return false;
    this.#skipTo(this.position + 1);
    return true;
  }

  #passByte(byte: number, next: number): BodyEvent | undefined {
    if (this.#chunk[this.position] !== byte) return this.#fail('a line end is missing behind a chunk');
    this.position++;
    this.#state = next;
    return undefined;
  }

  #fail(fault: string): BodyEvent | undefined {
    this.fault = fault;
    return this.#stop(State.fault);
  }

  #stop(state: number): BodyEvent | undefined {
    this.#state = state;
    return undefined;
  }
}
