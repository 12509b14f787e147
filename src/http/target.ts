/** The request target: what of it is a path, and whether it can be one at all. */

/** A target that can be routed and forwarded. */
export interface Target {
  /** In origin form, byte for byte as it came: path and query. */
  readonly target: string;
  /** The path alone. */
  readonly path: string;
}

/** Controls, spaces and what is no byte; other bytes above 0x7f pass, as clients do send them. `#` begins a fragment. */
const notInTarget = /[^!"$-\u00ff]/;
const absolute = /^(?:https?|wss?):\/\/([^/?#]+)(.*)$/is;

/** Reads a request target; `null` for one in absolute form that names another host than `Host` (RFC 9112 §3.2.2), or for none. */
export function parseTarget(raw: string, hostHeader: string): Target | null {
  const target = originForm(raw, hostHeader);
  if (target === null || notInTarget.test(target)) return null;
  const queryAt = target.indexOf('?');
  return { target, path: queryAt < 0 ? target : target.slice(0, queryAt) };
}

function originForm(raw: string, hostHeader: string): string | null {
  if (raw.startsWith('/')) return raw;
  const match = absolute.exec(raw);
  if (match === null || match[1]!.toLowerCase() !== hostHeader.toLowerCase()) return null;
  const rest = match[2]!;
  return rest.startsWith('/') ? rest : `/${rest}`;
}
