/** The values of the two fields that frame a body, read as all parsers read them (RFC 9112 §6). */
import { comma, digit0, folded, space, tab } from './characters.ts';
import { expect } from './match.ts';

const chunkedWord = Buffer.from('chunked');
/** What may stand before the last element of a list. */
const listBefore: readonly number[] = [comma, space, tab];
/** More digits would not fit into a number. */
const mostDigits = 15;

/** Whether a request's coding is `chunked`. Exactly so: a backend that compares letters would read another framing. */
export function isChunked(bytes: Uint8Array, start: number, end: number): boolean {
  return end - start === chunkedWord.length && expect(bytes, start, end, chunkedWord) === end;
}

/** Whether an answer's last coding is `chunked`. That one frames it (RFC 9112 §6.3); those before it are passed on with the line. */
export function endsChunked(bytes: Uint8Array, start: number, end: number): boolean {
  const from = end - chunkedWord.length;
  if (from < start) return false;
  for (let i = 0; i < chunkedWord.length; i++) if (folded[bytes[from + i]!] !== chunkedWord[i]) return false;
  return from === start || listBefore.includes(bytes[from - 1]!);
}

/** A decimal number in its shortest form, −1 for anything else. */
export function numberOf(bytes: Uint8Array, start: number, end: number): number {
  const digits = end - start;
  if (digits === 0 || digits > mostDigits || (digits > 1 && bytes[start] === digit0)) return -1;
  let value = 0;
  for (let i = start; i < end; i++) {
    const digit = bytes[i]! - digit0;
    if (digit < 0 || digit > 9) return -1;
    value = value * 10 + digit;
  }
  return value;
}
