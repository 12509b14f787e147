/** Encodes the control frames that Sluice itself sends (RFC 6455 §5.5). */
import { maxControlPayload } from './opcodes.ts';

/** A frame that waits for a slow peer keeps so much. Node's own pool has sixteen times as much in a piece. */
const slabBytes = 4096;
let slab = Buffer.alloc(0);
let used = 0;

/** Room for one frame: a buffer of its own would cost more than all else about it. */
function room(bytes: number): Buffer {
  if (used + bytes > slab.length) {
    slab = Buffer.allocUnsafeSlow(slabBytes);
    used = 0;
  }
  used += bytes;
  return slab.subarray(used - bytes, used);
}

/**
 * A whole control frame. `payload` is at most 125 bytes. `maskingKey` is four fresh random bytes towards a server,
 * `null` towards a client (RFC 6455 §5.3). It stands in memory that others share.
 */
export function encodeControl(opcode: number, payload: Uint8Array, maskingKey: Uint8Array | null): Buffer {
  if (payload.length > maxControlPayload) throw new RangeError(`control payload of ${payload.length} bytes`);
  const start = maskingKey === null ? 2 : 6;
  const frame = room(start + payload.length);
  frame[0] = 0x80 | opcode;
  frame[1] = payload.length | (maskingKey === null ? 0 : 0x80);
  if (maskingKey === null) {
    frame.set(payload, start);
  } else {
    frame.set(maskingKey, 2);
    for (let i = 0; i < payload.length; i++) frame[start + i] = payload[i]! ^ maskingKey[i & 3]!;
  }
  return frame;
}
