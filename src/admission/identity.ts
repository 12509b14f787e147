/** Who a request says its user is. It is for people who read logs and listings; nothing is allowed or refused by it. */
import type { Identity } from '../config/types.ts';
import type { RawHeaders } from '../http/raw-fields.ts';
import { cleanUser } from '../observe/log/clean.ts';

/** What of a request may name its user. */
export interface Naming {
  readonly headers: RawHeaders;
  /** Whether the peer is one of `trusted_proxies`; anybody else may write into a header what they like. */
  readonly trusted: boolean;
  readonly path: string;
}

/** The user's name, fit to be shown; `undefined` where there is none. */
export function userOf(identity: Identity | null, naming: Naming): string | undefined {
  if (identity === null) return undefined;
  const name = 'header' in identity ? inHeader(identity.header, naming) : inPath(identity.segments, naming.path);
  return name === undefined || name === '' ? undefined : cleanUser(name);
}

/** A header that comes twice names nobody: which of the two is the proxy's own, is not known. */
function inHeader(name: string, { headers, trusted }: Naming): string | undefined {
  if (!trusted) return undefined;
  const values = headers.filter((_, i) => i % 2 === 1 && headers[i - 1]!.toLowerCase() === name);
  // Node reads bytes as Latin-1, and proxies write UTF-8.
  return values.length === 1 ? Buffer.from(values[0]!, 'latin1').toString().trim() : undefined;
}

function inPath(pattern: readonly (string | null)[], path: string): string | undefined {
  const segments = path.split('/', pattern.length + 1).slice(1);
  if (!pattern.every((piece, i) => piece === null || piece === segments[i])) return undefined;
  return decoded(segments[pattern.indexOf(null)] ?? '');
}

function decoded(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}
