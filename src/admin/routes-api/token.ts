/** The token of whoever sets routes: from a file, which may be replaced, or from the environment. */
import { timingSafeEqual } from 'node:crypto';
import { readSmallFile } from '../../files.ts';
import { TokenFile, tokenDigest } from '../token.ts';

export interface ApiToken {
  /** Whether what is known of it holds still; where not, `refresh` comes first. */
  readonly isFresh: boolean;
  refresh(): Promise<void>;
  /** What keeps it from being used, in words; `null` for nothing. */
  problem(): string | null;
  /** Whether this is the token. The time it takes tells nothing of either. */
  matches(token: string): boolean;
  /** The token itself, for whoever asks for it in turn. */
  read(): Promise<string>;
}

const longestToken = 4096;

/** The variable in which JupyterHub hands it over. */
export const tokenVariable = 'CONFIGPROXY_AUTH_TOKEN';

/** Finds the token; `null` where there is none. */
export function apiToken(path: string | null, environment: string | undefined): ApiToken | null {
  if (path !== null) {
    const file = new TokenFile(path, undefined, 'routes_api.token_file');
    const read = async () => (await readSmallFile(path, longestToken)).toString().trim();
    return Object.assign(file, { read });
  }
  if (environment === undefined || environment === '') return null;
  const digest = tokenDigest(environment);
  return {
    isFresh: true,
    refresh: async () => {},
    problem: () => null,
    matches: (token) => timingSafeEqual(digest, tokenDigest(token)),
    read: async () => environment,
  };
}

/**
 * The token of an `Authorization` header, as JupyterHub sends it. RFC 9110 lets a scheme be in capitals; what works
 * here shall also work with configurable-http-proxy, for which this is one word in lower case.
 */
export function tokenOf(authorization: string | undefined): string | null {
  return /^token[ \t]+(\S+)[ \t]*$/.exec(authorization ?? '')?.[1] ?? null;
}
