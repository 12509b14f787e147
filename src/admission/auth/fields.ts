/** Where credentials stand in the fields of a request. */
import { elementsOf, type RawHeaders, valuesOf } from '../../http/raw-fields.ts';

/**
 * What stands behind a scheme in every `Authorization` line of that scheme; `scheme` in lower case (RFC 9110 §11.4).
 */
export function authorizationOf(raw: RawHeaders, scheme: string): string[] {
  return valuesOf(raw, 'authorization').flatMap((value) => {
    const space = value.indexOf(' ');
    return space > 0 && value.slice(0, space).toLowerCase() === scheme ? [value.slice(space + 1).trim()] : [];
  });
}

/**
 * Every value of a cookie, over all `Cookie` lines (RFC 6265 §4.2.1), as far as they are asked for. Values in double
 * quotes lose them.
 */
export function* cookiesOf(raw: RawHeaders, name: string): Generator<string, void> {
  for (const pair of pairsOf(raw, name)) {
    const equals = skipBlanks(pair, name.length, pair.length);
    if (pair[equals] !== '=') continue;
    const value = pair.slice(equals + 1).trim();
    yield /^".*"$/.test(value) ? value.slice(1, -1) : value;
  }
}

/** The names of all cookies that begin so. */
export function cookieNamesOf(raw: RawHeaders, beginning: string): Set<string> {
  const names = new Set<string>();
  for (const pair of pairsOf(raw, beginning)) names.add(pair.split('=', 1)[0]!.trim());
  return names;
}

/** The cookies that begin so. A stranger writes them, and there may be 60 000: what is another one makes no string. */
function* pairsOf(raw: RawHeaders, beginning: string): Generator<string, void> {
  for (const line of valuesOf(raw, 'cookie')) {
    for (let at = 0, end = 0; at < line.length; at = end + 1) {
      end = line.indexOf(';', at);
      if (end < 0) end = line.length;
      const start = skipBlanks(line, at, end);
      if (line.startsWith(beginning, start)) yield line.slice(start, end);
    }
  }
}

function skipBlanks(line: string, from: number, end: number): number {
  let at = from;
  while (at < end && (line[at] === ' ' || line[at] === '\t')) at++;
  return at;
}

/** The subprotocols that a handshake offers, in order. */
export function subprotocolsOf(raw: RawHeaders): string[] {
  return elementsOf(raw, 'sec-websocket-protocol');
}

/** Whether a person waits for a page: only then is a way to a login page an answer. */
export function isNavigation(method: string, raw: RawHeaders): boolean {
  if (method !== 'GET' && method !== 'HEAD') return false;
  const mode = valuesOf(raw, 'sec-fetch-mode')[0];
  if (mode !== undefined) return mode === 'navigate';
  return valuesOf(raw, 'accept').some((value) => value.toLowerCase().includes('text/html'));
}
