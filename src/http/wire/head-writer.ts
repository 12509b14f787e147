/**
 * The head writer. The head that goes on is the one that came, byte for byte, without the lines that concern only the
 * connection it came on, and with the lines that Sluice appends. Neighbouring lines are copied in one piece, into a
 * buffer that is used again.
 */
import { Changes } from '../changes.ts';
import { ConnectionOptions } from './connection.ts';
import { hasNoBody } from './framing.ts';
import type { Head } from './head.ts';
import { Field } from './names.ts';

/** A set of fields, as bits. */
type Fields = number;

function setOf(...fields: readonly Field[]): Fields {
  return fields.reduce<Fields>((set, field) => set | (1 << field), 0);
}

const ofOneHop = setOf(Field.hop, Field.connection, Field.upgrade);
/** Trailers of requests are dropped, so nothing may announce them. */
const ofRequests = ofOneHop | setOf(Field.trailer, Field.told);
const untrusted = ofRequests | setOf(Field.forwarding);
/** An offered extension would make the sizes of messages untrue; and no body is waited for (RFC 6455 §4.1). */
const ofHandshakes = setOf(Field.extensions, Field.contentLength);
/** What `Connection` may nominate. */
const nominable = setOf(Field.other, Field.accept, Field.expect, Field.date);
const framing = setOf(Field.contentLength, Field.transferEncoding, Field.trailer);

const ofSwitches = ofOneHop | framing | setOf(Field.extensions);

/** `Connection` may name lines that are not to be passed on, but none without which a message means something else. */
const neverNominated = /^(?:origin|cookie|set-cookie|authorization|sec-websocket-.+)$/;

/** Framing, routing and credentials have no place in a trailer (RFC 9110 §6.5.1). */
const neverTrailing = /^(?:host|cookie|set-cookie|authorization|www-authenticate|content-.+|location|cache-control)$/i;
const notInTrailers = ofOneHop | framing | setOf(Field.host, Field.told, Field.forwarding);

const nothing = Buffer.alloc(0);
const withoutLocation = new Changes();
withoutLocation.removeField('location');
const lineEnd = Buffer.from('\r\n');
const chunkedLine = Buffer.from('Transfer-Encoding: chunked\r\n');
const closeLine = Buffer.from('Connection: close\r\n');
const keepLine = Buffer.from('Connection: keep-alive\r\n');
const askLines = Buffer.from('Connection: Upgrade\r\nUpgrade: websocket\r\n');
const switchLines = Buffer.from('Upgrade: websocket\r\nConnection: Upgrade\r\n');
/** Where the last digit of `HTTP/1.0` stands. */
const versionAt = 7;
const digit1 = 0x31;
/** Most heads fit, with what is appended. */
const usualBytes = 16 * 1024;
/** For a few lines of Sluice's own beside the forwarding ones. */
const roomForOwn = 256;

/** How a request goes on. */
export interface RequestRules {
  /** Whether forwarding lines pass that Sluice does not set itself. */
  readonly trusted: boolean;
  /** The forwarding lines, each with its line end. */
  readonly forwarding: Buffer;
  /** Whether the upstream shall close its connection after it. */
  readonly closes: boolean;
  /** Whether it is a WebSocket handshake. */
  readonly upgrades: boolean;
  /** What becomes of this request alone; `null` for nothing. */
  readonly changes: Changes | null;
}

/** How an answer goes on. */
export interface ResponseRules {
  /** Whether Sluice puts the body into chunks, because the upstream ends it with its connection. */
  readonly chunks: boolean;
  /** Whether the client's connection ends with it. */
  readonly closes: boolean;
  /** Whether the client is told that its connection stays open, as HTTP/1.1 has it without a word too. */
  readonly keeps?: boolean;
  /** A `Date` line for an answer that has none (RFC 9110 §6.6.1). */
  readonly date: Buffer;
  /** A `Location` in the place of the one that came. */
  readonly location?: string | null;
  /** What becomes of this answer alone; `null` for nothing. */
  readonly changes?: Changes | null;
}

export class HeadWriter {
  /** What was written last, up to `length`. */
  bytes = Buffer.allocUnsafeSlow(usualBytes);
  length = 0;

  /** Writes the request that goes to the upstream. */
  request(head: Head, { trusted, forwarding, closes, upgrades, changes }: RequestRules): void {
    const own = changes === null ? nothing : linesOf(changes);
    const target = changes === null ? nothing : changedTarget(head, changes);
    this.#begin(head, forwarding.length + own.length + target.length);
    if (changes === null) this.#copy(head.bytes, head.start, head.lineStarts[0]!);
    else this.#startChanged(head, target);
    this.#copyLines(head, (trusted ? ofRequests : untrusted) | (upgrades ? ofHandshakes : 0), changes);
    this.#add(forwarding);
    this.#add(own);
    if (upgrades) this.#add(askLines);
    else if (closes) this.#add(closeLine);
    this.#add(lineEnd);
  }

  /** Writes the answer that goes to the client, whose version is Sluice's own (RFC 9110 §2.5). */
  response(head: Head, rules: ResponseRules): void {
    const { chunks, closes, keeps = false, date, location = null, changes = null } = rules;
    const own = changes === null ? nothing : linesOf(changes);
    this.#begin(head, date.length + (location?.length ?? 0) + own.length);
    this.#copy(head.bytes, head.start, head.lineStarts[0]!);
    this.bytes[versionAt] = digit1;
    // An answer that never has a body has no framing either, but for what a 304 says of another answer.
    const cut = hasNoBody(head.status) && head.status !== 304 ? ofOneHop | framing : ofOneHop;
    if (location !== null) changes?.removeField('location');
    this.#copyLines(head, cut, changes ?? (location === null ? null : withoutLocation));
    this.#add(own);
    if (location !== null) this.#add(Buffer.from(`Location: ${location}\r\n`, 'latin1'));
    if (!head.hasDate && head.status >= 200) this.#add(date);
    if (chunks) this.#add(chunkedLine);
    if (closes) this.#add(closeLine);
    else if (keeps) this.#add(keepLine);
    this.#add(lineEnd);
  }

