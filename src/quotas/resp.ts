/**
 * The protocol of Redis and Valkey, RESP2 (https://valkey.io/topics/protocol/), as far as the store of quotas needs it:
 * commands go out, and short answers come in. An answer is bounded in bytes, elements and depth, because whoever
 * listens at the store's address may be anybody. No I/O.
 */

/** An error that the server answers: `READONLY You can't write against a read only replica.` */
export class ReplyError {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

/** An answer; `null` is the server's own nothing. */
export type Reply = string | number | null | ReplyError | readonly Reply[];

/** All that is ever asked for is shorter, errors too. */
const longestReply = 4096;
const tooLong = `an answer is longer than ${longestReply} bytes`;
const mostElements = 16;
const mostDepth = 2;

/** A command with its arguments. */
export function encodeCommand(parts: readonly (string | number)[]): string {
  let text = `*${parts.length}\r\n`;
  for (const part of parts) {
    const argument = String(part);
    text += `$${Buffer.byteLength(argument)}\r\n${argument}\r\n`;
  }
  return text;
}

/** An answer, and where the next one begins. */
interface Parsed {
  readonly reply: Reply;
  readonly end: number;
}

/** Why bytes are no answer. */
class NoReply {
  readonly problem: string;

  constructor(problem: string) {
    this.problem = problem;
  }
}

/** Takes bytes as they come, in whatever pieces. */
export class ReplyReader {
  #rest = Buffer.alloc(0);

  /** The answers that are whole now, in their order, and what is wrong with what came behind them. */
  read(bytes: Buffer): { readonly replies: readonly Reply[]; readonly problem: string | null } {
    const all = this.#rest.length === 0 ? bytes : Buffer.concat([this.#rest, bytes]);
    const replies: Reply[] = [];
    let at = 0;
    while (at < all.length) {
      const parsed = parse(all, at, 0);
      if (parsed instanceof NoReply) return { replies, problem: parsed.problem };
      if (parsed === null) break;
      if (parsed.end - at > longestReply) return { replies, problem: tooLong };
      replies.push(parsed.reply);
      at = parsed.end;
    }
    // A copy: a slice would keep the whole piece.
    this.#rest = Buffer.from(all.subarray(at));
    return { replies, problem: this.#rest.length > longestReply ? tooLong : null };
  }
}

/** `null` where more must come. */
function parse(bytes: Buffer, from: number, depth: number): Parsed | NoReply | null {
  const lineEnd = bytes.indexOf('\r\n', from, 'latin1');
  if (lineEnd < 0) return isType(bytes[from]!) ? null : new NoReply('it does not speak the protocol of Redis');
  const line = bytes.toString('utf8', from + 1, lineEnd);
  const end = lineEnd + 2;
  switch (String.fromCharCode(bytes[from]!)) {
    case '+':
      return { reply: line, end };
    case '-':
      return { reply: new ReplyError(line), end };
    case ':':
      return /^-?\d{1,15}$/.test(line) ? { reply: Number(line), end } : new NoReply('it answers a number that is none');
    case '$':
      return parseBulk(bytes, end, line);
    case '*':
      return parseArray(bytes, end, line, depth);
    default:
      return new NoReply('it does not speak the protocol of Redis');
  }
}

const types = new Set([...'+-:$*'].map((type) => type.charCodeAt(0)));

function isType(byte: number): boolean {
  return types.has(byte);
}

function parseBulk(bytes: Buffer, from: number, line: string): Parsed | NoReply | null {
  if (line === '-1') return { reply: null, end: from };
  const length = lengthOf(line);
  if (length === null || length > longestReply) return new NoReply('it answers a text that is too long');
  const end = from + length + 2;
  if (bytes.length < end) return null;
  if (bytes.toString('latin1', end - 2, end) !== '\r\n') return new NoReply('it answers a text without its end');
  return { reply: bytes.toString('utf8', from, end - 2), end };
}

function parseArray(bytes: Buffer, from: number, line: string, depth: number): Parsed | NoReply | null {
  if (line === '-1') return { reply: null, end: from };
  const length = lengthOf(line);
  if (length === null || length > mostElements || depth === mostDepth)
    return new NoReply('it answers a list that is too long');
  const elements: Reply[] = [];
  let end = from;
  for (let i = 0; i < length; i++) {
    if (end >= bytes.length) return null;
    const parsed = parse(bytes, end, depth + 1);
    if (parsed === null || parsed instanceof NoReply) return parsed;
    elements.push(parsed.reply);
    end = parsed.end;
  }
  return { reply: elements, end };
}

function lengthOf(line: string): number | null {
  return /^\d{1,9}$/.test(line) ? Number(line) : null;
}
