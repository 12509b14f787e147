/**
 * Which headers pass from one HTTP message to the next. Works on `rawHeaders` (name, value, name, value …), so that
 * order, spelling and duplicates survive.
 */
import { forwardingHeader } from '../admission/client-address.ts';
import { endToEnd, type RawHeaders } from '../handshake/fields.ts';

/** A header with every value it had, spelled as it first came. */
export type Field = readonly [name: string, values: string[]];

/** The request headers for the upstream; framing (`Content-Length`, `Transfer-Encoding`) and `Connection` are left out. */
export function requestFields(
  raw: RawHeaders,
  forwarding: readonly (readonly [name: string, value: string])[],
  trusted: boolean,
): Field[] {
  const ours = new Set(forwarding.map(([name]) => name.toLowerCase()));
  const fields = new Map<string, Field>();
  for (const [spelled, value] of endToEnd(raw)) {
    const name = spelled.toLowerCase();
    // Whether to send the body is settled here, not by the upstream.
    if (ours.has(name) || name === 'expect' || name === 'content-length') continue;
    if (!trusted && forwardingHeader.test(name)) continue;
    const field = fields.get(name);
    if (field) field[1].push(value);
    else fields.set(name, [spelled, [value]]);
  }
  return [...fields.values(), ...forwarding.map(([name, value]): Field => [name, [value]])];
}

/** The response headers for the client, flat as `writeHead` takes them. */
export function responseHeaders(raw: RawHeaders, keep: { contentLength: boolean; trailer: boolean }): string[] {
  const headers = endToEnd(raw).filter(([name]) => keep.contentLength || name.toLowerCase() !== 'content-length');
  for (let i = 0; keep.trailer && i < raw.length; i += 2) {
    if (raw[i]!.toLowerCase() === 'trailer') headers.push([raw[i]!, raw[i + 1]!]);
  }
  return headers.flat();
}

/** Framing, routing and credentials have no place in a trailer (RFC 9110 §6.5.1). */
const neverTrailing = /^(?:host|cookie|set-cookie|authorization|www-authenticate|content-.+|location|cache-control)$/i;

/** Trailers as `addTrailers` takes them. */
export function trailerFields(raw: RawHeaders): [string, string][] {
  return endToEnd(raw).filter(([name]) => !neverTrailing.test(name));
}