  /** Writes the 101 that goes to the client. */
  switching(head: Head, changes: Changes | null): void {
    const own = changes === null ? nothing : linesOf(changes);
    this.#begin(head, own.length);
    this.#copy(head.bytes, head.start, head.lineStarts[0]!);
    this.#add(switchLines);
    this.#copyLines(head, ofSwitches, changes);
    this.#add(own);
    this.#add(lineEnd);
  }

  /** Writes the trailers of an answer. */
  trailers(head: Head): void {
    this.#begin(head, 0);
    for (let i = 0; i < head.lines; i++) {
      const start = head.lineStarts[i]!;
      if (isIn(notInTrailers, head.fields[i]!)) continue;
      if (neverTrailing.test(head.name(i))) continue;
      this.#copy(head.bytes, start, head.lineStarts[i + 1]!);
    }
    this.#add(lineEnd);
  }

  /** Puts the beginning of a body behind the head, so that both are one write. */
  join(bytes: Uint8Array, start: number, end: number): void {
    const length = this.length + end - start;
    if (length > this.bytes.length) {
      const grown = Buffer.allocUnsafeSlow(length * 2);
      this.bytes.copy(grown, 0, 0, this.length);
      this.bytes = grown;
    }
    this.bytes.set(bytes.subarray(start, end), this.length);
    this.length = length;
  }

  /** A copy of what was written. */
  copy(): Buffer {
    return Buffer.from(this.bytes.subarray(0, this.length));
  }

  /** Takes another buffer, because the kernel still reads from the present one. */
  renew(): void {
    this.bytes = Buffer.allocUnsafeSlow(usualBytes);
  }

  #begin(head: Head, appended: number): void {
    this.length = 0;
    const most = head.end - head.start + appended + roomForOwn;
    if (most > this.bytes.length) this.bytes = Buffer.allocUnsafeSlow(most);
    else if (this.bytes.length > usualBytes && most <= usualBytes) this.bytes = Buffer.allocUnsafeSlow(usualBytes);
  }

  /** The request line with another target. */
  #startChanged(head: Head, target: Buffer): void {
    this.#copy(head.bytes, head.start, head.targetStart);
    this.#add(target);
    this.#copy(head.bytes, head.targetEnd, head.lineStarts[0]!);
  }

  /** Copies the field lines but those of `cut`, and those that `Connection` nominates; `changes` may shorten others. */
  #copyLines(head: Head, cut: Fields, changes: Changes | null): void {
    const nominated = (head.connection & ConnectionOptions.nominates) === 0 ? null : nominatedBy(head);
    let from = head.lineStarts[0]!;
    for (let i = 0; i < head.lines; i++) {
      const field = head.fields[i]!;
      const start = head.lineStarts[i]!;
      const ends =
        isIn(cut, field) || (nominated !== null && isIn(nominable, field) && isNominated(head, i, nominated));
      const other = ends || changes === null ? null : changedLine(head, i, changes);
      if (!ends && other === null) continue;
      this.#copy(head.bytes, from, start);
      if (other !== null) this.#add(other);
      from = head.lineStarts[i + 1]!;
    }
    this.#copy(head.bytes, from, head.lineStarts[head.lines]!);
  }

  #copy(bytes: Buffer, start: number, end: number): void {
    if (start < end) this.length += bytes.copy(this.bytes, this.length, start, end);
  }

  #add(bytes: Buffer): void {
    this.bytes.set(bytes, this.length);
    this.length += bytes.length;
  }
}

/** What stands in the place of a line: nothing, or one that is shorter; `null` where it stays. */
function changedLine(head: Head, line: number, changes: Changes): Buffer | null {
  const name = head.name(line);
  const value = head.value(line);
  const changed = changes.line(name, value);
  if (changed === value) return null;
  return changed === null ? nothing : Buffer.from(`${name}: ${changed}\r\n`, 'latin1');
}

/** The target for the upstream. */
function changedTarget({ bytes, targetStart, targetEnd }: Head, changes: Changes): Buffer {
  return Buffer.from(changes.target(bytes.toString('latin1', targetStart, targetEnd)), 'latin1');
}

/** The lines that are set. */
function linesOf({ set }: Changes): Buffer {
  return Buffer.from(set.map(([name, value]) => `${name}: ${value}\r\n`).join(''), 'latin1');
}

function isIn(set: Fields, field: number): boolean {
  return (set & (1 << field)) !== 0;
}

/** The names, in lower case, that the `Connection` lines keep to this hop. */
function nominatedBy(head: Head): Set<string> {
  const names = new Set<string>();
  for (let i = 0; i < head.lines; i++) {
    if (head.fields[i] !== Field.connection) continue;
    for (const element of head.value(i).toLowerCase().split(',')) names.add(element.trim());
  }
  return names;
}

function isNominated(head: Head, line: number, nominated: ReadonlySet<string>): boolean {
  const name = head.name(line).toLowerCase();
  return nominated.has(name) && !neverNominated.test(name);
}
