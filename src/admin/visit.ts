/**
 * Who may ask, as far as a request's headers say. Any page can make its browser send requests to a port of the same
 * machine. So a port that asks for no token looks at the name it was asked under and at the page that asks.
 */
import type { IncomingHttpHeaders } from 'node:http';
import { isIP } from 'node:net';
import { plainAddress } from '../admission/ip.ts';
import { hostOf } from '../http/host.ts';

/** A request, as far as it says who asks. */
export interface AskingRequest {
  readonly method?: string | undefined;
  readonly headers: IncomingHttpHeaders;
  readonly socket: { readonly remoteAddress?: string | undefined };
}

/** The headers that matter here. */
export interface AskedBy {
  readonly method: string;
  readonly host: string | undefined;
  readonly origin: string | undefined;
  /** `Sec-Fetch-Site` and `Sec-Fetch-Mode`, which no page can forge. */
  readonly site: string | undefined;
  readonly mode: string | undefined;
}

/** What a request says of who asks. */
export function askedBy({ method = '', headers }: AskingRequest): AskedBy {
  const one = (name: string) => {
    const value = headers[name];
    return Array.isArray(value) ? value.join(', ') : value;
  };
  const { host, origin } = headers;
  return { method, host, origin, site: one('sec-fetch-site'), mode: one('sec-fetch-mode') };
}

/** The address of who asks, for the log. */
export function askerOf({ socket }: AskingRequest): string {
  return plainAddress(socket.remoteAddress ?? '') ?? 'unix';
}

/**
 * Whether the name the port was asked under is an address, `localhost`, or the configured name. Nobody else can point
 * these here. With DNS rebinding the name of evil.example's page resolves to 127.0.0.1 later, and the page is of the
 * same origin then.
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
    // This is not a browser, or one that sends the origin alone, and not with all that it reads.
    return origin !== undefined && origin.replace(/^https?:\/\//, '') !== host;
  }
  const follows = mode === 'navigate' && (method === 'GET' || method === 'HEAD');
  return site !== 'same-origin' && site !== 'none' && !follows;
}

/** The token of an `Authorization` header (RFC 6750 §2.1), or `null`. */
export function bearerOf(authorization: string | undefined): string | null {
  return /^bearer +([^ ]+) *$/i.exec(authorization ?? '')?.[1] ?? null;
}
