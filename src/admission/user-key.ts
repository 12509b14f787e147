/** The key by which a user is counted: short, and another one for every other name. */
import { createHash } from 'node:crypto';

/** A longer name is kept as its hash: somebody else's name may be 64 KB. */
const longestName = 64;

/** `raw` is what does not read as a text, where that is so: then the name as it reads may be another one's too. */
export function userKeyOf(name: string, raw: string | null): string {
  const key = raw === null ? `=${name}` : `?${raw}`;
  return key.length <= longestName ? key : `#${createHash('sha256').update(key).digest('base64')}`;
}
