/**
 * The head parser. Bytes go in, and what became of the head comes out. It holds nothing but a head that is not
 * complete. It works in place: it reports what a head says as places in `bytes`, and makes no strings of what is only
 * passed on.
 *
 *   feed ─► start line ─► field lines ─► blank line ─► head
 *              │              │              └ framing or Host in doubt ─► careful
 *              ├──────────────┴ not of the form that all parsers read alike ─► careful
 *              └ over 64 KiB, over 256 lines ─► tooLarge, tooManyLines
 *
 * It accepts the part of RFC 9112 that every parser reads alike: CRLF, names that are tokens, no space before a colon,
 * no folding, one Host, a target in origin form, one length or `chunked`, HTTP/1.1 (in answers also 1.0). Any other
 * form is no error here: Node's parser, in the careful lane, decides on it. The result does not depend on how the bytes
 * were cut.
 */
import { colon, isTarget, isToken, isValue, space, tab } from './characters.ts';
import { Head, type HeadKind, maxHeadLines } from './head.ts';
import { doubtful, expect, incomplete, lineEnd, torn } from './match.ts';
import { readRequestLine, readStatusLine } from './start-line.ts';

/** What `feed` found. */
export const HeadProgress = {
  /** All fed bytes are used up. */
  starved: 0,
  /** The head is complete: it stands in `bytes` from `start` to `end`. */
  head: 1,
  /** Not of the strict form; what of it has been read stands in `bytes` from `start` on. */
  careful: 2,
  tooLarge: 3,
  tooManyLines: 4,
} as const;
export type HeadProgress = (typeof HeadProgress)[keyof typeof HeadProgress];

/** The longest head in bytes, from its first byte to its blank line. */
export const maxHeadBytes = 64 * 1024;
/** What a parser takes beside the head that it holds, in bytes. */
export const parserBytes = 6 * 1024;

const empty = Buffer.alloc(0);
/** Most heads are smaller. */
const firstHold = 2048;
/** A line of up to this length is parsed again with each byte that comes. */
const shortLine = 32;

export class HeadParser extends Head {
  /** Where in the fed chunk the bytes behind the head begin; without a head, behind what of it has been read. */
  position = 0;

  #held: Buffer = empty;
  #heldBytes = 0;
  /** Where the next line begins, and up to where it has no end. */
  #at = 0;
  #sought = 0;
  #inStartLine: boolean;
  /** The bytes so far end within a field's name. */
  #inName = false;
  #complete = false;

  constructor(kind: HeadKind) {
    super(kind);
    this.#inStartLine = kind !== 'trailers';
  }

  /** Bytes allocated for a head that is not complete. */
  get capacity(): number {
    return this.#held.length;
  }

  /** Whether part of a head has been read. */
  get begun(): boolean {
    return this.#heldBytes > 0;
  }

  /** Keeps the head that is complete when the chunk it stands in will be used again. */
  keep(): void {
    if (this.#heldBytes > 0) return;
    this.#holdFirst(this.bytes, this.start, this.end);
  }

  /** Forgets the last head, and is ready for the next. */
  reset(): void {
    this.clear();
    this.#held = empty;
    this.#heldBytes = 0;
    this.#inStartLine = this.kind !== 'trailers';
    this.#complete = false;
  }

  /**
   * Gives the next bytes. Where they are the whole head, it stays in the chunk, which must not change while the head is
   * used. After anything but `starved` nothing may be fed before `reset`.
   */
  feed(chunk: Buffer, start: number, end: number): HeadProgress {
    const before = this.#heldBytes;
    if (before === 0) {
      this.bytes = chunk;
      this.start = start;
      this.#at = start;
      this.#sought = start;
      this.lineStarts[0] = start;
    } else {
      this.#hold(chunk, start, Math.min(end, start + maxHeadBytes - before));
    }
    const limit = before === 0 ? Math.min(end, start + maxHeadBytes) : this.#heldBytes;
    const progress = this.#read(limit);
    if (progress !== HeadProgress.head) this.end = before === 0 ? end : this.#heldBytes;
    this.position = start + this.end - this.start - before;
    if (progress === HeadProgress.starved && before === 0) this.#holdFirst(chunk, start, end);
    return progress;
  }

  /** Keeps what has been read of a head, which stands elsewhere from now on. */
  #holdFirst(chunk: Buffer, start: number, end: number): void {
    this.#hold(chunk, start, end);
    this.start = 0;
    this.end = this.#heldBytes;
    this.#at -= start;
    this.#sought -= start;
    this.shift(start);
  }

