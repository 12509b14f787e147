/** The header names that matter to a proxy, recognised by their bytes. All others are passed on unread. */
import { forwardingFamilies, forwardingNames, hopNames, toldNames } from '../fields.ts';
import { folded } from './characters.ts';

/** What a header line means to a proxy. */
export const Field = {
  /** Passed on as it came. */
  other: 0,
  /** Concerns one connection only (RFC 9110 §7.6.1): never passed on. */
  hop: 1,
  connection: 2,
  upgrade: 3,
  transferEncoding: 4,
  contentLength: 5,
  host: 6,
  date: 7,
  trailer: 8,
  /** Says where a request came from, and Sluice says it anew. */
  told: 9,
  /** Says where a request came from; only a trusted peer may. */
  forwarding: 10,
  /** `Sec-WebSocket-Extensions`. */
  extensions: 11,
  accept: 12,
  expect: 13,
} as const;
export type Field = (typeof Field)[keyof typeof Field];

const known: readonly (readonly [name: string, field: Field])[] = [
  ['connection', Field.connection],
  ['upgrade', Field.upgrade],
  ['transfer-encoding', Field.transferEncoding],
  ['content-length', Field.contentLength],
  ['host', Field.host],
  ['date', Field.date],
  ['trailer', Field.trailer],
  ['sec-websocket-extensions', Field.extensions],
  ['accept', Field.accept],
  ['expect', Field.expect],
];

/** With the lists that both lanes share; a name that has a meaning of its own keeps it. */
const named: ReadonlyMap<string, Field> = new Map([
  ...hopNames.map((name) => [name, Field.hop] as const),
  ...toldNames.map((name) => [name, Field.told] as const),
  ...forwardingNames.map((name) => [name, Field.forwarding] as const),
  ...known,
]);

/** Any name that begins so, and has more, says where a request came from. */
const families = forwardingFamilies.map((family) => Buffer.from(family));
/** Whether any family begins with a letter, by its last five bits. */
const beginsFamily = new Uint8Array(32);
for (const family of families) beginsFamily[family[0]! & 31] = 1;

interface Candidate {
  readonly name: Buffer;
  readonly field: Field;
}

/** Candidates by length and first letter; most names meet an empty place. */
const places: readonly (readonly Candidate[] | undefined)[] = placed();
const longest = Math.max(...[...named.keys()].map((name) => name.length));

function placed(): (Candidate[] | undefined)[] {
  const all: (Candidate[] | undefined)[] = new Array(32 * 32).fill(undefined);
  for (const [text, field] of named) {
    const name = Buffer.from(text);
    const place = placeOf(name[0]!, name.length);
    all[place] = [...(all[place] ?? []), { name, field }];
  }
  return all;
}

function placeOf(first: number, length: number): number {
  return length * 32 + (first & 31);
}

const dash = 0x2d;

/** What the name in `bytes` from `start` to `end` means. */
export function fieldOf(bytes: Uint8Array, start: number, end: number): Field {
  const length = end - start;
  const first = bytes[start]!;
  if (length <= longest) {
    const candidates = places[placeOf(first, length)];
    if (candidates !== undefined) {
      for (const { name, field } of candidates)
        if (beginsWith(bytes, start, name)) return spelled(bytes, start, end, field);
    }
  }
  if (beginsFamily[first & 31] === 0) return Field.other;
  for (const family of families) {
    if (length > family.length && beginsWith(bytes, start, family)) return Field.forwarding;
  }
  return Field.other;
}

/**
 * CGI and WSGI make one name of `X_Real_IP` and `X-Real-IP`. What is kept out is kept out in both spellings; and what
 * is no framing and no Host to any HTTP parser must not become one behind it.
 */
function spelled(bytes: Uint8Array, start: number, end: number, field: Field): Field {
  if (field === Field.told || field === Field.forwarding) return field;
  for (let i = start; i < end; i++) if (bytes[i] !== dash && folded[bytes[i]!] === dash) return Field.hop;
  return field;
}

function beginsWith(bytes: Uint8Array, start: number, name: Uint8Array): boolean {
  for (let i = 0; i < name.length; i++) if (folded[bytes[start + i]!] !== name[i]) return false;
  return true;
}
