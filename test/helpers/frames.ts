/** Builds and reads WebSocket frames byte by byte (RFC 6455 §5.2), valid or not as the test wants them. */
import { Buffer } from 'node:buffer';

export interface FrameOptions {
  /** 1 unless given: a text frame. */
  readonly opcode?: number;
  /** Whether this is the last fragment; true unless given. */
  readonly fin?: boolean;
  /** The three reserved bits, 0 to 7. */
  readonly rsv?: number;
  /** Masked with this key; `true` takes a fixed one. A client masks. */
  readonly mask?: boolean | Uint8Array;
  /** The length that the header announces, where it is not the payload's. */
  readonly length?: number | bigint;
  /** The form of the length: 7, 16 or 64 bits; the shortest that fits unless given. */
  readonly lengthBits?: 7 | 16 | 64;
}

const fixedKey = Buffer.from('37fa213d', 'hex');

/** One frame. */
export function frame(payload: string | Uint8Array = '', options: FrameOptions = {}): Buffer {
  const data = Buffer.from(payload as Uint8Array);
  const { opcode = 1, fin = true, rsv = 0, mask = false } = options;
  const length = BigInt(options.length ?? data.length);
  const bits = options.lengthBits ?? (length < 126n ? 7 : length < 65536n ? 16 : 64);
  const header = Buffer.alloc(bits === 7 ? 2 : bits === 16 ? 4 : 10);
  header[0] = (fin ? 0x80 : 0) | (rsv << 4) | opcode;
  if (bits === 7) header[1] = Number(length);
  else if (bits === 16) {
    header[1] = 126;
    header.writeUInt16BE(Number(length), 2);
  } else {
    header[1] = 127;
    header.writeBigUInt64BE(length, 2);
  }
  if (mask === false) return Buffer.concat([header, data]);
  header[1]! |= 0x80;
  const key = mask === true ? fixedKey : Buffer.from(mask);
  return Buffer.concat([header, key, masked(data, key)]);
}

/** Payload with a key over it, or without: a loop takes a fifth of what `map` does, and payloads have megabytes. */
function masked(payload: Buffer, key: Buffer): Buffer {
  const changed = Buffer.from(payload);
  for (let i = 0; i < changed.length; i++) changed[i]! ^= key[i & 3]!;
  return changed;
}

/** A frame as a client sends it: masked. */
export function clientFrame(payload: string | Uint8Array = '', options: FrameOptions = {}): Buffer {
  return frame(payload, { mask: true, ...options });
}

/** A close frame; without a code its payload is empty. */
export function closeFrame(code: number | null, reason = '', options: FrameOptions = {}): Buffer {
  const payload =
    code === null ? Buffer.alloc(0) : Buffer.concat([Buffer.from([code >> 8, code & 255]), Buffer.from(reason)]);
  return frame(payload, { ...options, opcode: 8 });
}

export interface Frame {
  readonly fin: boolean;
  readonly rsv: number;
  readonly opcode: number;
  readonly masked: boolean;
  /** Unmasked. */
  readonly payload: Buffer;
  /** Bytes of the whole frame. */
  readonly size: number;
}

/** Where the payload of the frame at the start of `bytes` begins and ends, or `null` while they do not say. */
function payloadIn(bytes: Buffer): { start: number; end: number } | null {
  if (bytes.length < 2) return null;
  const short = bytes[1]! & 0x7f;
  const at = short === 126 ? 4 : short === 127 ? 10 : 2;
  if (bytes.length < at) return null;
  const length = short === 126 ? bytes.readUInt16BE(2) : short === 127 ? Number(bytes.readBigUInt64BE(2)) : short;
  const start = at + ((bytes[1]! & 0x80) === 0 ? 0 : 4);
  return { start, end: start + length };
}

/** The bytes of the whole frame of which `bytes` are the beginning, or `null` while they do not say. */
export function sizeOf(bytes: Buffer): number | null {
  return payloadIn(bytes)?.end ?? null;
}

/** The frame at the start of `bytes`, or `null` while it is incomplete. */
export function parseFrame(bytes: Buffer): Frame | null {
  const place = payloadIn(bytes);
  if (place === null || bytes.length < place.end) return null;
  const { start, end } = place;
  const isMasked = (bytes[1]! & 0x80) !== 0;
  const raw = bytes.subarray(start, end);
  return {
    fin: (bytes[0]! & 0x80) !== 0,
    rsv: (bytes[0]! >> 4) & 7,
    opcode: bytes[0]! & 15,
    masked: isMasked,
    payload: isMasked ? masked(raw, bytes.subarray(start - 4, start)) : Buffer.from(raw),
    size: end,
  };
}

/** The code and reason of a close frame; `null` for one without a code. */
export function closeOf(close: Frame): { code: number | null; reason: string } {
  if (close.opcode !== 8) throw new Error(`a frame with opcode ${close.opcode} is no close`);
  if (close.payload.length < 2) return { code: null, reason: '' };
  return { code: close.payload.readUInt16BE(0), reason: close.payload.toString('utf8', 2) };
}
