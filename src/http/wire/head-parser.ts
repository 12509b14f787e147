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
import {
  colon,
  comma,
  cr,
  digit0,
  folded,
  isTarget,
  isToken,
  isValue,
  lowerCase,
  slash,
  space,
  tab,
} from './characters.ts';
import { type ConnectionOptions, connectionOptions } from './connection.ts';
import { Field, fieldOf } from './names.ts';

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

/** What is parsed: a head, or the trailers behind a chunked body. */
export type HeadKind = 'request' | 'response' | 'trailers';

/** The longest head in bytes, from its first byte to its blank line. */
export const maxHeadBytes = 64 * 1024;
/**
 * A browser behind three proxies sends about 40 lines. Some frameworks send a line for each cookie over HTTP/2, and
 * proxies pass them on so. Each line costs a comparison or two.
 */
export const maxHeadLines = 256;
/** What a parser takes beside the head that it holds, in bytes. */
export const parserBytes = 6 * 1024;

/** Methods that are known to every parser. Others take the careful way. */
export const methods = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'] as const;
export type Method = (typeof methods)[number];

interface Word {
  readonly method: Method;
  /** With the space behind it. */
  readonly bytes: Uint8Array;
}

/** By their first byte. */
const words: readonly (readonly Word[] | undefined)[] = Array.from({ length: 256 }, (_, first) => {
  const some = methods.filter((method) => method.charCodeAt(0) === first);
  return some.length === 0 ? undefined : some.map((method) => ({ method, bytes: Buffer.from(`${method} `) }));
});

const lineEnd = Buffer.from('\r\n');
const requestEnd = Buffer.from('HTTP/1.1\r\n');
const responseStart = Buffer.from('HTTP/1.');
const chunkedWord = Buffer.from('chunked');

/** What may stand before the last element of a list. */
const listBefore: readonly number[] = [comma, space, tab];

/** What reading a line came to, where that is no place in `bytes`. */
const incomplete = -1;
const doubtful = -2;
/** Incomplete as well, and between the CR and the LF of a line end: the next byte may make the line doubtful. */
const torn = -3;

const empty = Buffer.alloc(0);
/** Most heads are smaller. */
const firstHold = 2048;
/** A line of up to this length is parsed again with each byte that comes. */
const shortLine = 32;
/** Of all lists together that a proxy takes apart: a chain of proxies has three. */
const mostElements = 100;
/** More digits would not fit into a number. */
const mostDigits = 15;

export class HeadParser {
  /** Where the head stands: the chunk that was fed, or a buffer of the parser's where it was split. */
  bytes: Buffer = empty;
  start = 0;
  /** Behind the blank line; without a head, behind what of it has been read. */
  end = 0;
  /** Where in the fed chunk the bytes behind those begin. */
  position = 0;

  /** Field lines, and where each stands; `lineStarts[lines]` is where the blank line begins. */
  lines = 0;
  readonly lineStarts = new Uint32Array(maxHeadLines + 1);
  readonly nameEnds = new Uint32Array(maxHeadLines);
  readonly valueStarts = new Uint32Array(maxHeadLines);
  readonly valueEnds = new Uint32Array(maxHeadLines);
  readonly fields = new Uint8Array(maxHeadLines);

  /** Of a request. */
  method: Method = 'GET';
  targetStart = 0;
  targetEnd = 0;
  /** The lines of the one Host, of the first Accept and of Expect; −1 where there is none. */
  hostLine = -1;
  acceptLine = -1;
  expectLine = -1;

  /** Of an answer. */
  status = 0;
  /** `HTTP/1.0` or `HTTP/1.1`. */
  minorVersion = 1;

  /** −1 where there is no Content-Length. */
  contentLength = -1;
  /** The body comes in chunks. */
  chunked = false;
  /** What the `Connection` lines say together. */
  connection: ConnectionOptions = 0;
  upgrades = false;
  hasDate = false;
  /** Whether there are forwarding lines. */
  forwards = false;

  readonly #kind: HeadKind;
  #held: Buffer = empty;
  #heldBytes = 0;
  /** Where the next line begins, and up to where it has no end. */
  #at = 0;
  #sought = 0;
  #inStartLine: boolean;
  /** The bytes so far end within a field's name. */
  #inName = false;
  #complete = false;
  #hosts = 0;
  #lengths = 0;
  #codings = 0;
  #elements = 0;

