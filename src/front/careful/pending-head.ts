/** A head on its way to Node's parser: where it ends, how much of it has come, and its target as it came. */
import { HeadEnd } from '../../http/message-end.ts';
import { RequestLine } from '../../http/request-line.ts';

/** The most empty lines before a request (RFC 9112 §2.2 wants one to be ignored). Each costs the parser a call. */
const mostBlanks = 4;

export class PendingHead {
  /** Bytes of it that have come. */
  bytes = 0;
  readonly #end = new HeadEnd();
  readonly #line = new RequestLine();
  #blanks = 0;
  #ends = false;

  /** Looks for its end: how many of the bytes that have come next belong to it. */
  find(held: Buffer): number {
    const end = this.#end.find(held, 0);
    this.#ends = end >= 0;
    const length = this.#ends ? end : held.length;
    this.bytes += length;
    return length;
  }

  /** What the parser gets for them. */
  translate(bytes: Buffer): Buffer {
    return this.#line.translate(bytes);
  }

  /** More of it is to come. */
  get isOpen(): boolean {
    return !this.#ends;
  }

  /** What ended was an empty line. Returns whether there may be more of them. */
  addBlank(): boolean {
    return ++this.#blanks <= mostBlanks;
  }

  /** The target as it came; `null` where the parser has it so too. */
  get target(): string | null {
    return this.#line.target;
  }
}
