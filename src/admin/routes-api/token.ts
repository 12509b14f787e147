/** The token of whoever sets routes: from a file, which may be replaced, or from the environment. */
import { timingSafeEqual } from 'node:crypto';
import { TokenFile, tokenDigest } from '../token.ts';

export interface ApiToken {
  /** What keeps it from being used, in words; `null` for nothing. */
  problem(): Promise<string | null>;
  /** Whether this is the token. The time it takes tells nothing of either. */
  matches(token: string): Promise<boolean>;
}

/** The variable in which JupyterHub hands it over. */
export const tokenVariable = 'CONFIGPROXY_AUTH_TOKEN';

/** Finds the token; `null` where there is none. */
export function apiToken(path: string | null, environment: string | undefined): ApiToken | null {
  if (path !== null) return new TokenFile(path, undefined, 'routes_api.token_file');
  if (environment === undefined || environment === '') return null;
  const digest = tokenDigest(environment);
  return {
    problem: async () => null,
    matches: async (token) => timingSafeEqual(digest, tokenDigest(token)),
  };
}

/** The token of an `Authorization` header, as JupyterHub sends it. */
export function tokenOf(authorization: string | undefined): string | null {
  return /^token +(\S+) *$/i.exec(authorization ?? '')?.[1] ?? null;
}
