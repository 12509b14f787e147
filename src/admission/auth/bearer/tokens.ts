/** The file of `bearer`: one token a line, as a digest. Whoever reads the file can use none of them. */
import { createHash } from 'node:crypto';
import { cacheKey } from '../cache.ts';
import type { ParsedFile } from '../file.ts';
import { linesOf } from '../file.ts';
import { isFitName } from '../identity.ts';

/** Whose a token is, by the digest of the token. */
export type Tokens = ReadonlyMap<string, string>;

const example = 'write NAME:sha256:DIGEST, the digest of printf %s "$TOKEN" | sha256sum';
const line = /^(.+):sha256:([0-9a-fA-F]{64})$/;

/** Reads the file. A name may have several tokens. */
export async function parseTokens(text: string): Promise<ParsedFile<Tokens>> {
  const tokens = new Map<string, string>();
  for await (const lines of linesOf(text)) {
    for (const { number, content } of lines) {
      const [, name = '', digest = ''] = line.exec(content) ?? [];
      if (!isFitName(name)) return { problem: `line ${number} is no token; ${example}` };
      const key = keyOf(Buffer.from(digest, 'hex'));
      if (tokens.has(key)) return { problem: `line ${number} repeats the token of a line before; give each its own` };
      tokens.set(key, name);
    }
  }
  if (tokens.size === 0) return { problem: `holds no token; ${example}` };
  return { value: tokens };
}

/** Whose this token is. The time it takes depends on a secret of this process, and so tells nothing of any token. */
export function ownerOf(tokens: Tokens, token: string): string | undefined {
  return tokens.get(keyOf(createHash('sha256').update(token).digest()));
}

function keyOf(digest: Buffer): string {
  return cacheKey('bearer', digest.toString('hex'));
}
