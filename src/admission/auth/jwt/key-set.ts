/** A JSON Web Key Set (RFC 7517 §5): what its text means, and what is wrong with it. */
import { createLocalJWKSet, type JSONWebKeySet, type JWTVerifyGetKey } from 'jose';
import type { ParsedFile } from '../file.ts';

/** Finds the key of a token. */
export type KeySet = JWTVerifyGetKey;

/** An issuer has two or three, and a few old ones. */
const mostKeys = 100;

/** Reads a key set. Secret keys have no place in one: whoever can read it could sign. */
export function parseKeySet(text: string): ParsedFile<KeySet> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return { problem: 'is no JSON; take the jwks_uri of the issuer' };
  }
  const keys = typeof value === 'object' && value !== null ? (value as { keys?: unknown }).keys : undefined;
  if (!Array.isArray(keys) || keys.length === 0)
    return { problem: 'holds no list "keys"; take the jwks_uri of the issuer' };
  if (keys.length > mostKeys) return { problem: `holds ${keys.length} keys, at most ${mostKeys} are wanted` };
  const wrong = keys.findIndex((key) => typeof key !== 'object' || key === null || typeof key.kty !== 'string');
  if (wrong >= 0) return { problem: `holds no key at position ${wrong + 1}` };
  if (keys.some((key) => key.kty === 'oct' || 'd' in key)) {
    return { problem: 'holds secret keys; give the public ones' };
  }
  try {
    return { value: createLocalJWKSet({ keys } as JSONWebKeySet) };
  } catch {
    return { problem: 'is no key set; take the jwks_uri of the issuer' };
  }
}