  #hold(chunk: Buffer, start: number, end: number): void {
    const before = this.#heldBytes;
    const length = before + end - start;
    if (length > this.#held.length) {
      const room = Math.min(maxHeadBytes, Math.max(length, this.#held.length * 2, firstHold));
      const grown = Buffer.allocUnsafeSlow(room);
      this.#held.copy(grown, 0, 0, before);
      this.#held = grown;
    }
    chunk.copy(this.#held, before, start, end);
    this.#heldBytes = length;
    this.bytes = this.#held;
  }

  /** Reads lines up to `limit`. */
  #read(limit: number): HeadProgress {
    while (!this.#complete) {
      const next = this.#mayBeWhole(limit) ? this.#readLine(limit) : incomplete;
      if (next === doubtful) return HeadProgress.careful;
      if (next < 0) {
        this.#sought = next === torn ? this.#at : limit;
        return limit - this.start < maxHeadBytes ? HeadProgress.starved : HeadProgress.tooLarge;
      }
      if (this.lines > maxHeadLines) {
        this.lines = maxHeadLines;
        return HeadProgress.tooManyLines;
      }
      this.#at = next;
      this.#sought = next;
      if (!this.#complete) this.lineStarts[this.lines] = next;
    }
    this.end = this.#at;
    return this.isCertain() ? HeadProgress.head : HeadProgress.careful;
  }

  /**
   * A line is tried as it comes; where that was a good part of it and not the whole, again when more than its middle
   * is here.
   */
  #mayBeWhole(limit: number): boolean {
    if (this.#sought - this.#at < shortLine) return true;
    const middle = this.#middle();
    for (let i = this.#sought; i < limit; i++) if (middle[this.bytes[i]!] === 0) return true;
    return false;
  }

  /** The characters that go on with the part of the line in which the bytes so far end. */
  #middle(): Uint8Array {
    if (this.#inStartLine) return this.kind === 'request' ? isTarget : isValue;
    return this.#inName ? isToken : isValue;
  }

  /** Returns where the next line begins. */
  #readLine(limit: number): number {
    if (!this.#inStartLine) return this.#readField(limit);
    const next =
      this.kind === 'request'
        ? readRequestLine(this.bytes, this.#at, limit, this)
        : readStatusLine(this.bytes, this.#at, limit, this);
    if (next >= 0) this.#inStartLine = false;
    return next;
  }

  /** RFC 9112 §5. The blank line is the last one. */
  #readField(limit: number): number {
    const { bytes } = this;
    const start = this.#at;
    let at = start;
    while (at < limit && isToken[bytes[at]!] === 1) at++;
    this.#inName = at === limit;
    if (this.#inName) return incomplete;
    if (at === start) {
      const next = expect(bytes, at, limit, lineEnd);
      this.#complete = next >= 0;
      return next;
    }
    if (bytes[at] !== colon) return doubtful;
    const nameEnd = at++;
    while (at < limit && (bytes[at] === space || bytes[at] === tab)) at++;
    const valueStart = at;
    while (at < limit && isValue[bytes[at]!] === 1) at++;
    let valueEnd = at;
    const next = expect(bytes, at, limit, lineEnd);
    if (next < 0) return next;
    while (valueEnd > valueStart && (bytes[valueEnd - 1] === space || bytes[valueEnd - 1] === tab)) valueEnd--;
    this.addLine(start, nameEnd, valueStart, valueEnd);
    return next;
  }
}
