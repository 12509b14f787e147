/**
 * The query of a request target, as forms are read. A stranger writes it, and it may have 30 000 parameters: an
 * exception for each would take 100 ms, so what cannot be decoded is found out without one, and stands as it came. A
 * parameter that is another makes no string.
 */
import { isUtf8 } from 'node:buffer';

/** Every value of a parameter, decoded, as far as they are asked for; `name` is decoded, and ASCII. */
export function* queryOf(target: string, name: string): Generator<string, void> {
  for (const [start, end] of parametersOf(target)) {
    const at = behindName(target, start, end, name);
    if (at >= 0) yield decode(target.slice(at + 1, end));
  }
}

/** The target without some parameters; all else stays byte for byte. */
export function withoutParameters(target: string, names: ReadonlySet<string>): string {
  const runs: string[] = [];
  /** Where what is kept side by side begins; -1 where there is none. */
  let run = -1;
  let last = -1;
  const keep = () => {
    if (run >= 0) runs.push(target.slice(run, last));
    run = -1;
  };
  for (const [start, end] of parametersOf(target)) {
    let isRemoved = false;
    for (const name of names) isRemoved ||= behindName(target, start, end, name) >= 0;
    if (isRemoved) keep();
    else if (run < 0) run = start;
    last = end;
  }
  if (last < 0) return target;
  keep();
  const path = target.slice(0, target.indexOf('?'));
  return runs.length === 0 ? path : `${path}?${runs.join('&')}`;
}

/** Where each parameter begins and ends. One pair of numbers serves for all. */
function* parametersOf(target: string): Generator<readonly [start: number, end: number], void> {
  const pair: [number, number] = [target.indexOf('?'), 0];
  if (pair[0] < 0) return;
  for (pair[1] = pair[0]; pair[1] < target.length; ) {
    pair[0] = pair[1] + 1;
    const end = target.indexOf('&', pair[0]);
    pair[1] = end < 0 ? target.length : end;
    yield pair;
  }
}

/** Where the name of a parameter ends if it is this one, decoded; -1 where it is another. */
function behindName(target: string, start: number, end: number, name: string): number {
  let at = start;
  for (let i = 0; i < name.length; i++, at++) {
    if (at >= end) return -1;
    let letter = target.charCodeAt(at);
    if (letter === equals) return -1;
    if (letter === plus) letter = space;
    else if (letter === percent) {
      const value = byteAt(target, at + 1);
      // Of a broken escape each character is itself.
      if (value >= 0) {
        letter = value;
        at += 2;
      }
    }
    if (letter !== name.charCodeAt(i)) return -1;
  }
  return at === end || target.charCodeAt(at) === equals ? at : -1;
}

const [equals, plus, space, percent] = [0x3d, 0x2b, 0x20, 0x25];

/** The byte that two hexadecimal digits are; -1 where they are none. */
function byteAt(text: string, at: number): number {
  const [high, low] = [digitOf(text.charCodeAt(at)), digitOf(text.charCodeAt(at + 1))];
  return high < 0 || low < 0 ? -1 : high * 16 + low;
}

function digitOf(code: number): number {
  if (code >= 0x30 && code <= 0x39) return code - 0x30;
  const letter = code | 0x20;
  return letter >= 0x61 && letter <= 0x66 ? letter - 0x57 : -1;
}

const isEncoded = /[%+]/;
const brokenEscape = /%(?![0-9a-f]{2})/i;
/** Escapes of bytes beyond ASCII, side by side. */
const beyondAscii = /(?:%[89a-f][0-9a-f])+/gi;

function decode(text: string): string {
  if (!isEncoded.test(text)) return text;
  const spaced = text.replaceAll('+', ' ');
  if (brokenEscape.test(spaced)) return spaced;
  const isText = (spaced.match(beyondAscii) ?? []).every((run) => isUtf8(Buffer.from(run.replaceAll('%', ''), 'hex')));
  return isText ? decodeURIComponent(spaced) : spaced;
}
