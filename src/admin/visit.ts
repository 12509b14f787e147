/**
 * Who may ask, as far as a request's headers say. A browser can be made to send requests to a port of its own machine
 * by any page it shows, so a port that asks for no token looks at the name it was asked under and at the page that
 * asks.
 */
import { isIP } from 'node:net';
import { hostOf } from '../http/host.ts';

/** The headers that matter here. */
export interface AskedBy {
  readonly method: string;
  readonly host: string | undefined;
  readonly origin: string | undefined;
  /** `Sec-Fetch-Site` and `Sec-Fetch-Mode`, which no page can forge. */
  readonly site: string | undefined;
  readonly mode: string | undefined;
}

/**
 * Whether the name it was asked under is one that nobody else can point here (DNS rebinding: the page of evil.example,
 * whose name now resolves to 127.0.0.1, is of the same origin): an address, `localhost`, or the configured name.
 */
export function isOurName(host: string | undefined, configured: string): boolean {
  const name = host === undefined ? null : hostOf(host);
  return name !== null && (isAddress(name) || isLocalhost(name) || name === configured.toLowerCase());
}

/** Whether a host that is listened on is reached from this machine alone. */
export function isLoopback(host: string): boolean {
  return isLocalhost(host.toLowerCase()) || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'));
}

function isAddress(name: string): boolean {
  return isIP(name.startsWith('[') ? name.slice(1, -1) : name) !== 0;
}

function isLocalhost(name: string): boolean {
  return name === 'localhost' || name.endsWith('.localhost');
}

/** Whether a page of another site asks; following a link from there is the user's own doing. */
export function isCrossSite({ method, host, origin, site, mode }: AskedBy): boolean {
  if (site === undefined) {
    // Not a browser, or one that tells the origin alone, and not of all that it reads.
    return origin !== undefined && origin.replace(/^https?:\/\//, '') !== host;
  }
  const follows = mode === 'navigate' && (method === 'GET' || method === 'HEAD');
  return site !== 'same-origin' && site !== 'none' && !follows;
}

/** The token of an `Authorization` header (RFC 6750 §2.1), or `null`. */
export function bearerOf(authorization: string | undefined): string | null {
  return /^bearer +([^ ]+) *$/i.exec(authorization ?? '')?.[1] ?? null;
}
