/** Masking of payloads (RFC 6455 §5.3): applying it again takes it off. */

/** Copies `bytes` of a frame's payload into `target` without the mask whose four bytes stand in `key` at `keyAt`. */
export function copyUnmasked(bytes: Uint8Array, key: Uint8Array, keyAt: number, target: Uint8Array, at: number): void {
  for (let i = 0; i < bytes.length; i++) target[at + i] = bytes[i]! ^ key[keyAt + (i & 3)]!;
}
