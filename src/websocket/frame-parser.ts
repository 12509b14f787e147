/**
 * The frame parser: bytes in, events out, nothing held but an incomplete header or control frame. It works in place:
 * a data frame's payload is reported as spans of the very chunk that was fed, masked as it arrived.
 *
 *            ┌────────── end ◄──────────┐
 *            ▼                          │
 *   feed ─► header ─► frame ─► payload ─┘        data frames
 *            │ ▲
 *            ▼ │
 *           control (whole, unmasked)            ping, pong, close
 *            │
 *            ▼
 *           fault (terminal)                     RFC 6455 broken
 *
 * `next()` is called until it returns `Event.starved`; the events are the same however the bytes were cut.
 */
import { maxControlPayload, maxHeaderBytes, Opcode } from './opcodes.ts';

/** What `next()` found. */
export const Event = {
  /** All fed bytes are used up. */
  starved: 0,
  /** A data frame's header is complete: see `fin`, `opcode`, `length`, `header*`. */
  frame: 1,
  /** Payload bytes of the current data frame stand in `chunk` from `spanStart` to `spanEnd`. */
  payload: 2,
  /** The current data frame is complete. */
  end: 3,
  /** A control frame is complete: see `controlOpcode` and `control()`. */
  control: 4,
  /** The peer broke the protocol: see `fault`. Every later call returns this again. */
  fault: 5,
} as const;
export type Event = (typeof Event)[keyof typeof Event];

const State = { header: 0, payload: 1, control: 2, fault: 3 } as const;

const empty = Buffer.alloc(0);
/** Whole control frames of all parsers are unmasked into it. */
const wholeControl = Buffer.allocUnsafeSlow(maxControlPayload);

export class FrameParser {
  /** The current data frame, valid from `frame` to `end`. */
  fin = false;
  opcode: number = Opcode.continuation;
  /** Payload bytes; `Infinity` where the header announces more than 2^53 − 1 (see `announced`). */
  length = 0;
  /** The header's bytes as they arrived; in the fed chunk, or in a buffer of the parser's where they were split. */
  header: Buffer = empty;
  headerStart = 0;
  headerEnd = 0;
  /** The chunk that was fed last, and the payload span within it. */
  chunk: Buffer = empty;
  spanStart = 0;
  spanEnd = 0;
  controlOpcode = 0;
  /** What the peer did wrong, for people. */
  fault = '';
  /** Whether a message has begun that its final frame has not ended. */
  inMessage = false;

  readonly #masked: boolean;
  /** Made when first needed: most connections are quiet, and a buffer costs more than its bytes. */
  #held: Buffer = empty;
  #heldBytes = 0;
  #state: number = State.header;
  #pos = 0;
  #end = 0;
  /** Payload bytes of the current frame still to come. */
  #remaining = 0;
  #control: Buffer = wholeControl;
  /** For control frames that come in pieces; made when first needed, too. */
  #ownControl: Buffer = empty;
  #controlBytes = 0;
  /** The control frame's masking key, big-endian. */
  #mask = 0;

  /** `masked`: whether this peer must mask its frames; a client must, a server must not (RFC 6455 §5.1). */
  constructor(masked: boolean) {
    this.#masked = masked;
  }

  /** Gives the next bytes. The chunk must stay unchanged until `next()` has returned `starved`. */
  feed(chunk: Buffer, start: number, end: number): void {
    this.chunk = chunk;
    this.#pos = start;
    this.#end = end;
  }

  /** Where in the fed chunk the unread bytes begin. */
  get position(): number {
    return this.#pos;
  }

  /** How many of the fed bytes are unread. */
  get unread(): number {
    return this.#end - this.#pos;
  }

  /** Whether the next byte begins a new frame, and no part of its header has been read. */
  get betweenFrames(): boolean {
    return this.#state === State.header && this.#heldBytes === 0;
  }

  next(): Event {
    switch (this.#state) {
      case State.header:
        return this.#readHeader();
      case State.payload:
        return this.#readPayload();
      case State.control:
        return this.#readControl();
      default:
        return Event.fault;
    }
  }

  /** The payload of the control frame just reported, unmasked; overwritten by the next control frame of any parser. */
  control(): Buffer {
    return this.#control.subarray(0, this.#controlBytes);
  }

  /** The exact length that the current header announces, where a number cannot hold it. */
  announced(): bigint {
    return this.header.readBigUInt64BE(this.headerStart + 2);
  }

