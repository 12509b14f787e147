/** The `Connection` header (RFC 9110 §7.6.1): what it asks of this connection, and which lines it keeps to this hop. */
import { comma, folded, space, tab } from './characters.ts';

/** A sum of what `Connection` lines say. */
export const ConnectionOptions = {
  close: 1,
  keepAlive: 2,
  upgrade: 4,
  /** It names header lines that are not to be passed on. */
  nominates: 8,
} as const;
/** Any sum of the above. */
export type ConnectionOptions = number;

const options: readonly (readonly [word: Uint8Array, option: ConnectionOptions])[] = [
  [Buffer.from('keep-alive'), ConnectionOptions.keepAlive],
  [Buffer.from('close'), ConnectionOptions.close],
  [Buffer.from('upgrade'), ConnectionOptions.upgrade],
];

/** What the value in `bytes` from `start` to `end` says. */
export function connectionOptions(bytes: Uint8Array, start: number, end: number): ConnectionOptions {
  let found: ConnectionOptions = 0;
  for (let at = start; at < end; ) {
    let next = at;
    while (next < end && bytes[next] !== comma) next++;
    found |= optionOf(bytes, at, next);
    at = next + 1;
  }
  return found;
}

function optionOf(bytes: Uint8Array, from: number, to: number): ConnectionOptions {
  let start = from;
  let end = to;
  while (start < end && isBlank(bytes[start]!)) start++;
  while (end > start && isBlank(bytes[end - 1]!)) end--;
  if (start === end) return 0;
  for (const [word, option] of options) if (equals(bytes, start, end, word)) return option;
  return ConnectionOptions.nominates;
}

function equals(bytes: Uint8Array, start: number, end: number, word: Uint8Array): boolean {
  if (end - start !== word.length) return false;
  for (let i = 0; i < word.length; i++) if (folded[bytes[start + i]!] !== word[i]) return false;
  return true;
}

function isBlank(byte: number): boolean {
  return byte === space || byte === tab;
}
