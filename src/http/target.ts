/** The request target: what of it is a path, and whether it can be one at all. */

import { escapeBeyondAscii } from './request-line.ts';

/** A target that can be routed and forwarded. */
export interface Target {
  /** In origin form, byte for byte as it came: path and query. */
  readonly target: string;
  /** The path alone, as routes compare it: bytes beyond ASCII are percent-encoded. */
  readonly path: string;
}

/**
 * Controls, spaces and what is no byte; other bytes above 0x7f pass, as clients do send them. `#` begins a fragment.
 */
const notInTarget = /[^!"$-\u00ff]/;
const absolute = /^(?:https?|wss?):\/\/([^/?#]+)(.*)$/is;

/**
 * Reads a request target; `null` for one in absolute form that names another host than `Host` (RFC 9112 §3.2.2), or for
 * none. `OPTIONS *` asks the server as a whole (RFC 9110 §9.3.7), so it goes where the root goes.
 */
export function parseTarget(raw: string, hostHeader: string, method: string): Target | null {
  if (raw === '*' && method === 'OPTIONS') return { target: raw, path: '/' };
  const target = originForm(raw, hostHeader);
  if (target === null || notInTarget.test(target)) return null;
  const queryAt = target.indexOf('?');
  return { target, path: escapeBeyondAscii(queryAt < 0 ? target : target.slice(0, queryAt)) };
}

function originForm(raw: string, hostHeader: string): string | null {
  if (raw.startsWith('/')) return raw;
  const match = absolute.exec(raw);
  if (match === null || match[1]!.toLowerCase() !== hostHeader.toLowerCase()) return null;
  const rest = match[2]!;
  return rest.startsWith('/') ? rest : `/${rest}`;
}
