/** The first line of a head (RFC 9112 §3, §4). Each function returns where the next line begins, or why none does. */
import { cr, digit0, isTarget, isValue, slash, space } from './characters.ts';
import { doubtful, expect, incomplete, lineEnd, torn } from './match.ts';

/** Methods that are known to every parser. Others take the careful way. */
export const methods = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'] as const;
export type Method = (typeof methods)[number];

interface Word {
  readonly method: Method;
  /** With the space behind it. */
  readonly bytes: Uint8Array;
}

/** By their first byte. */
const words: readonly (readonly Word[] | undefined)[] = Array.from({ length: 256 }, (_, first) => {
  const some = methods.filter((method) => method.charCodeAt(0) === first);
  return some.length === 0 ? undefined : some.map((method) => ({ method, bytes: Buffer.from(`${method} `) }));
});

const requestEnd = Buffer.from('HTTP/1.1\r\n');
const answerVersion = Buffer.from('HTTP/1.');

/** What a request's first line says. */
export interface RequestStart {
  method: Method;
  /** Where the target stands. */
  targetStart: number;
  targetEnd: number;
}

/** What an answer's first line says. */
export interface AnswerStart {
  /** `HTTP/1.0` or `HTTP/1.1`. */
  minorVersion: number;
  status: number;
}

/** RFC 9112 §3: method, target in origin form, HTTP/1.1. */
export function readRequestLine(bytes: Uint8Array, start: number, limit: number, line: RequestStart): number {
  const target = readMethod(bytes, start, limit, line);
  if (target < 0) return target;
  if (target === limit) return incomplete;
  if (bytes[target] !== slash) return doubtful;
  let at = target + 1;
  while (at < limit && isTarget[bytes[at]!] === 1) at++;
  if (at === limit) return incomplete;
  if (bytes[at] !== space) return doubtful;
  line.targetStart = target;
  line.targetEnd = at;
  const next = expect(bytes, at + 1, limit, requestEnd);
  return next === incomplete ? torn : next;
}

/** Returns where the target begins. */
function readMethod(bytes: Uint8Array, start: number, limit: number, line: RequestStart): number {
  if (start === limit) return incomplete;
  let result = doubtful;
  for (const { method, bytes: word } of words[bytes[start]!] ?? []) {
    const next = expect(bytes, start, limit, word);
    if (next >= 0) {
      line.method = method;
      return next;
    }
    if (next !== doubtful) result = next;
  }
  return result;
}

/** RFC 9112 §4. The reason phrase, and the space before it, may be missing. */
export function readStatusLine(bytes: Uint8Array, start: number, limit: number, line: AnswerStart): number {
  const version = expect(bytes, start, limit, answerVersion);
  if (version < 0) return version;
  if (version + 5 > limit) return incomplete;
  line.minorVersion = bytes[version]! - digit0;
  if (line.minorVersion !== 0 && line.minorVersion !== 1) return doubtful;
  if (bytes[version + 1] !== space) return doubtful;
  line.status = 0;
  for (let i = version + 2; i < version + 5; i++) {
    const digit = bytes[i]! - digit0;
    if (digit < 0 || digit > 9) return doubtful;
    line.status = line.status * 10 + digit;
  }
  if (line.status < 100) return doubtful;
  let at = version + 5;
  if (at < limit && bytes[at] !== cr && bytes[at] !== space) return doubtful;
  while (at < limit && isValue[bytes[at]!] === 1) at++;
  return expect(bytes, at, limit, lineEnd);
}
