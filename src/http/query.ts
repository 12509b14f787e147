/**
 * The query of a request target, as forms are read. A stranger writes it, and it may have 30 000 parameters: an
 * exception for each would take 100 ms, so what cannot be decoded is found out without one, and stands as it came.
 */
import { isUtf8 } from 'node:buffer';

/** Every value of a parameter, decoded; `name` is decoded. */
export function queryOf(target: string, name: string): string[] {
  const at = target.indexOf('?');
  if (at < 0) return [];
  const values: string[] = [];
  for (let start = at + 1, end = 0; start < target.length; start = end + 1) {
    end = target.indexOf('&', start);
    if (end < 0) end = target.length;
    // Most are others, which shows at once.
    const first = target[start];
    if (first !== name[0] && first !== '%' && first !== '+') continue;
    const pair = target.slice(start, end);
    if (parameterName(pair) !== name) continue;
    const equals = pair.indexOf('=');
    values.push(equals < 0 ? '' : decode(pair.slice(equals + 1)));
  }
  return values;
}

/** The name of a parameter as it stands between two `&`, decoded. */
export function parameterName(pair: string): string {
  const equals = pair.indexOf('=');
  return decode(equals < 0 ? pair : pair.slice(0, equals));
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