  constructor(kind: HeadKind) {
    this.#kind = kind;
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
    this.bytes = empty;
    this.#held = empty;
    this.#heldBytes = 0;
    this.lines = 0;
    this.hostLine = -1;
    this.acceptLine = -1;
    this.expectLine = -1;
    this.contentLength = -1;
    this.chunked = false;
    this.connection = 0;
    this.upgrades = false;
    this.hasDate = false;
    this.forwards = false;
    this.#inStartLine = this.#kind !== 'trailers';
    this.#complete = false;
    this.#hosts = 0;
    this.#lengths = 0;
    this.#codings = 0;
    this.#elements = 0;
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

  /** The name of a line, as it is spelled. */
  name(line: number): string {
    return this.bytes.toString('latin1', this.lineStarts[line], this.nameEnds[line]);
  }

  /** The value of a line. */
  value(line: number): string {
    return this.bytes.toString('latin1', this.valueStarts[line], this.valueEnds[line]);
  }

  /** Every value of a field, in order; `name` in lower case. Only what is found becomes a string. */
  values(name: string): string[] {
    const found: string[] = [];
    for (let i = 0; i < this.lines; i++) if (this.#isNamed(i, name)) found.push(this.value(i));
    return found;
  }

  /** Whether there is a field whose name begins so; `prefix` in lower case. */
  hasFamily(prefix: string): boolean {
    for (let i = 0; i < this.lines; i++) if (this.#beginsWith(i, prefix)) return true;
    return false;
  }

  #isNamed(line: number, name: string): boolean {
    return this.nameEnds[line]! - this.lineStarts[line]! === name.length && this.#beginsWith(line, name);
  }

  /** Whether a line's name begins so: behind it stands a colon, which is part of no name. */
  #beginsWith(line: number, name: string): boolean {
    const start = this.lineStarts[line]!;
    for (let i = 0; i < name.length; i++) if (lowerCase[this.bytes[start + i]!] !== name.charCodeAt(i)) return false;
    return true;
  }

  /** Names and values in turn, as `rawHeaders` of Node's messages. */
  pairs(): string[] {
    const pairs: string[] = [];
    for (let i = 0; i < this.lines; i++) pairs.push(this.name(i), this.value(i));
    return pairs;
  }

  /** Keeps what has been read of a head, which stands elsewhere from now on. */
  #holdFirst(chunk: Buffer, start: number, end: number): void {
    this.#hold(chunk, start, end);
    this.start = 0;
    this.end = this.#heldBytes;
    this.#at -= start;
    this.#sought -= start;
    this.targetStart -= start;
    this.targetEnd -= start;
    this.lineStarts[this.lines]! -= start;
    for (let i = 0; i < this.lines; i++) {
      this.lineStarts[i]! -= start;
      this.nameEnds[i]! -= start;
      this.valueStarts[i]! -= start;
      this.valueEnds[i]! -= start;
    }
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
    return this.#isCertain() ? HeadProgress.head : HeadProgress.careful;
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
    if (this.#inStartLine) return this.#kind === 'request' ? isTarget : isValue;
    return this.#inName ? isToken : isValue;
  }

  /** Returns where the next line begins. */
  #readLine(limit: number): number {
    if (!this.#inStartLine) return this.#readField(limit);
    const next = this.#kind === 'request' ? this.#readRequestLine(limit) : this.#readStatusLine(limit);
    if (next >= 0) this.#inStartLine = false;
    return next;
  }

  /** RFC 9112 §3: method, target in origin form, HTTP/1.1. */
  #readRequestLine(limit: number): number {
    const { bytes } = this;
    const target = this.#readMethod(limit);
    if (target < 0) return target;
    if (target === limit) return incomplete;
    if (bytes[target] !== slash) return doubtful;
    let at = target + 1;
    while (at < limit && isTarget[bytes[at]!] === 1) at++;
    if (at === limit) return incomplete;
    if (bytes[at] !== space) return doubtful;
    this.targetStart = target;
    this.targetEnd = at;
    const next = expect(bytes, at + 1, limit, requestEnd);
    return next === incomplete ? torn : next;
  }

