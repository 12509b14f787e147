/**
 * Where the parts of a message end. The careful lane feeds Node's parser no byte beyond such an end. Nothing is judged
 * here: the parser refuses what is no head or no chunk.
 */

const lf = 10;
const cr = 13;

/** Looks for the blank line that ends a head: CRLF CRLF, or with bare line feeds, which some parsers take. */
export class HeadEnd {
  /** 0 within a line, 1 behind its LF, 2 behind LF CR. */
  #at: 0 | 1 | 2;

  /** `inLine`: whether the bytes before the first ones belong to the same line. */
  constructor(inLine = true) {
    this.#at = inLine ? 0 : 1;
  }

  /** The index behind the first blank line from `from` on; -1 where the chunk ends before. */
  find(chunk: Uint8Array, from: number): number {
    for (let at = from; at < chunk.length; ) {
      if (this.#at === 0) {
        const end = chunk.indexOf(lf, at);
        if (end < 0) return -1;
        this.#at = 1;
        at = end + 1;
        continue;
      }
      const byte = chunk[at++];
      if (byte === lf) {
        this.#at = 0;
        return at;
      }
      this.#at = byte === cr && this.#at === 1 ? 2 : 0;
    }
    return -1;
  }
}

type ChunkPart = 'size' | 'extension' | 'data' | 'data CR' | 'data LF' | 'trailers';

/** Follows a body in chunks to its end (RFC 9112 §7.1). */
export class ChunkedEnd {
  #part: ChunkPart = 'size';
  #size = 0;
  #digits = 0;
  #trailers: HeadEnd | null = null;
  #broken = false;
  /** Chunks that have begun, the last one among them. */
  chunks = 0;
  /** Bytes behind the line of the last chunk, which whoever parses them keeps. */
  trailerBytes = 0;

  /** Whether the last byte before the returned index cannot stand there. */
  get broken(): boolean {
    return this.#broken;
  }

  /** The index behind the body, or behind the byte that breaks it; -1 where the chunk ends before. */
  find(chunk: Uint8Array, from: number): number {
    for (let at = from; at < chunk.length; ) {
      if (this.#part === 'trailers') {
        const end = this.#trailers!.find(chunk, at);
        this.trailerBytes += (end < 0 ? chunk.length : end) - at;
        return end;
      }
      if (this.#part === 'data') {
        const taken = Math.min(this.#size, chunk.length - at);
        this.#size -= taken;
        at += taken;
        if (this.#size === 0) this.#part = 'data CR';
        continue;
      }
      this.#broken = !this.#step(chunk[at++]!);
      if (this.#broken) return at;
    }
    return -1;
  }

  /** Takes a byte of the framing; `false` where it cannot stand there. */
  #step(byte: number): boolean {
    switch (this.#part) {
      case 'size':
        return this.#sizeByte(byte);
      case 'extension':
        if (byte === lf) this.#begin();
        return true;
      case 'data CR':
        this.#part = 'data LF';
        return byte === cr;
      default:
        this.#part = 'size';
        return byte === lf;
    }
  }

  #sizeByte(byte: number): boolean {
    const digit = hexDigit(byte);
    if (digit >= 0) {
      this.#size = this.#size * 16 + digit;
      this.#digits++;
      return this.#size <= Number.MAX_SAFE_INTEGER;
    }
    this.#part = 'extension';
    // A CR, blanks or `;`; that nothing else stands here, and a line ends rightly, is seen by the parser.
    return this.#digits > 0 && byte !== lf;
  }

  /** The line of a chunk's size is over. */
  #begin(): void {
    this.#digits = 0;
    this.chunks++;
    this.#part = this.#size > 0 ? 'data' : 'trailers';
    if (this.#size === 0) this.#trailers = new HeadEnd(false);
  }
}

function hexDigit(byte: number): number {
  if (byte >= 48 && byte <= 57) return byte - 48;
  const lower = byte | 32;
  return lower >= 97 && lower <= 102 ? lower - 87 : -1;
}
