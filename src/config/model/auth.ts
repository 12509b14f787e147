/** From `auth` as it stands in the file to what holds. */
import type { Auth, ServiceTarget, TokenPlace } from '../types.ts';
import type { ParsedAuth } from './auth-keys.ts';
import { builtInAuth } from './auth-settings.ts';
import { type ParsedService, type ParsedTokenPlace, serviceIn } from './auth-values.ts';

/** The kinds of a route with this path, in order; `null` where everybody is let in. */
export function compileAuth(entries: readonly ParsedAuth[] | null, path: string): readonly Auth[] | null {
  return entries?.map((entry) => compileEntry(entry, path)) ?? null;
}

/** An entry has one key: that is looked at before. */
function compileEntry(entry: ParsedAuth, routePath: string): Auth {
  const { jwt, forward, basic, bearer, client_cert, header, jupyterhub } = entry;
  if (jwt !== undefined) return compileJwt(jwt);
  if (forward !== undefined) return compileForward(forward);
  if (basic !== undefined) return { kind: 'basic', file: basic.file, forward: basic.forward ?? false };
  if (bearer !== undefined) return { kind: 'bearer', file: bearer.file, forward: bearer.forward ?? false };
  if (client_cert !== undefined) return compileClientCert(client_cert);
  if (header !== undefined) return { kind: 'header', name: header.toLowerCase() };
  return compileHub(jupyterhub!, routePath);
}

function compileJwt(jwt: NonNullable<ParsedAuth['jwt']>): Auth {
  return {
    kind: 'jwt',
    issuer: jwt.issuer,
    audience: jwt.audience,
    algorithms: jwt.algorithms ?? ['RS256'],
    jwks: jwt.jwks === undefined ? null : serviceOf(jwt.jwks, jwt.ca),
    jwksFile: jwt.jwks_file ?? null,
    jwksMs: jwt.cache ?? builtInAuth.jwksMs,
    leewayMs: jwt.leeway ?? builtInAuth.leewayMs,
    claims: jwt.claims ?? [],
    userClaim: jwt.user_claim ?? builtInAuth.userClaim,
    groupsClaim: jwt.groups_claim ?? builtInAuth.groupsClaim,
    from: (jwt.from ?? ['authorization']).map(placeOf),
    forward: jwt.forward ?? false,
    closesOnExpiry: (jwt.on_expiry ?? builtInAuth.onExpiry) === 'close',
  };
}

function compileForward(forward: NonNullable<ParsedAuth['forward']>): Auth {
  return {
    kind: 'forward',
    service: serviceOf(forward.url, forward.ca),
    preservesMethod: forward.preserve_method ?? false,
    requestHeaders: (forward.request_headers ?? builtInAuth.requestHeaders).map((name) => name.toLowerCase()),
    responseHeaders: forward.response_headers ?? [],
    clientHeaders: forward.client_headers ?? [],
    userHeader: (forward.user_header ?? builtInAuth.userHeader).toLowerCase(),
    groupsHeader: (forward.groups_header ?? builtInAuth.groupsHeader).toLowerCase(),
    cacheMs: forward.cache ?? 0,
    timeoutMs: forward.timeout ?? builtInAuth.timeoutMs,
    recheckMs: forward.recheck ?? 0,
  };
}

function compileClientCert(cert: NonNullable<ParsedAuth['client_cert']>): Auth {
  return {
    kind: 'client_cert',
    user: cert.user_field ?? builtInAuth.userField,
    match: cert.match ?? [],
    closesOnExpiry: (cert.on_expiry ?? builtInAuth.onExpiry) === 'close',
  };
}

function compileHub(hub: NonNullable<ParsedAuth['jupyterhub']>, routePath: string): Auth {
  const api = serviceOf(hub.api_url, hub.ca);
  const path = api.path.replace(/\/+$/, '');
  // That there is one is looked at before.
  const service = hub.service ?? serviceIn(routePath)!;
  return {
    kind: 'jupyterhub',
    api: { ...api, path },
    tokenFile: hub.token_file,
    service,
    prefix: `${path.replace(/\/hub\/api$/, '')}/services/${service}/`,
    cacheMs: hub.cache ?? builtInAuth.hubCacheMs,
    timeoutMs: hub.timeout ?? builtInAuth.timeoutMs,
    recheckMs: hub.recheck ?? 0,
  };
}

function placeOf(place: ParsedTokenPlace): TokenPlace {
  if (place === 'authorization' || place === 'subprotocol') return { in: place };
  const [kind, name] = Object.entries(place)[0] as ['header' | 'cookie' | 'query', string];
  return { in: kind, name };
}

function serviceOf(service: ParsedService, ca: string | undefined): ServiceTarget {
  const tls = { ca: ca ?? null, serverName: null, clientCert: null, clientKey: null, insecureSkipVerify: false };
  return { ...service, tls };
}
