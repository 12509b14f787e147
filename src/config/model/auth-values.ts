/** The values of `auth` that are no plain words: parsed, or what is wrong with them. */
import { parseUpstream } from '../language/addresses.ts';
import type { Result } from '../language/result.ts';
import { type CertificateField, certificateFields, type ServiceTarget } from '../types.ts';

/** Where a token stands; names of fields in lower case. */
export type ParsedTokenPlace =
  | 'authorization'
  | 'subprotocol'
  | { readonly header: string }
  | { readonly cookie: string }
  | { readonly query: string };

/** A token as a pattern (RFC 9110 §5.6.2). */
export const token = "[!#$%&'*+.^_`|~0-9A-Za-z-]+";
const isToken = new RegExp(`^${token}$`);

/** Parses the name of a header field; kept as it is written. */
export function parseFieldName(value: unknown): Result<string> {
  if (typeof value === 'string' && isToken.test(value)) return { value };
  return { problem: 'is not a header; write X-Forwarded-User' };
}

const places = 'write authorization, subprotocol, {header: NAME}, {cookie: NAME} or {query: NAME}';

/** Parses a place where a token may stand. */
export function parseTokenPlace(value: unknown): Result<ParsedTokenPlace> {
  if (value === 'authorization' || value === 'subprotocol') return { value };
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return { problem: `is no place of a token; ${places}` };
  }
  const [[key, name] = ['', undefined], ...more] = Object.entries(value);
  if (more.length > 0 || !['header', 'cookie', 'query'].includes(key)) {
    return { problem: `must have one key, header, cookie or query; ${places}` };
  }
  if (typeof name !== 'string' || !isToken.test(name))
    return { key, problem: `is no name; write letters, digits, - and _` };
  return { value: (key === 'header' ? { header: name.toLowerCase() } : { [key]: name }) as ParsedTokenPlace };
}

const claimExample = 'write {groups: [staff, admins], email_verified: true}, or any for a claim of any value';

/** Parses the claims that a token must have; `null` for one of any value. */
export function parseClaims(value: unknown): Result<readonly (readonly [string, readonly string[] | null])[]> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return { problem: `is no mapping of claims; ${claimExample}` };
  }
  const claims: [string, readonly string[] | null][] = [];
  for (const [key, wanted] of Object.entries(value)) {
    const values = Array.isArray(wanted) ? wanted : [wanted];
    const isScalar = (one: unknown) => ['string', 'number', 'boolean'].includes(typeof one);
    if (values.length === 0 || !values.every(isScalar))
      return { key, problem: `is no value of a claim; ${claimExample}` };
    claims.push([key, wanted === 'any' ? null : values.map(String)]);
  }
  return { value: claims };
}

const matchExample = 'write {subject.O: [science], san.email: [anna@example.org]}';

/** Parses what a certificate must have: fields, each with the values of which it must have one. */
export function parseMatch(value: unknown): Result<readonly (readonly [CertificateField, readonly string[]])[]> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return { problem: `is no mapping of fields; ${matchExample}` };
  }
  const match: [CertificateField, readonly string[]][] = [];
  for (const [key, wanted] of Object.entries(value)) {
    const field = certificateFields.find((one) => one === key);
    if (field === undefined) return { key, problem: `is no field; write one of ${certificateFields.join(', ')}` };
    const isText = (one: unknown) => typeof one === 'string' && one !== '';
    if (!Array.isArray(wanted) || wanted.length === 0 || !wanted.every(isText)) {
      return { key, problem: `is no list of values; ${matchExample}` };
    }
    match.push([field, wanted]);
  }
  return match.length === 0 ? { problem: `names no field; ${matchExample}` } : { value: match };
}

/** A service that is asked, without the rest of how it is connected to. */
export type ParsedService = Omit<ServiceTarget, 'tls'>;

/** Parses the URL of a service, with its path. */
export function parseServiceUrl(value: unknown): Result<ParsedService> {
  const problem = 'is not the URL of a service; write http://host:port/path';
  const [, scheme, authority, path = ''] =
    (typeof value === 'string' && /^(https?):\/\/([^/?#]*)([/?][\s\S]*)?$/i.exec(value)) || [];
  if (scheme === undefined || authority === undefined) return { problem };
  if (path.includes('#')) return { problem: 'has a fragment, which no server sees; write the URL without #' };
  const target = parseUpstream(`${scheme}://${authority}`);
  if ('problem' in target) return { problem: target.problem.includes('password') ? target.problem : problem };
  if (!/^[!-~]*$/.test(path))
    return { problem: 'has a path that is not percent-encoded; write it as browsers send it' };
  return { value: { target: target.value, path: path.startsWith('/') ? path : `/${path}` } };
}

/** The name of the service of a hub that a path leads to; `undefined` where it leads to none. */
export function serviceIn(path: string): string | undefined {
  return /\/services\/([a-z0-9][\w.-]{0,62})(?:\/|$)/i.exec(path)?.[1];
}

/** Parses a text that is not empty. */
export function parseText(value: unknown): Result<string> {
  if (typeof value === 'string' && value.trim() !== '') return { value };
  return { problem: 'is not a text; write it in quotes' };
}