  /** Moves the current header's bytes out of the chunk, so that the chunk may be reused before the frame goes on. */
  holdHeader(): void {
    if (this.header === this.#held) return;
    this.#makeHeld();
    const bytes = this.header.copy(this.#held, 0, this.headerStart, this.headerEnd);
    this.header = this.#held;
    this.headerStart = 0;
    this.headerEnd = bytes;
  }

  #readHeader(): Event {
    const available = this.#end - this.#pos;
    if (available === 0) return Event.starved;
    if (this.#heldBytes === 0 && available >= 2) {
      const size = headerSize(this.chunk[this.#pos + 1]!);
      if (available >= size) {
        const start = this.#pos;
        this.#pos += size;
        return this.#begin(this.chunk, start, size);
      }
    }
    return this.#collectHeader();
  }

  /** The slow path: the header is split between chunks. */
  #collectHeader(): Event {
    this.#makeHeld();
    while (this.#pos < this.#end) {
      this.#held[this.#heldBytes++] = this.chunk[this.#pos++]!;
      if (this.#heldBytes < 2) continue;
      const size = headerSize(this.#held[1]!);
      if (this.#heldBytes < size) continue;
      this.#heldBytes = 0;
      return this.#begin(this.#held, 0, size);
    }
    return Event.starved;
  }

  /** RFC 6455 §5.2: a whole header stands in `bytes` at `start`. */
  #begin(bytes: Buffer, start: number, size: number): Event {
    const first = bytes[start]!;
    const second = bytes[start + 1]!;
    if ((first & 0x70) !== 0) return this.#fail('reserved bits are set but no extension was negotiated');
    if (second >= 0x80 !== this.#masked) {
      return this.#fail(this.#masked ? 'the client sent an unmasked frame' : 'the server sent a masked frame');
    }
    const fin = first >= 0x80;
    const opcode = first & 0x0f;
    const short = second & 0x7f;
    if (opcode >= Opcode.close) return this.#beginControl(opcode, fin, short, bytes, start + size - 4);

    let length = short;
    if (short === 126) {
      length = bytes[start + 2]! * 0x100 + bytes[start + 3]!;
      if (length < 126) return this.#fail('a length is not in its shortest form');
    } else if (short === 127) {
      const high = bytes.readUInt32BE(start + 2);
      if (high >= 0x80000000) return this.#fail('a 64-bit length has its top bit set');
      length = high > 0x1fffff ? Infinity : high * 0x100000000 + bytes.readUInt32BE(start + 6);
      if (length < 0x10000) return this.#fail('a length is not in its shortest form');
    }
    if (opcode > Opcode.binary) return this.#fail(`opcode ${opcode} is unknown`);
    if ((opcode === Opcode.continuation) !== this.inMessage) {
      return this.#fail(
        this.inMessage ? 'a new message began inside another' : 'a continuation frame continues no message',
      );
    }
    this.inMessage = !fin;
    this.fin = fin;
    this.opcode = opcode;
    this.length = length;
    this.header = bytes;
    this.headerStart = start;
    this.headerEnd = start + size;
    this.#remaining = length;
    this.#state = State.payload;
    return Event.frame;
  }

  #readPayload(): Event {
    if (this.#remaining === 0) {
      this.#state = State.header;
      return Event.end;
    }
    const available = this.#end - this.#pos;
    if (available === 0) return Event.starved;
    const bytes = Math.min(available, this.#remaining);
    this.spanStart = this.#pos;
    this.#pos += bytes;
    this.spanEnd = this.#pos;
    this.#remaining -= bytes;
    return Event.payload;
  }

  /** RFC 6455 §5.5: control frames are short and never fragmented. */
  #beginControl(opcode: number, fin: boolean, length: number, bytes: Buffer, maskStart: number): Event {
    if (opcode > Opcode.pong) return this.#fail(`opcode ${opcode} is unknown`);
    if (length > maxControlPayload) return this.#fail('a control frame is longer than 125 bytes');
    if (!fin) return this.#fail('a control frame is fragmented');
    this.#control = this.unread >= length ? wholeControl : this.#makeOwnControl();
    this.#mask = this.#masked ? bytes.readUInt32BE(maskStart) : 0;
    this.controlOpcode = opcode;
    this.#controlBytes = 0;
    this.#remaining = length;
    this.#state = State.control;
    return this.#readControl();
  }

  #readControl(): Event {
    while (this.#remaining > 0) {
      if (this.#pos === this.#end) return Event.starved;
      const i = this.#controlBytes++;
      // The assignment keeps the low eight bits.
      this.#control[i] = this.chunk[this.#pos++]! ^ (this.#mask >>> (24 - 8 * (i & 3)));
      this.#remaining--;
    }
    this.#state = State.header;
    return Event.control;
  }

  #makeOwnControl(): Buffer {
    if (this.#ownControl === empty) this.#ownControl = Buffer.allocUnsafeSlow(maxControlPayload);
    return this.#ownControl;
  }

  #makeHeld(): void {
    if (this.#held === empty) this.#held = Buffer.allocUnsafeSlow(maxHeaderBytes);
  }

  #fail(fault: string): Event {
    this.fault = fault;
    this.#state = State.fault;
    return Event.fault;
  }
}

/** The size of a whole header, from its second byte (RFC 6455 §5.2). */
function headerSize(second: number): number {
  const length = second & 0x7f;
  const extended = length < 126 ? 0 : length === 126 ? 2 : 8;
  return 2 + extended + (second >= 0x80 ? 4 : 0);
}
