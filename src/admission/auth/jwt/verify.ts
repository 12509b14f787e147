/** Whether a token is good (RFC 7519, RFC 8725). Every way in which it is not has a name. */
import { errors, type JWTPayload, jwtVerify } from 'jose';
import type { JwtAuth } from '../../../config/types.ts';
import { identityOf, listed } from '../identity.ts';
import { type AuthFailure, type AuthIdentity, refuse, refuseUser } from '../types.ts';
import { claimOf, valuesOfClaim } from './claims.ts';
import type { KeySet } from './key-set.ts';

/** What a token must be. */
export type TokenRules = Pick<
  JwtAuth,
  'issuer' | 'audience' | 'algorithms' | 'leewayMs' | 'claims' | 'userClaim' | 'groupsClaim'
>;

/** With this a header of 64 KiB still has room for others. */
const longestToken = 16 * 1024;
/** The last time that there is (ECMA-262 §21.4.1.1). A number beyond it is a way to say "never", which nobody may. */
const lastMs = 8.64e15;
/** An issuer is a URL, and an audience mostly a word. */
const longestSaid = 200;
/** Tokens whose key nobody names are tried with so many. */
const mostTries = 8;

const compact = /^[\w-]+\.[\w-]+\.[\w-]*$/;

/** The refusal of a token that is over. */
export function expired(expiresAtMs: number): AuthFailure {
  return refuse('expired', `the token expired at ${timeOf(expiresAtMs)}`, false);
}

/** A token that is good, at the times that it says. */
export interface GoodToken {
  readonly identity: AuthIdentity;
  readonly expiresAtMs: number;
  /** `null` where it says none. */
  readonly beginsAtMs: number | null;
}

/** Whether a text has the form of a token: three parts, of which the last may be empty. */
export function isCompact(token: string): boolean {
  return compact.test(token);
}

/** Refuses what cannot be a token; `null` where it can. */
export function refuseShape(token: string): AuthFailure | null {
  if (token.length > longestToken) return refuse('too_long', `the token has ${token.length} characters`);
  return isCompact(token) ? null : refuse('malformed', 'the token is no JWT');
}

/** Whether now is one of the times that a good token says. */
export function isCurrent({ expiresAtMs, beginsAtMs }: GoodToken, { leewayMs }: TokenRules, nowMs: number): boolean {
  return nowMs < expiresAtMs + leewayMs && (beginsAtMs === null || nowMs >= beginsAtMs - leewayMs);
}

/** Judges what may be a token; `'no key'` where none of the set fits. */
export async function verifyToken(
  token: string,
  keys: KeySet,
  rules: TokenRules,
  nowMs: number,
): Promise<GoodToken | AuthFailure | 'no key'> {
  let payload: JWTPayload;
  try {
    payload = await verify(token, keys, rules, nowMs);
  } catch (error) {
    return explain(error, rules);
  }
  return identify(payload, rules);
}

async function verify(token: string, keys: KeySet, rules: TokenRules, nowMs: number): Promise<JWTPayload> {
  const options = {
    issuer: rules.issuer,
    audience: [...rules.audience],
    algorithms: [...rules.algorithms],
    clockTolerance: rules.leewayMs / 1000,
    currentDate: new Date(nowMs),
    requiredClaims: ['exp'],
  };
  try {
    return (await jwtVerify(token, keys, options)).payload;
  } catch (error) {
    if (!(error instanceof errors.JWKSMultipleMatchingKeys)) throw error;
    let tries = 0;
    for await (const key of error) {
      try {
        return (await jwtVerify(token, key, options)).payload;
      } catch (inner) {
        // The signature is right, and no other key would help.
        if (inner instanceof errors.JWTClaimValidationFailed || inner instanceof errors.JWTExpired) throw inner;
        // A key that cannot be used, such as a short one of former days, says nothing of the others.
        if (inner instanceof errors.JWSSignatureVerificationFailed && ++tries >= mostTries) throw inner;
      }
    }
    throw new errors.JWSSignatureVerificationFailed();
  }
}

function explain(error: unknown, rules: TokenRules): AuthFailure | 'no key' {
  if (error instanceof errors.JWKSNoMatchingKey) return 'no key';
  if (error instanceof errors.JWTExpired) return expired(error.payload.exp! * 1000);
  if (error instanceof errors.JOSEAlgNotAllowed || error instanceof errors.JOSENotSupported) {
    return refuse('algorithm', 'the algorithm of the token is none of `algorithms`');
  }
  if (error instanceof errors.JWSSignatureVerificationFailed) return refuse('signature', 'the signature is wrong');
  if (error instanceof errors.JWTClaimValidationFailed) return explainClaim(error, rules);
  // A token of any shape comes here, and a key that its issuer has got wrong; nothing of either is an error of ours.
  return refuse('malformed', 'the token is no JWT that can be verified');
}

/** The signature is right by then: what the token says is its issuer's word, and the log may have it. */
function explainClaim({ claim, reason, payload }: errors.JWTClaimValidationFailed, rules: TokenRules): AuthFailure {
  if (claim === 'iss') {
    return refuse('issuer', `the token is of issuer ${said(payload.iss)}, and the route takes ${rules.issuer}`, false);
  }
  if (claim === 'aud') {
    const detail = `the token is for audience ${said(payload.aud)}, and the route takes ${listed(rules.audience)}`;
    return refuse('audience', detail, false);
  }
  if (claim === 'nbf' && reason === 'check_failed') {
    return refuse('not_yet', `the token is not valid before ${timeOf(payload.nbf! * 1000)}`, false);
  }
  return refuse('claim', `the claim ${claim} is missing or wrong`, false);
}

function timeOf(ms: number): string {
  return Math.abs(ms) <= lastMs ? new Date(ms).toISOString() : 'a time that never was';
}

function said(value: unknown): string {
  const texts = [value].flat().filter((one) => typeof one === 'string');
  return texts.length === 0 ? 'nobody' : listed(texts.map((text) => text.slice(0, longestSaid)));
}

function identify(payload: JWTPayload, { claims, userClaim, groupsClaim }: TokenRules): GoodToken | AuthFailure {
  const expiresAtMs = payload.exp! * 1000;
  if (expiresAtMs > lastMs) return refuse('claim', 'the claim exp is no time', false);
  const groups = valuesOfClaim(groupsClaim, claimOf(payload, groupsClaim));
  const identity = identityOf(claimOf(payload, userClaim), groups, expiresAtMs);
  for (const [claim, values] of claims) {
    const found = claimOf(payload, claim);
    if (found === undefined) return refuseUser('claim', `the claim ${claim} is missing`, identity);
    if (values !== null && !holdsOne([found, ...valuesOfClaim(claim, found)], values)) {
      const detail = `the claim ${claim} has none of the values that claims wants: ${listed(values)}`;
      return refuseUser('claim', detail, identity);
    }
  }
  if (identity === null) return refuse('claim', `the claim ${userClaim} holds no name`, false);
  return { identity, expiresAtMs, beginsAtMs: payload.nbf === undefined ? null : payload.nbf * 1000 };
}

function holdsOne(found: readonly unknown[], values: readonly string[]): boolean {
  return found.some((one) => ['string', 'boolean', 'number'].includes(typeof one) && values.includes(String(one)));
}
