/** The operators' token: a file, so that a Secret can be mounted and replaced while Sluice runs. */
import { hash, timingSafeEqual } from 'node:crypto';
import { whyUnreadable } from '../config/live/read.ts';
import { readSmallFile } from '../files.ts';

/** What the file holds, or what is wrong with it. */
type Content = { readonly digest: Buffer } | { readonly problem: string };

/**
 * How long a reading of the file holds. A flood of tries reads it once in this time, and a new token holds that soon.
 */
const freshMs = 1000;
/** The shortest token, in characters: nobody guesses so many, whatever they are. `openssl rand -hex 32` writes 64. */
const shortestToken = 16;
/** The longest token. With its header name it fits into the header block that the port accepts. */
const longestToken = 4096;

export class TokenFile {
  readonly #path: string;
  readonly #key: string;
  readonly #now: () => number;
  #reading: Promise<void> | null = null;
  #content: Content = { problem: 'has not been read' };
  #readAt = Number.NEGATIVE_INFINITY;

  /** `now` is a monotonic time in milliseconds; `key` is what names the file. */
  constructor(path: string, now: () => number = () => performance.now(), key = 'admin.token_file') {
    this.#path = path;
    this.#key = key;
    this.#now = now;
  }

  /** Whether what was read of the file holds still; where not, `refresh` comes first. */
  get isFresh(): boolean {
    return this.#reading === null && this.#now() - this.#readAt < freshMs;
  }

  /** Reads the file where what was read of it holds no more. */
  async refresh(): Promise<void> {
    if (this.isFresh) return;
    this.#reading ??= this.#read();
    await this.#reading;
  }

  async #read(): Promise<void> {
    const began = this.#now();
    this.#content = await readToken(this.#path);
    this.#readAt = began;
    this.#reading = null;
  }

  /** Why the file cannot be used, in words that name it; `null` if it can. */
  problem(): string | null {
    return 'problem' in this.#content ? `${this.#key} ${this.#path} ${this.#content.problem}` : null;
  }

  /** Whether this is the token. The time that the answer takes tells nothing of either. */
  matches(token: string): boolean {
    return 'digest' in this.#content && timingSafeEqual(this.#content.digest, tokenDigest(token));
  }
}

async function readToken(path: string): Promise<Content> {
  try {
    return judgeToken((await readSmallFile(path, longestToken)).toString());
  } catch (error) {
    const { code = '', message } = error as NodeJS.ErrnoException;
    const why = whyUnreadable({ code, message });
    return { problem: code === 'EACCES' ? why : `${why}; write a token into it` };
  }
}

/** What the text of such a file is, or what is wrong with it in words that follow its name. */
export function judgeToken(text: string): Content {
  const token = text.trim();
  if (token === '') return { problem: 'is empty; write a token into it, for example of openssl rand -hex 32' };
  if (token.length < shortestToken) {
    const has = `holds a token of ${token.length} characters, at least ${shortestToken} are wanted`;
    return { problem: `${has}; write a token of openssl rand -hex 32` };
  }
  if (token.length > longestToken) {
    return { problem: `is longer than ${longestToken} characters; write a token of openssl rand -hex 32` };
  }
  // A header carries nothing else (RFC 6750 §2.1).
  if (!/^[\w.~+/-]+=*$/.test(token)) {
    return { problem: 'holds more than letters, digits and -._~+/=; write a token of openssl rand -hex 32' };
  }
  return { digest: tokenDigest(token) };
}

/** Digests have one length, whatever was tried. */
export function tokenDigest(token: string): Buffer {
  return hash('sha256', token, 'buffer');
}
