/**
 * The user that a request names, for people who read logs and listings, and for what is counted by user. It lets nobody
 * in.
 */
import { isUtf8 } from 'node:buffer';
import type { Identity } from '../config/types.ts';
import type { RawHeaders } from '../http/raw-fields.ts';

/** What of a request may name its user. */
export interface Naming {
  readonly headers: RawHeaders;
  /** Whether the peer is one of `trusted_proxies`. Any other peer may write into a header what it likes. */
  readonly trusted: boolean;
  readonly path: string;
}

/** A user as a request names one. */
export interface NamedUser {
  /** As it reads; `cleanUser` makes it fit to be shown. */
  readonly name: string;
  /** The name as it stands in the request, if it does not read as UTF-8: two such names may read alike. */
  readonly raw: string | null;
  /** Whether a trusted proxy said so. A path is whatever its client likes. */
  readonly vouched: boolean;
}

/** The user; `undefined` where none is named. */
export function userOf(identity: Identity | null, naming: Naming): NamedUser | undefined {
  if (identity === null) return undefined;
  const user = 'header' in identity ? inHeader(identity.header, naming) : inPath(identity.segments, naming.path);
  return user === undefined || user.name === '' ? undefined : user;
}

/** A header that comes twice names nobody, because nobody knows which of the two is the proxy's own. */
function inHeader(name: string, { headers, trusted }: Naming): NamedUser | undefined {
  if (!trusted) return undefined;
  const values = headers.filter((_, i) => i % 2 === 1 && headers[i - 1]!.toLowerCase() === name);
  if (values.length !== 1) return undefined;
  // Node reads bytes as Latin-1, and proxies write UTF-8.
  const bytes = Buffer.from(values[0]!, 'latin1');
  return { name: bytes.toString().trim(), raw: isUtf8(bytes) ? null : values[0]!.trim(), vouched: true };
}

function inPath(pattern: readonly (string | null)[], path: string): NamedUser | undefined {
  const segments = path.split('/', pattern.length + 1).slice(1);
  if (!pattern.every((piece, i) => piece === null || piece === segments[i])) return undefined;
  const segment = segments[pattern.indexOf(null)] ?? '';
  try {
    return { name: decodeURIComponent(segment), raw: null, vouched: false };
  } catch {
    return { name: segment, raw: segment, vouched: false };
  }
}
