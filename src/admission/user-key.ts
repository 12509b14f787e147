/** The key by which a user is counted. It is short, and no two names have the same. */
import { createHash } from 'node:crypto';

/** A user as it is counted. */
export interface CountedUser {
  /** One for each name. */
  readonly key: string;
  /** Whether another party than the client says so. */
  readonly vouched: boolean;
}

/**
 * The longest name that is kept as it is, in characters. A longer one is kept as its hash, because a name may be 64 KB.
 */
const longestName = 64;

/** `raw`: the name's bytes, if they do not read as text. The name as it reads may then be another one's too. */
export function userKeyOf(name: string, raw: string | null): string {
  const key = raw === null ? `=${name}` : `?${raw}`;
  return key.length <= longestName ? key : `#${createHash('sha256').update(key).digest('base64')}`;
}
