/** Encodes the text messages that Sluice itself sends: answers to messages that it dropped (RFC 6455 §5.2). */
import { copyUnmasked } from './mask.ts';
import { Opcode } from './opcodes.ts';

/** A whole message in one frame. `maskingKey` is four fresh random bytes towards a server, `null` towards a client. */
export function encodeText(payload: Buffer, maskingKey: Uint8Array | null): Buffer {
  if (payload.length > 0xffff) throw new RangeError(`text of ${payload.length} bytes`);
  const extended = payload.length < 126 ? 0 : 2;
  const start = 2 + extended + (maskingKey === null ? 0 : 4);
  const frame = Buffer.allocUnsafeSlow(start + payload.length);
  frame[0] = 0x80 | Opcode.text;
  frame[1] = (extended === 0 ? payload.length : 126) | (maskingKey === null ? 0 : 0x80);
  if (extended > 0) frame.writeUInt16BE(payload.length, 2);
  if (maskingKey === null) {
    frame.set(payload, start);
  } else {
    frame.set(maskingKey, start - 4);
    copyUnmasked(payload, maskingKey, 0, frame, start);
  }
  return frame;
}
