/** A JSON Web Key Set (RFC 7517 §5): what its text means, and what is wrong with it. */
import { createLocalJWKSet, type JWK, type JWTVerifyGetKey } from 'jose';
import type { ParsedFile } from '../file.ts';

/** Finds the key of a token. */
export type KeySet = JWTVerifyGetKey;

/** An issuer has two or three, and a few old ones. */
const mostKeys = 100;
/** RFC 7517 §4.3 has eight. */
const mostOperations = 16;
/** What is looked at of a key. What else stands there (certificates, notes) may be of any size and depth. */
const members = ['kty', 'kid', 'use', 'alg', 'crv', 'n', 'e', 'x', 'y'] as const;

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
  if (keys.some((key) => key.kty === 'oct' || 'd' in key || 'priv' in key)) {
    return { problem: 'holds secret keys; give the public ones' };
  }
  return { value: createLocalJWKSet({ keys: keys.map(plainKey) }) };
}

/** A key as texts, and no more operations than there are: jose compares each with each, for each token. */
function plainKey(key: Readonly<Record<string, unknown>>): JWK {
  // What is no text fits nothing, and must not seem to be left out.
  const texts = members.filter((name) => Object.hasOwn(key, name)).map((name) => [name, textOr(key[name], '')]);
  const { key_ops } = key;
  if (key_ops === undefined) return Object.fromEntries(texts);
  const operations = Array.isArray(key_ops) ? key_ops.slice(0, mostOperations).map((one) => textOr(one, '')) : [];
  return { ...Object.fromEntries(texts), key_ops: operations };
}

function textOr(value: unknown, otherwise: string): string {
  return typeof value === 'string' ? value : otherwise;
}
