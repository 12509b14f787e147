/** Looks whether at a place in a line that may not be whole stands what must stand there. */

/** What reading a line came to, where that is no place in its bytes. */
export const incomplete = -1;
export const doubtful = -2;
/** Incomplete as well, and between the CR and the LF of a line end: the next byte may make the line doubtful. */
export const torn = -3;

export const lineEnd = Buffer.from('\r\n');

/**
 * Returns what stands behind `word`, if it stands at `at`; `incomplete` where nothing of it is here, `torn` where a
 * part is.
 */
export function expect(bytes: Uint8Array, at: number, limit: number, word: Uint8Array): number {
  for (let i = 0; i < word.length; i++) {
    if (at + i === limit) return i === 0 ? incomplete : torn;
    if (bytes[at + i] !== word[i]) return doubtful;
  }
  return at + word.length;
}
