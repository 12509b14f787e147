/**
 * Which headers pass from one HTTP message to the next. Works on `rawHeaders` (name, value, name, value …), so that
 * order, spelling and duplicates survive.
 */

import { kindOf, neverTrailing } from './fields.ts';
import { endToEnd, nominatedBy, type RawHeaders, requestLines } from './raw-fields.ts';

/** A header with every value it had, spelled as it first came. */
export type HeaderField = readonly [name: string, values: string[]];

/**
 * The request headers for the upstream; framing (`Content-Length`, `Transfer-Encoding`) and `Connection` are left
 * out.
 */
export function requestFields(
  raw: RawHeaders,
  forwarding: readonly (readonly [name: string, value: string])[],
  trusted: boolean,
): HeaderField[] {
  const fields = new Map<string, HeaderField>();
  for (const [spelled, value] of requestLines(raw, trusted)) {
    const name = spelled.toLowerCase();
    // Whether to send the body is settled here, not by the upstream.
    if (name === 'expect' || name === 'content-length') continue;
    const field = fields.get(name);
    if (field) field[1].push(value);
    else fields.set(name, [spelled, [value]]);
  }
  // Lines of one name stand together: of several fields of one name Node sends the last.
  const told = Map.groupBy(forwarding, ([name]) => name.toLowerCase()).values();
  return [...fields.values(), ...[...told].map((same): HeaderField => [same[0]![0], same.map(([, value]) => value)])];
}

/** The response headers for the client, flat as `writeHead` takes them. */
export function responseHeaders(raw: RawHeaders, keep: { contentLength: boolean; trailer: boolean }): string[] {
  const headers = endToEnd(raw).filter(([name]) => keep.contentLength || name.toLowerCase() !== 'content-length');
  for (let i = 0; keep.trailer && i < raw.length; i += 2) {
    if (raw[i]!.toLowerCase() === 'trailer') headers.push([raw[i]!, raw[i + 1]!]);
  }
  return headers.flat();
}

/**
 * Trailers of an answer as `addTrailers` takes them, without what is kept out of a head; `head` is the answer's. Those
 * of a request never pass: servers that put them with the headers would believe what no filter of a head has seen.
 */
export function trailerFields(raw: RawHeaders, head: RawHeaders): [string, string][] {
  const nominated = nominatedBy(head);
  return endToEnd(raw).filter(([spelled]) => {
    const name = spelled.toLowerCase();
    return kindOf(spelled) === 'other' && !neverTrailing.test(name) && !nominated.has(name);
  });
}
