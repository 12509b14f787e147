/** The file of `basic`: `NAME:HASH`, a line for each user, with a hash of bcrypt or Argon2. */
import { linesOf, type ParsedFile } from '../file.ts';
import { isFitName } from '../identity.ts';

/** The parameters of an Argon2 hash (RFC 9106), and what they made of a password. */
export interface Argon2Hash {
  readonly algorithm: 'argon2d' | 'argon2i' | 'argon2id';
  readonly memory: number;
  readonly passes: number;
  readonly parallelism: number;
  readonly nonce: Buffer;
  readonly tag: Buffer;
}

export type PasswordHash = { readonly bcrypt: string } | Argon2Hash;

/** The hash of each user's password, as it stands in the file. */
export type Users = ReadonlyMap<string, string>;

const example = 'write NAME:HASH, as htpasswd -nB NAME prints it';
const bcrypt = /^\$2[aby]\$(\d\d)\$[./A-Za-z0-9]{53}$/;
const argon2 = /^\$(argon2(?:d|i|id))\$v=19\$m=(\d{1,9}),t=(\d{1,9}),p=(\d{1,9})\$([A-Za-z0-9+/]+)\$([A-Za-z0-9+/]+)$/;
/** Beyond these a sign-in takes seconds of a core, or more memory than a small pod has. */
const mostRounds = 14;
const mostMemoryKiB = 256 * 1024;
const mostPasses = 16;
const mostParallelism = 16;

/** Reads the file. */
export async function parseUsers(text: string): Promise<ParsedFile<Users>> {
  const users = new Map<string, string>();
  for await (const lines of linesOf(text)) {
    for (const { number, content } of lines) {
      const colon = content.indexOf(':');
      const name = content.slice(0, Math.max(colon, 0));
      if (!isFitName(name)) return { problem: `line ${number} is no user; ${example}` };
      const problem = judgeHash(content.slice(colon + 1));
      if (problem !== null) return { problem: `line ${number}: ${problem}` };
      if (users.has(name)) return { problem: `line ${number} repeats a user; keep one of the lines` };
      users.set(name, content.slice(colon + 1));
    }
  }
  if (users.size === 0) return { problem: `holds no user; ${example}` };
  return { value: users };
}

function judgeHash(hash: string): string | null {
  const rounds = bcrypt.exec(hash)?.[1];
  if (rounds !== undefined) {
    if (Number(rounds) >= 4 && Number(rounds) <= mostRounds) return null;
    return `the hash has a cost of ${rounds}; take one from 4 to ${mostRounds}`;
  }
  const parsed = parseArgon2(hash);
  if (parsed === null) return `the password is no hash of bcrypt or Argon2; ${example}`;
  const { memory, passes, parallelism, nonce, tag } = parsed;
  const fits = memory <= mostMemoryKiB && passes >= 1 && passes <= mostPasses;
  const lanes = parallelism >= 1 && parallelism <= mostParallelism && memory >= 8 * parallelism;
  if (fits && lanes && nonce.length >= 8 && tag.length >= 4 && tag.length <= 64) return null;
  return `the hash asks for too much or too little; take at most m=${mostMemoryKiB}, t=${mostPasses}, p=${mostParallelism}`;
}

/** A hash of the file, which has been judged. */
export function parseHash(hash: string): PasswordHash {
  return parseArgon2(hash) ?? { bcrypt: hash };
}

function parseArgon2(hash: string): Argon2Hash | null {
  const match = argon2.exec(hash);
  if (match === null) return null;
  const [, algorithm, memory, passes, parallelism, nonce, tag] = match as unknown as [
    string,
    Argon2Hash['algorithm'],
    ...string[],
  ];
  return {
    algorithm,
    memory: Number(memory),
    passes: Number(passes),
    parallelism: Number(parallelism),
    nonce: Buffer.from(nonce!, 'base64'),
    tag: Buffer.from(tag!, 'base64'),
  };
}