  /** Returns where the target begins. */
  #readMethod(limit: number): number {
    if (this.#at === limit) return incomplete;
    let result = doubtful;
    for (const { method, bytes } of words[this.bytes[this.#at]!] ?? []) {
      const next = expect(this.bytes, this.#at, limit, bytes);
      if (next >= 0) {
        this.method = method;
        return next;
      }
      if (next !== doubtful) result = next;
    }
    return result;
  }

  /** RFC 9112 §4. The reason phrase, and the space before it, may be missing. */
  #readStatusLine(limit: number): number {
    const { bytes } = this;
    const version = expect(bytes, this.#at, limit, responseStart);
    if (version < 0) return version;
    if (version + 5 > limit) return incomplete;
    this.minorVersion = bytes[version]! - digit0;
    if (this.minorVersion !== 0 && this.minorVersion !== 1) return doubtful;
    if (bytes[version + 1] !== space) return doubtful;
    this.status = 0;
    for (let i = version + 2; i < version + 5; i++) {
      const digit = bytes[i]! - digit0;
      if (digit < 0 || digit > 9) return doubtful;
      this.status = this.status * 10 + digit;
    }
    if (this.status < 100) return doubtful;
    let at = version + 5;
    if (at < limit && bytes[at] !== cr && bytes[at] !== space) return doubtful;
    while (at < limit && isValue[bytes[at]!] === 1) at++;
    return expect(bytes, at, limit, lineEnd);
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
    this.#addLine(start, nameEnd, valueStart, valueEnd);
    return next;
  }

  #addLine(start: number, nameEnd: number, valueStart: number, valueEnd: number): void {
    const line = this.lines++;
    if (line === maxHeadLines) return;
    const field = fieldOf(this.bytes, start, nameEnd);
    this.nameEnds[line] = nameEnd;
    this.valueStarts[line] = valueStart;
    this.valueEnds[line] = valueEnd;
    this.fields[line] = field;
    if (field !== Field.other) this.#note(field, line);
  }

  #note(field: Field, line: number): void {
    const start = this.valueStarts[line]!;
    const end = this.valueEnds[line]!;
    switch (field) {
      case Field.connection:
        this.#countElements(start, end);
        this.connection |= connectionOptions(this.bytes, start, end);
        break;
      case Field.upgrade:
        this.#countElements(start, end);
        this.upgrades = true;
        break;
      case Field.transferEncoding:
        this.#codings++;
        this.chunked =
          !this.#hasTabBeside(line) &&
          (this.#kind === 'request' ? isChunked(this.bytes, start, end) : endsChunked(this.bytes, start, end));
        break;
      case Field.contentLength:
        this.#lengths++;
        this.contentLength = this.#hasTabBeside(line) ? -1 : numberOf(this.bytes, start, end);
        break;
      case Field.host:
        this.#hosts++;
        this.hostLine = line;
        break;
      case Field.date:
        this.hasDate = true;
        break;
      case Field.accept:
        if (this.acceptLine < 0) this.acceptLine = line;
        break;
      case Field.expect:
        this.expectLine = line;
        break;
      case Field.told:
      case Field.forwarding:
        this.#countElements(start, end);
        this.forwards = true;
        break;
    }
  }

  /** Whether there is a tab beside the value: not every parser takes it for padding. */
  #hasTabBeside(line: number): boolean {
    const { bytes } = this;
    for (let at = this.valueEnds[line]!; bytes[at] !== cr; at++) if (bytes[at] === tab) return true;
    if (this.#kind === 'response') return false;
    for (let at = this.nameEnds[line]! + 1; at < this.valueStarts[line]!; at++) if (bytes[at] === tab) return true;
    return false;
  }

  /** Lists that are taken apart later. */
  #countElements(start: number, end: number): void {
    this.#elements++;
    for (let i = start; i < end; i++) if (this.bytes[i] === comma) this.#elements++;
  }

  /** Whether there is but one way to read Host and the framing (RFC 9112 §3.2, §6). */
  #isCertain(): boolean {
    if (this.#kind === 'trailers') return true;
    if (this.#elements > mostElements || this.#lengths + this.#codings > 1) return false;
    if (this.#codings === 1 && !this.chunked) return false;
    if (this.#lengths === 1 && this.contentLength < 0) return false;
    // HTTP/1.0 knows no codings: who puts one on may be read either way.
    return this.#kind === 'request' ? this.#hosts === 1 : this.minorVersion === 1 || !this.chunked;
  }
}

/**
 * Returns what stands behind `word`, if it stands at `at`; `incomplete` where nothing of it is here, `torn` where a
 * part is.
 */
function expect(bytes: Uint8Array, at: number, limit: number, word: Uint8Array): number {
  for (let i = 0; i < word.length; i++) {
    if (at + i === limit) return i === 0 ? incomplete : torn;
    if (bytes[at + i] !== word[i]) return doubtful;
  }
  return at + word.length;
}

/** Exactly so: a backend that compares letters would read another framing. */
function isChunked(bytes: Uint8Array, start: number, end: number): boolean {
  return end - start === chunkedWord.length && expect(bytes, start, end, chunkedWord) === end;
}

/** The last coding frames an answer (RFC 9112 §6.3); those before it are passed on with the line. */
function endsChunked(bytes: Uint8Array, start: number, end: number): boolean {
  const from = end - chunkedWord.length;
  if (from < start) return false;
  for (let i = 0; i < chunkedWord.length; i++) if (folded[bytes[from + i]!] !== chunkedWord[i]) return false;
  return from === start || listBefore.includes(bytes[from - 1]!);
}

/** A decimal number in its shortest form, −1 for anything else. */
function numberOf(bytes: Uint8Array, start: number, end: number): number {
  const digits = end - start;
  if (digits === 0 || digits > mostDigits || (digits > 1 && bytes[start] === digit0)) return -1;
  let value = 0;
  for (let i = start; i < end; i++) {
    const digit = bytes[i]! - digit0;
    if (digit < 0 || digit > 9) return -1;
    value = value * 10 + digit;
  }
  return value;
}
