/**
 * Which headers pass from one HTTP message to the next. Works on `rawHeaders` (name, value, name, value …), so that
 * order, spelling and duplicates survive. RFC 9110 §7.6.1.
 */

/** A header with every value it had, spelled as it first came. */
export type Field = readonly [name: string, values: string[]];

/** These concern one connection only, whatever `Connection` says. */
const hopByHop: ReadonlySet<string> = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'proxy-authenticate',
  'proxy-authorization',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'http2-settings',
]);

/** `Connection` may name headers to drop, but never these: a message without them means something else. */
const neverNominated: ReadonlySet<string> = new Set([
  'host',
  'origin',
  'cookie',
  'set-cookie',
  'authorization',
  'content-length',
]);

/** Where a request came from; only a trusted proxy may say so. */
const forwardingHeader = /^(?:forwarded|x-forwarded-.+|x-real-ip|x-scheme|x-original-forwarded-for)$/;

/** The request headers for the upstream; framing (`Content-Length`, `Transfer-Encoding`) and `Connection` are left out. */
export function requestFields(
  raw: readonly string[],
  forwarding: readonly (readonly [name: string, value: string])[],
  trusted: boolean,
): Field[] {
  const ours = new Set(forwarding.map(([name]) => name.toLowerCase()));
  const nominated = nominatedBy(raw);
  const fields = collect(raw, (name) => {
    if (hopByHop.has(name) || nominated.has(name) || ours.has(name)) return false;
    if (name === 'expect' || name === 'content-length') return false;
    return trusted || !forwardingHeader.test(name);
  });
  for (const [name, value] of forwarding) fields.push([name, [value]]);
  return fields;
}

/** The response headers for the client, flat as `writeHead` takes them. */
export function responseHeaders(raw: readonly string[], keep: { contentLength: boolean; trailer: boolean }): string[] {
  const nominated = nominatedBy(raw);
  const headers: string[] = [];
  for (let i = 0; i < raw.length; i += 2) {
    const name = raw[i]!.toLowerCase();
    if (name === 'trailer' && keep.trailer) headers.push(raw[i]!, raw[i + 1]!);
    if (hopByHop.has(name) || nominated.has(name)) continue;
    if (name === 'content-length' && !keep.contentLength) continue;
    headers.push(raw[i]!, raw[i + 1]!);
  }
  return headers;
}

/** Trailers as `addTrailers` takes them; framing, routing and credentials have no place there (RFC 9110 §6.5.1). */
export function trailerFields(raw: readonly string[]): [string, string][] {
  const trailers: [string, string][] = [];
  for (let i = 0; i < raw.length; i += 2) {
    const name = raw[i]!.toLowerCase();
    if (!hopByHop.has(name) && !neverNominated.has(name)) trailers.push([raw[i]!, raw[i + 1]!]);
  }
  return trailers;
}

/** The headers that `Connection` names. */
function nominatedBy(raw: readonly string[]): ReadonlySet<string> {
  const names = new Set<string>();
  for (let i = 0; i < raw.length; i += 2) {
    if (raw[i]!.toLowerCase() !== 'connection') continue;
    for (const token of raw[i + 1]!.split(',')) {
      const name = token.trim().toLowerCase();
      if (name !== '' && !neverNominated.has(name)) names.add(name);
    }
  }
  return names;
}

function collect(raw: readonly string[], passes: (name: string) => boolean): Field[] {
  const fields = new Map<string, Field>();
  for (let i = 0; i < raw.length; i += 2) {
    const name = raw[i]!.toLowerCase();
    if (!passes(name)) continue;
    const field = fields.get(name);
    if (field) field[1].push(raw[i + 1]!);
    else fields.set(name, [raw[i]!, [raw[i + 1]!]]);
  }
  return [...fields.values()];
}
