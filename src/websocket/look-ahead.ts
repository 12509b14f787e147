/** Looks ahead in bytes that have been read and not parsed, without parsing them for good. */
import { Event, FrameParser } from './frame-parser.ts';
import { Opcode } from './opcodes.ts';

/**
 * Whether a whole message, or a close frame, begins and ends between `start` and `end`. The bytes at `start` must begin
 * a frame, and no message may be under way there. `masked` as for the parser.
 */
export function holdsWholeMessage(chunk: Buffer, start: number, end: number, masked: boolean): boolean {
  const parser = new FrameParser(masked);
  parser.feed(chunk, start, end);
  for (;;) {
    const event = parser.next();
    if (event === Event.starved || event === Event.fault) return false;
    if (event === Event.end && parser.fin) return true;
    if (event === Event.control && parser.controlOpcode === Opcode.close) return true;
  }
}
