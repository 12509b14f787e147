/** Header fields as Node gives them raw: name, value, name, value …, so that order, spelling and duplicates survive. */

import { kindOf, neverNominated } from './fields.ts';

/** Names and values in turn, as in `message.rawHeaders`. */
export type RawHeaders = readonly string[];

/** Values of fields by name, whatever they are read from. */
export interface FieldValues {
  /** Every value of a field, in order; `name` in lower case. */
  values(name: string): string[];
}

/** Every value of a header, in order; `name` in lower case. */
export function valuesOf(raw: RawHeaders, name: string): string[] {
  const values: string[] = [];
  for (let i = 0; i < raw.length; i += 2) {
    // Few names have the same length.
    if (raw[i]!.length === name.length && raw[i]!.toLowerCase() === name) values.push(raw[i + 1]!);
  }
  return values;
}

/** The elements of a list header over all its lines, without empty ones (RFC 9110 §5.6.1). */
export function elementsOf(raw: RawHeaders, name: string): string[] {
  return elementsIn(valuesOf(raw, name));
}

/** The same of the values of its lines. */
export function elementsIn(values: readonly string[]): string[] {
  const elements: string[] = [];
  for (const value of values) {
    for (const part of value.split(',')) {
      const element = part.trim();
      if (element !== '') elements.push(element);
    }
  }
  return elements;
}

/** Whether a list header, by the values of its lines, has an element, whatever its case. */
export function hasElement(values: readonly string[], element: string): boolean {
  return values.some((value) => {
    const list = value.toLowerCase();
    // Mostly it is the only one.
    return list === element || list.split(',').some((one) => one.trim() === element);
  });
}

/** Lists that Sluice takes apart, of every request and of handshakes; and those of answers. */
const plainLists = ['connection', 'upgrade', 'x-forwarded-for', 'x-forwarded-proto', 'x-forwarded-host', 'x-scheme'];
export const handshakeLists: readonly string[] = ['sec-websocket-protocol', 'sec-websocket-extensions'];
export const allLists: readonly string[] = [...plainLists, ...handshakeLists];

const answerLists: readonly string[] = ['connection', 'upgrade'];

/** The most elements of a list that is taken apart. A chain of proxies has three, and subprotocols are two. */
const mostElements = 100;

/** What is wrong with lists that are longer than anybody makes them, in words; `null` for nothing. */
export function longListFault(fields: FieldValues, lists: readonly string[] = answerLists): string | null {
  const list = overlongList(fields, mostElements, lists);
  return list === null ? null : `${list} has more than ${mostElements} elements`;
}

/** The name of a list that has more than `most` elements over all its lines, in lower case; `null` where none has. */
function overlongList(fields: FieldValues, most: number, lists: readonly string[]): string | null {
  for (const name of lists) {
    const values = fields.values(name);
    let count = values.length;
    for (const value of values) {
      for (let at = value.indexOf(','); at >= 0 && count <= most; at = value.indexOf(',', at + 1)) count++;
    }
    if (count > most) return name;
  }
  return null;
}

/** The names, in lower case, that `Connection` keeps to this hop. */
export function nominatedBy(raw: RawHeaders): ReadonlySet<string> {
  const names = elementsOf(raw, 'connection').map((name) => name.toLowerCase());
  return new Set(names.filter((name) => !neverNominated.test(name)));
}

/** The headers that go on from one hop to the next, as pairs, in order and byte for byte. */
export function endToEnd(raw: RawHeaders): [name: string, value: string][] {
  const nominated = nominatedBy(raw);
  const pairs: [string, string][] = [];
  for (let i = 0; i < raw.length; i += 2) {
    const kind = kindOf(raw[i]!);
    if (kind === 'hop' || (kind === 'other' && nominated.has(raw[i]!.toLowerCase()))) continue;
    pairs.push([raw[i]!, raw[i + 1]!]);
  }
  return pairs;
}

/**
 * Those of a request, without what Sluice tells the upstream itself; what else says where it came from needs a trusted
 * peer.
 */
export function requestLines(raw: RawHeaders, trusted: boolean): [name: string, value: string][] {
  return endToEnd(raw).filter(([name]) => {
    const kind = kindOf(name);
    return kind !== 'told' && (trusted || kind !== 'forwarding');
  });
}

/** The size in bytes of a header block on the wire, from its first line to its blank line. */
export function headerBytes(firstLine: number, raw: RawHeaders): number {
  // Each header has `: ` and a line end; so have the first line and the block.
  let bytes = firstLine + 4;
  for (let i = 0; i < raw.length; i += 2) bytes += raw[i]!.length + raw[i + 1]!.length + 4;
  return bytes;
}
