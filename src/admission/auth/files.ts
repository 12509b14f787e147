/** The files that `auth` names, and what each means. */
import { type Config, labelledRoutes, type Route } from '../../config/types.ts';
import { parseUsers } from './basic/users.ts';
import { parseTokens } from './bearer/tokens.ts';
import { linesOf, type ParsedFile } from './file.ts';
import { isFitName } from './identity.ts';
import { isSendableToken } from './jupyterhub/hub.ts';
import { parseKeySet } from './jwt/key-set.ts';

/** A file that has to be read. */
export interface AuthFile {
  /** The key of the configuration that names it. */
  readonly name: string;
  readonly path: string;
  readonly parse: (text: string) => ParsedFile<unknown> | Promise<ParsedFile<unknown>>;
}

export const fileNames = {
  basic: 'auth.basic.file',
  bearer: 'auth.bearer.file',
  jwks: 'auth.jwt.jwks_file',
  hub: 'auth.jupyterhub.token_file',
  revoked: 'revoked_users',
} as const;

/** Every file that a configuration's authentication needs. */
export function authFilesOf(config: Pick<Config, 'routes' | 'routesApi' | 'revokedUsers'>): AuthFile[] {
  const { revokedUsers } = config;
  const revoked = revokedUsers === null ? [] : [{ name: fileNames.revoked, path: revokedUsers, parse: parseRevoked }];
  return [...labelledRoutes(config).flatMap(filesOfRoute), ...revoked];
}

function filesOfRoute({ auth }: Route): AuthFile[] {
  return (auth ?? []).flatMap((entry): AuthFile[] => {
    if (entry.kind === 'basic') return [{ name: fileNames.basic, path: entry.file, parse: parseUsers }];
    if (entry.kind === 'bearer') return [{ name: fileNames.bearer, path: entry.file, parse: parseTokens }];
    if (entry.kind === 'jwt' && entry.jwksFile !== null) {
      return [{ name: fileNames.jwks, path: entry.jwksFile, parse: parseKeySet }];
    }
    if (entry.kind === 'jupyterhub') return [{ name: fileNames.hub, path: entry.tokenFile, parse: parseSecret }];
    return [];
  });
}

/** Reads a file that holds one token. */
export function parseSecret(text: string): ParsedFile<string> {
  const secret = text.trim();
  if (secret === '') return { problem: 'is empty; write the token of the service into it' };
  if (!isSendableToken(secret)) return { problem: 'holds more than one token; write the token of the service alone' };
  return { value: secret };
}

/** Reads the list of users who are shut out; an empty one shuts nobody out. */
export async function parseRevoked(text: string): Promise<ParsedFile<ReadonlySet<string>>> {
  const names = new Set<string>();
  for await (const lines of linesOf(text)) {
    for (const { number, content } of lines) {
      if (!isFitName(content)) return { problem: `line ${number} is no name; write one name in each line` };
      names.add(content);
    }
  }
  return { value: names };
}
