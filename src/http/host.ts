/** The `Host` header as routes compare it. */

/** uri-host with an optional port (RFC 9110 §7.2): a registered name or address without encodings, or `[IPv6]`. */
const hostHeader = /^([a-z0-9._~!$&'()*+,;=-]+|\[[0-9a-f:.]+\])(?::\d{0,5})?$/i;

/** A name has at most 253 characters (RFC 1035 §2.3.4); brackets, a port and a root label come on top. */
const maxHostLength = 262;

/** The last that was read: nearly all requests name the same host. */
let known = { header: '', host: null as string | null };

/** The lower-case host without its port; `null` for a value that is no host. */
export function hostOf(header: string): string | null {
  if (header.length > maxHostLength) return null;
  if (header !== known.header) known = { header, host: read(header) };
  return known.host;
}

function read(header: string): string | null {
  const host = hostHeader.exec(header)?.[1]?.toLowerCase();
  if (host === undefined) return null;
  // A name with its root label is the same name (RFC 1034 §3.1).
  return host.length > 1 && host.endsWith('.') ? host.slice(0, -1) : host;
}
