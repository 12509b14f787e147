/** `identity` of a route: where the name of the user stands in a request. */
import { parsePath } from '../language/addresses.ts';
import type { Result } from '../language/result.ts';
import type { Identity } from '../types.ts';

const example = 'write {header: X-Forwarded-User} or {path: /user/*/}';

/** RFC 9110 §5.6.2. */
const fieldName = /^[!#$%&'*+.^_`|~\w-]+$/;
/** Parses `{header: NAME}` or `{path: PATTERN}`. */
export function parseIdentity(value: unknown): Result<Identity> {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    return { problem: `is not an identity; ${example}` };
  const [key, ...more] = Object.keys(value);
  if (key === undefined || more.length > 0) return { problem: `must have one key, header or path; ${example}` };
  const { header, path } = value as { readonly header?: unknown; readonly path?: unknown };
  if (key === 'header') return parseHeader(header);
  if (key === 'path') return parseUserPath(path);
  return { key, problem: `is not a key of identity; ${example}` };
}

function parseHeader(value: unknown): Result<Identity> {
  const key = 'header';
  if (typeof value !== 'string' || !fieldName.test(value))
    return { key, problem: 'is not a header; write X-Forwarded-User' };
  return { value: { header: value.toLowerCase() } };
}

function parseUserPath(value: unknown): Result<Identity> {
  const key = 'path';
  const path = parsePath(value);
  if ('problem' in path) return { key, problem: path.problem };
  const segments = path.value.split('/').filter((segment) => segment !== '');
  const isOne = segments.filter((segment) => segment === '*').length === 1 && !segments.includes('**');
  if (!isOne) return { key, problem: 'must have one * where the name of the user stands, and no **; write /user/*/' };
  return { value: { segments: segments.map((segment) => (segment === '*' ? null : segment)) } };
}
