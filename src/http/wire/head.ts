/**
 * What a head says, as places in its bytes: no strings are made of what is only passed on. A parser fills it, line by
 * line, and notes what the fields that matter to a proxy say.
 */
import { comma, cr, lowerCase, tab } from './characters.ts';
import { type ConnectionOptions, connectionOptions } from './connection.ts';
import { endsChunked, isChunked, numberOf } from './framing-values.ts';
import { Field, fieldOf } from './names.ts';
import type { AnswerStart, Method, RequestStart } from './start-line.ts';

/** What is parsed: a head, or the trailers behind a chunked body. */
export type HeadKind = 'request' | 'response' | 'trailers';

/**
 * A browser behind three proxies sends about 40 lines. Some frameworks send a line for each cookie over HTTP/2, and
 * proxies pass them on so. Each line costs a comparison or two.
 */
export const maxHeadLines = 256;

/** Of all lists together that a proxy takes apart: a chain of proxies has three. */
const mostElements = 100;

const empty = Buffer.alloc(0);

export class Head implements RequestStart, AnswerStart {
  /** Where the head stands: the chunk that was fed, or a buffer of the parser's where it was split. */
  bytes: Buffer = empty;
  start = 0;
  /** Behind the blank line; without a head, behind what of it has been read. */
  end = 0;

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

  protected readonly kind: HeadKind;
  #hosts = 0;
  #lengths = 0;
  #codings = 0;
  #elements = 0;

  constructor(kind: HeadKind) {
    this.kind = kind;
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

  /** Forgets what it says. */
  protected clear(): void {
    this.bytes = empty;
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
    this.#hosts = 0;
    this.#lengths = 0;
    this.#codings = 0;
    this.#elements = 0;
  }

  /** All that has been noted stands `by` bytes further to the front. */
  protected shift(by: number): void {
    this.targetStart -= by;
    this.targetEnd -= by;
    this.lineStarts[this.lines]! -= by;
    for (let i = 0; i < this.lines; i++) {
      this.lineStarts[i]! -= by;
      this.nameEnds[i]! -= by;
      this.valueStarts[i]! -= by;
      this.valueEnds[i]! -= by;
    }
  }

  /** Notes a field line, unless there are too many: then it is only counted. */
  protected addLine(start: number, nameEnd: number, valueStart: number, valueEnd: number): void {
    const line = this.lines++;
    if (line === maxHeadLines) return;
    const field = fieldOf(this.bytes, start, nameEnd);
    this.nameEnds[line] = nameEnd;
    this.valueStarts[line] = valueStart;
    this.valueEnds[line] = valueEnd;
    this.fields[line] = field;
    if (field !== Field.other) this.#note(field, line);
  }

  /** Whether there is but one way to read Host and the framing (RFC 9112 §3.2, §6). */
  protected isCertain(): boolean {
    if (this.kind === 'trailers') return true;
    if (this.#elements > mostElements || this.#lengths + this.#codings > 1) return false;
    if (this.#codings === 1 && !this.chunked) return false;
    if (this.#lengths === 1 && this.contentLength < 0) return false;
    // HTTP/1.0 knows no codings: who puts one on may be read either way.
    return this.kind === 'request' ? this.#hosts === 1 : this.minorVersion === 1 || !this.chunked;
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
          (this.kind === 'request' ? isChunked(this.bytes, start, end) : endsChunked(this.bytes, start, end));
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
    if (this.kind === 'response') return false;
    for (let at = this.nameEnds[line]! + 1; at < this.valueStarts[line]!; at++) if (bytes[at] === tab) return true;
    return false;
  }

  /** Lists that are taken apart later. */
  #countElements(start: number, end: number): void {
    this.#elements++;
    for (let i = start; i < end; i++) if (this.bytes[i] === comma) this.#elements++;
  }
}
