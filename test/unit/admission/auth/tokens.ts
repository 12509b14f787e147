/** Keys and tokens for tests of `jwt`. */
import { createHmac, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { type KeySet, parseKeySet } from '../../../../src/admission/auth/jwt/key-set.ts';
import type { TokenRules } from '../../../../src/admission/auth/jwt/verify.ts';

export const nowMs = 1_800_000_000_000;
const now = nowMs / 1000;

export interface Signer {
  readonly kid: string;
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
}

export function newSigner(kid: string): Signer {
  return { kid, ...generateKeyPairSync('rsa', { modulusLength: 2048 }) };
}

export function setText(...signers: readonly Signer[]): string {
  const keys = signers.map(({ kid, publicKey }) => ({ ...publicKey.export({ format: 'jwk' }), kid, use: 'sig' }));
  return JSON.stringify({ keys });
}

export function keySetOf(...signers: readonly Signer[]): KeySet {
  const parsed = parseKeySet(setText(...signers));
  if ('problem' in parsed) throw new Error(parsed.problem);
  return parsed.value;
}

export const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');

export const goodClaims = { iss: 'https://id.test', aud: 'panel', sub: 'ann', exp: now + 60, groups: ['staff'] };

/** A token of a signer, with other claims or another header. */
export function tokenOf(signer: Signer, claims: object = {}, header: object = {}): string {
  const body = `${part({ alg: 'RS256', kid: signer.kid, ...header })}.${part({ ...goodClaims, ...claims })}`;
  return `${body}.${sign('sha256', Buffer.from(body), signer.privateKey).toString('base64url')}`;
}

/** A token that takes a public key for a shared secret. */
export function confusedToken(signer: Signer): string {
  const pem = signer.publicKey.export({ format: 'pem', type: 'spki' });
  const body = `${part({ alg: 'HS256', kid: signer.kid })}.${part(goodClaims)}`;
  return `${body}.${createHmac('sha256', pem).update(body).digest('base64url')}`;
}

export const rules: TokenRules = {
  issuer: 'https://id.test',
  audience: ['panel', 'other'],
  algorithms: ['RS256'],
  leewayMs: 30_000,
  claims: [],
  userClaim: 'sub',
  groupsClaim: 'groups',
};
