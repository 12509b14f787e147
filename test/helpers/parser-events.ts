/** What a frame parser says about bytes, in a form that tests can compare however the bytes were cut. */
import { Event, type FrameParser } from '../../src/websocket/frame-parser.ts';

export type Seen =
  | { readonly frame: string; readonly fin: boolean; readonly opcode: number; readonly length: number }
  | { readonly payload: string }
  | { readonly control: number; readonly payload: string }
  | { readonly fault: string }
  | 'end';

/** A header as hex, with what it says. */
export function seenFrame(header: Buffer, fin: boolean, opcode: number, length: number): Seen {
  return { frame: header.toString('hex'), fin, opcode, length };
}

/** Bytes of a test, written in hex with or without spaces. */
export function hex(text: string): Buffer {
  return Buffer.from(text.replaceAll(/\s/g, ''), 'hex');
}

/**
 * Feeds chunks one after the other and collects the events; payload spans that touch are joined. Each chunk stands
 * between foreign bytes, as in a reused read buffer, and is overwritten once the parser says that it is used up.
 */
export function readAll(parser: FrameParser, chunks: readonly Buffer[]): Seen[] {
  const seen: Seen[] = [];
  let payload: Buffer[] = [];
  const push = (event: Seen) => {
    if (payload.length > 0) seen.push({ payload: Buffer.concat(payload).toString('hex') });
    payload = [];
    seen.push(event);
  };
  for (const bytes of chunks) {
    const start = 3;
    const end = start + bytes.length;
    const chunk = Buffer.alloc(end + 3, 0xee);
    chunk.set(bytes, start);
    parser.feed(chunk, start, end);
    let position = start;
    for (let event = parser.next(); event !== Event.starved; event = parser.next()) {
      if (parser.position < position || parser.position > end) throw new Error(`position ${parser.position}`);
      position = parser.position;
      if (event === Event.frame) {
        const header = parser.header.subarray(parser.headerStart, parser.headerEnd);
        push(seenFrame(header, parser.fin, parser.opcode, parser.length));
      } else if (event === Event.payload) {
        const { spanStart, spanEnd } = parser;
        if (parser.chunk !== chunk || spanStart < start || spanEnd <= spanStart || spanEnd > end) {
          throw new Error(`span ${spanStart} to ${spanEnd} of ${start} to ${end}`);
        }
        payload.push(Buffer.from(chunk.subarray(spanStart, spanEnd)));
      } else if (event === Event.end) {
        push('end');
      } else if (event === Event.control) {
        push({ control: parser.controlOpcode, payload: parser.control().toString('hex') });
      } else {
        push({ fault: parser.fault });
        return seen;
      }
    }
    if (parser.position !== end) throw new Error(`starved at ${parser.position}, before ${end}`);
    chunk.fill(0xdd);
  }
  if (payload.length > 0) seen.push({ payload: Buffer.concat(payload).toString('hex') });
  return seen;
}

/** Cuts bytes into chunks of these sizes, over and over. */
export function cut(bytes: Buffer, sizes: readonly number[]): Buffer[] {
  const chunks: Buffer[] = [];
  for (let at = 0, i = 0; at < bytes.length; i++) {
    const size = sizes[i % sizes.length];
    chunks.push(bytes.subarray(at, at + size!));
    at += size!;
  }
  return chunks;
}
