/** Close frames: their payload, the codes that may stand in them, and reasons that fit (RFC 6455 §5.5.1, §7.4). */
import { isUtf8 } from 'node:buffer';
import { maxControlPayload } from './opcodes.ts';

/** "No status": stands for a close frame without a code, never on the wire (RFC 6455 §7.4.1). */
export const noStatus = 1005;

/** A close as it is sent or was received: `code` 1005 is an empty payload. */
export interface Close {
  readonly code: number;
  /** UTF-8, at most 123 bytes, kept byte for byte. */
  readonly reason: Buffer;
}

/** A close frame that the RFC forbids. `code` is the illegal code, or `null` where there is none to read. */
export interface BadClose {
  readonly code: number | null;
  readonly fault: string;
}

const noReason = Buffer.alloc(0);

/** Whether a close frame may carry this code: the registered ones, and 3000 to 4999 (RFC 6455 §7.4). */
export function isLegalCode(code: number): boolean {
  if (code >= 3000) return code <= 4999;
  return (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014);
}

/** Reads a close frame's payload. */
export function readClose(payload: Buffer): Close | BadClose {
  if (payload.length === 0) return { code: noStatus, reason: noReason };
  if (payload.length === 1) return { code: null, fault: 'a close frame has a payload of one byte' };
  const code = payload.readUInt16BE(0);
  if (!isLegalCode(code)) return { code, fault: `close code ${code} is not allowed` };
  const reason = payload.subarray(2);
  if (!isUtf8(reason)) return { code: null, fault: 'a close reason is not UTF-8' };
  return { code, reason: Buffer.from(reason) };
}

/** The payload of a close frame, which is copied into one at once: it may stand in memory that others share. */
export function closePayload({ code, reason }: Close): Buffer {
  if (code === noStatus) return noReason;
  const payload = Buffer.allocUnsafe(2 + reason.length);
  payload.writeUInt16BE(code, 0);
  payload.set(reason, 2);
  return payload;
}

/** A close whose reason is text, cut at a character so that it fits into the frame (123 bytes). */
export function closeWith(code: number, text: string): Close {
  const bytes = Buffer.from(text);
  const room = maxControlPayload - 2;
  if (bytes.length <= room) return { code, reason: bytes };
  let end = room;
  // Not between the bytes of one character: continuation bytes are 10xxxxxx.
  while ((bytes[end]! & 0xc0) === 0x80) end--;
  return { code, reason: bytes.subarray(0, end) };
}

/** Folds a received code into few label values: `1000` … `1014`, `none`, `3xxx`, `4xxx`, `illegal`. */
export function foldCloseCode(code: number): string {
  if (code === noStatus) return 'none';
  if (!isLegalCode(code)) return 'illegal';
  return code >= 4000 ? '4xxx' : code >= 3000 ? '3xxx' : String(code);
}
