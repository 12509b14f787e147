/**
 * The origin check. Browsers send a user's cookies along with every page's handshake, so the page's origin must be
 * allowed.
 */
import type { Verdict } from './verdict.ts';

/** The origins of a route; `null` admits every origin. */
export interface OriginRule {
  readonly origins: readonly string[] | null;
  readonly requireOrigin: boolean;
}

/** Scheme, host and port as browsers serialise them (RFC 6454 §6.1). */
const serialised = /^(https?):\/\/([a-z0-9._~-]+|\[[0-9a-f:.]+\])(?::(\d{1,5}))?$/;

/** Checks the values of `Origin` (none, one, or more than a client may send) against a route's rule. */
export function checkOrigin(values: readonly string[], rule: OriginRule): Verdict {
  const [origin] = values;
  if (values.length > 1) return { outcome: 'origin_refused', detail: 'more than one Origin header' };
  if (origin === undefined) {
    return rule.requireOrigin ? { outcome: 'origin_refused', detail: 'no Origin header' } : null;
  }
  if (rule.origins === null) return null;
  const plain = plainOrigin(origin);
  if (plain !== null && rule.origins.includes(plain)) return null;
  return { outcome: 'origin_refused', detail: 'the origin is not in origins' };
}

/**
 * Returns the origin in lower case and without its scheme's default port; `null` for `null` and for anything else that
 * is no http origin.
 */
function plainOrigin(origin: string): string | null {
  const match = serialised.exec(origin.toLowerCase());
  if (match === null) return null;
  const [, scheme, host, port] = match;
  const standard = scheme === 'http' ? 80 : 443;
  return port === undefined || Number(port) === standard
    ? `${scheme}://${host}`
    : `${scheme}://${host}:${Number(port)}`;
}
