/**
 * The request line for Node's parser, which takes nothing but ASCII in it. Clients do send other bytes, such as those
 * of a file's name, and backends understand them. So the parser gets such a byte percent-encoded, and the target goes
 * on as it came.
 */
const lf = 0x0a;
const cr = 0x0d;

export class RequestLine {
  /** What has come of the line, a character for each byte. */
  #text = '';
  #complete = false;
  #isAscii = true;

  /**
   * Takes the next bytes of a head, and returns them for the parser: the same buffer where nothing in them had to be
   * changed.
   */
  translate(bytes: Buffer): Buffer {
    if (this.#complete) return bytes;
    // Empty lines may come before it (RFC 9112 §2.2).
    const start = this.#text === '' ? firstOf(bytes) : 0;
    const found = bytes.indexOf(lf, start);
    const end = found < 0 ? bytes.length : found;
    this.#complete = found >= 0;
    const line = bytes.toString('latin1', start, end);
    this.#text += line;
    const plain = escapeBeyondAscii(line);
    if (plain === line) return bytes;
    this.#isAscii = false;
    return Buffer.concat([bytes.subarray(0, start), Buffer.from(plain, 'latin1'), bytes.subarray(end)]);
  }

  /** The target as it came, a character for each byte; `null` where the parser has it so too. */
  get target(): string | null {
    return this.#isAscii ? null : (/^[^ ]+ +([^ ]+)/.exec(this.#text)?.[1] ?? null);
  }
}

/** With `%C3` for the byte 0xC3; one character is one byte. */
export function escapeBeyondAscii(text: string): string {
  return text.replaceAll(/[\x80-\xff]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`);
}

/** The index of the first byte that is neither CR nor LF. */
function firstOf(bytes: Buffer): number {
  let at = 0;
  while (at < bytes.length && (bytes[at] === cr || bytes[at] === lf)) at++;
  return at;
}
