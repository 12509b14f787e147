/**
 * The names of header fields that mean something to a proxy: the one list for heads and trailers, for both lanes, in
 * every spelling. What is not in it is passed on unread.
 *
 * In it stand the names that a backend believes about its client: where it came from, by which scheme, and who it is.
 * CGI, and with it WSGI, makes one variable of `X-Real-IP`, `X_Real_IP` and, in some servers, `X.Real.IP`; so names are
 * compared folded. `X-HTTP-Method-Override` is not in it: a client may choose its method, with or without Sluice.
 */

/** What a name means. */
export type FieldKind =
  /** Passed on as it came. */
  | 'other'
  /**
   * Concerns one connection only (RFC 9110 §7.6.1), or is a spelling of a name that frames or routes: never passed on.
   */
  | 'hop'
  /** Says where a request came from, and Sluice says it anew. */
  | 'told'
  /** Says where a request came from or who sent it; only a trusted peer may. */
  | 'forwarding';

/** Of one connection, whatever `Connection` says. */
export const hopNames: readonly string[] = [
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
];

/** Set by Sluice on every request. */
export const toldNames: readonly string[] = [
  'x-forwarded-for',
  'x-forwarded-proto',
  'x-forwarded-host',
  'x-real-ip',
  // Tornado prefers this one to X-Forwarded-Proto.
  'x-scheme',
];

/** Believed by some backend, framework or middleware where a proxy is thought to have set them. */
export const forwardingNames: readonly string[] = [
  // Where from.
  'forwarded',
  'forwarded-for',
  'x-forwarded',
  'x-client-ip',
  'client-ip',
  'true-client-ip',
  'x-cluster-client-ip',
  'cf-connecting-ip',
  'cf-connecting-ipv6',
  'do-connecting-ip',
  'fastly-client-ip',
  'fly-client-ip',
  'x-azure-clientip',
  'x-azure-socketip',
  'x-appengine-user-ip',
  'x-envoy-external-address',
  'x-proxyuser-ip',
  'proxy-client-ip',
  'wl-proxy-client-ip',
  // By which scheme, host and path.
  'x-url-scheme',
  'front-end-https',
  'x-arr-ssl',
  'x-appengine-https',
  'cloudfront-forwarded-proto',
  'x-rewrite-url',
  // Who.
  'x-client-cert',
  'x-auth-user',
  'x-authenticated-user',
  'x-webauth-user',
  'x-vouch-user',
  'kubeflow-userid',
  'shiny-server-credentials',
  'rstudio-connect-credentials',
  'x-goog-iap-jwt-assertion',
];

/** Families of such names: each begins so, and goes on. */
export const forwardingFamilies: readonly string[] = [
  // `X-Forwarded-User`, `-Email`, `-Groups`, `-Ssl`, `-Port`, `-Prefix` …
  'x-forwarded-',
  'x-original-',
  // `Remote-User`, `-Groups`, `-Addr`, as variables of CGI and as headers of sign-in proxies.
  'remote-',
  'x-remote-',
  'ssl-client-',
  'x-ssl-client-',
  'x-auth-request-',
  'x-authentik-',
  'x-pomerium-',
  'x-goog-authenticated-user-',
  'x-ms-client-principal',
  'x-amzn-oidc-',
  'cf-access-',
  'tailscale-user-',
];

/** Names that frame or route a message, or change what follows it; any other spelling of them is kept out. */
const strictNames: ReadonlySet<string> = new Set(['host', 'content-length', 'sec-websocket-extensions', ...hopNames]);

const kinds: ReadonlyMap<string, FieldKind> = new Map([
  ...hopNames.map((name) => [name, 'hop'] as const),
  ...toldNames.map((name) => [name, 'told'] as const),
  ...forwardingNames.map((name) => [name, 'forwarding'] as const),
]);

/** What CGI makes a `_`, be it a letter's neighbour or not. */
const folding = /[^a-z0-9-]/g;

/** A name as names are compared: in lower case, and with `-` for every character that is no letter and no digit. */
export function foldName(name: string): string {
  return name.toLowerCase().replace(folding, '-');
}

/** Kinds of names that have been looked up: clients send the same few dozen, and none of them is long. */
const known = new Map<string, FieldKind>();
const mostKnown = 1024;
const longestKnown = 64;

/** What a name means, however it is spelled. */
export function kindOf(name: string): FieldKind {
  if (name.length > longestKnown) return lookUp(name);
  let kind = known.get(name);
  if (kind === undefined) {
    kind = lookUp(name);
    // Who invents names pays for each of them.
    if (known.size >= mostKnown) known.clear();
    known.set(name, kind);
  }
  return kind;
}

function lookUp(name: string): FieldKind {
  const folded = foldName(name);
  if (strictNames.has(folded)) return folded === name.toLowerCase() ? (kinds.get(folded) ?? 'other') : 'hop';
  const kind = kinds.get(folded);
  if (kind !== undefined) return kind;
  const family = forwardingFamilies.some((prefix) => folded.length > prefix.length && folded.startsWith(prefix));
  return family ? 'forwarding' : 'other';
}

/** `Connection` may name fields to remove, but never one without which the message means something else. */
export const neverNominated = /^(?:host|origin|cookie|set-cookie|authorization|content-length|sec-websocket-.+)$/;

/** Framing, routing and credentials have no place in a trailer (RFC 9110 §6.5.1). */
export const neverTrailing =
  /^(?:host|cookie|set-cookie|authorization|www-authenticate|content-.+|location|cache-control)$/;
