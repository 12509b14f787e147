/**
 * Mistakes that no single value shows: names and patterns that occur twice, an admin port open to all. They are looked
 * for in the values as they stand in the file, so that a bad size elsewhere does not hide them.
 */
import {
  canonicalPath,
  formatListenAddress,
  isLocal,
  parseHost,
  parseListenAddress,
  parsePath,
  parseUpstream,
} from '../language/addresses.ts';
import type { ConfigDocument } from '../language/document.ts';
import type { ConfigError, ConfigPath } from '../language/errors.ts';
import { isMapping, scalarText } from '../language/units.ts';
import type { ListenAddress } from '../types.ts';
import { listIn, mapping, type WrittenRoute, writtenRoutes } from './as-written.ts';
import { authConflicts } from './auth-conflicts.ts';
import { errorAt } from './explain.ts';
import { roomsPath } from './presets.ts';
import { quotaConflicts } from './quota-conflicts.ts';
import { secretIdentities } from './secret-identities.ts';
import { builtInTop } from './top-settings.ts';
import { validationConflicts } from './validation-conflicts.ts';

/** The name of the route that `preset: jupyter` brings. */
export function roomsName(name: string): string {
  return `${name}-rooms`;
}

/** Where that route listens: below the path of its own. */
export function roomsPattern(path: string): string {
  return `${canonicalPath(path) === '/' ? '' : path.replace(/\/+$/, '')}${roomsPath}`;
}

/** What a pattern claims: one key for each host, or one for any; two routes may not claim the same. */
export function patternKeys(hosts: readonly string[], path: string): string[] {
  return (hosts.length === 0 ? ['any host '] : hosts).map((host) => `${host}${canonicalPath(path)}`);
}

interface Claim {
  readonly at: ConfigPath;
  readonly name: string | null;
  readonly hosts: readonly string[];
  readonly path: string | null;
  readonly jupyter: boolean;
}

/** Duplicate names, duplicate hosts, equal patterns, and an admin port without the token that it needs. */
export function findConflicts(document: ConfigDocument): ConfigError[] {
  const claims = claimsOf(document.value);
  return [
    ...noRoutes(document),
    ...nameConflicts(document, claims),
    ...templateConflicts(document, claims),
    ...patternConflicts(document, claims),
    ...sameAddress(document),
    ...circles(document),
    ...openAdmin(document),
    ...halfClientCertificates(document),
    ...secretIdentities(document),
    ...authConflicts(document),
    ...validationConflicts(document),
    ...quotaConflicts(document),
  ];
}

/** Without routes, and nobody to set some, there is nothing to serve. */
function noRoutes(document: ConfigDocument): ConfigError[] {
  const { value } = document;
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return [];
  if ('routes' in value || 'routes_api' in value) return [];
  return [errorAt(document, ['routes'], 'is missing; write [one, two], or one line for each with a dash')];
}

/** Templates count and log by their names, as routes do; of each kind there is one for every path. */
function templateConflicts(document: ConfigDocument, claims: readonly Claim[]): ConfigError[] {
  const { templates } = mapping(mapping(document.value).routes_api);
  const names = new Set(claims.map(({ name }) => name));
  const places = new Set<string>();
  const whole = new Set<string>();
  const entries = listIn(templates).map((entry) => {
    const { name, kind, path = '/' } = mapping(entry);
    return { name, kind: scalarText(kind), path: canonicalPath(scalarText(path)) };
  });
  const errors = entries.flatMap((entry, i) => {
    const at = ['routes_api', 'templates', i];
    const place = `${entry.kind} ${entry.path}`;
    const found: ConfigError[] = [];
    if (typeof entry.name === 'string' && names.has(entry.name)) {
      found.push(errorAt(document, [...at, 'name'], `"${entry.name}" is the name of another route too; write another`));
    }
    if (places.has(place)) {
      found.push(errorAt(document, at, `another template is for the same requests (${place}); write another path`));
    }
    if (typeof entry.name === 'string') names.add(entry.name);
    places.add(place);
    if (entry.path === '/') whole.add(entry.kind);
    return found;
  });
  const without = entries.flatMap(({ kind }, i) => (kind === '' || whole.has(kind) ? [] : [{ kind, i }]));
  const firsts = without.filter(({ kind }, n) => without.findIndex((other) => other.kind === kind) === n);
  return [
    ...errors,
    ...firsts.map(({ kind, i }) => {
      const message = `there is no template of kind ${kind} without path, for all its other requests; add one`;
      return errorAt(document, ['routes_api', 'templates', i], message);
    }),
  ];
}

function nameConflicts(document: ConfigDocument, claims: readonly Claim[]): ConfigError[] {
  const errors: ConfigError[] = [];
  const names = new Map<string, Claim>();
  for (const claim of claims) {
    const { name } = claim;
    if (name === null) continue;
    const first = names.get(name);
    if (first) {
      const line = errorAt(document, [...first.at, 'name'], '').line;
      errors.push(
        errorAt(
          document,
          [...claim.at, 'name'],
          `"${name}" is the name of the route in line ${line} too; write another`,
        ),
      );
    } else names.set(name, claim);
  }
  for (const claim of claims) {
    if (!claim.jupyter || claim.name === null || claim.path === null) continue;
    const taken = names.get(roomsName(claim.name));
    if (!taken || covers(taken, { hosts: claim.hosts, path: roomsPattern(claim.path) })) continue;
    const why = `is the name of the route that preset jupyter brings with ${claim.name}`;
    errors.push(errorAt(document, [...taken.at, 'name'], `"${taken.name}" ${why}; write another`));
  }
  return errors;
}

/** Whether a route of the file takes the place of a brought one on all of its hosts. */
function covers(written: Claim, brought: { readonly hosts: readonly string[]; readonly path: string }): boolean {
  if (written.path === null) return false;
  const keys = new Set(patternKeys(written.hosts, written.path));
  return patternKeys(brought.hosts, brought.path).every((key) => keys.has(key));
}

function patternConflicts(document: ConfigDocument, claims: readonly Claim[]): ConfigError[] {
  const errors: ConfigError[] = [];
  const owners = new Map<string, Claim>();
  for (const claim of claims) {
    for (const host of claim.hosts.filter((name, i, all) => all.indexOf(name) !== i)) {
      errors.push(errorAt(document, [...claim.at, 'match', 'hosts'], `"${host}" is listed twice; write it once`));
    }
    if (claim.path === null) continue;
    const keys = [...new Set(patternKeys(claim.hosts, claim.path))];
    const owner = keys.map((key) => owners.get(key)).find((found) => found !== undefined);
    if (owner) {
      const line = errorAt(document, owner.at, '').line;
      const who = owner.name === null ? `the route in line ${line}` : `route ${owner.name} (line ${line})`;
      errors.push(
        errorAt(
          document,
          [...claim.at, 'match', 'path'],
          `"${claim.path}" matches the same requests as ${who}; write another path or other hosts`,
        ),
      );
    }
    for (const key of keys) if (!owners.has(key)) owners.set(key, claim);
  }
  return errors;
}

function sameAddress(document: ConfigDocument): ConfigError[] {
  const file = mapping(document.value);
  const admin = mapping(file.admin).address ?? formatListenAddress(builtInTop.admin.address);
  const listen = mapping(file.listen).address ?? formatListenAddress(builtInTop.listen.address);
  const [one, other] = [parseListenAddress(admin), parseListenAddress(listen)];
  if (!('value' in one && 'value' in other && collide(one.value, other.value))) return [];
  const what = admin === listen ? 'is listen.address too' : `takes the port of listen.address, "${listen}"`;
  return [errorAt(document, ['admin', 'address'], `"${admin}" ${what}; write another port`)];
}

/** Whether nobody can listen on both: a wildcard takes the port of every address, of IPv4 and IPv6 alike. */
function collide(a: ListenAddress, b: ListenAddress): boolean {
  if (a.kind === 'unix' || b.kind === 'unix') return a.kind === 'unix' && b.kind === 'unix' && a.path === b.path;
  // Port 0 takes a free port each time.
  if (a.port !== b.port || a.port === 0) return false;
  return a.host === b.host || [a.host, b.host].some(isWildcard);
}

/**
 * A route to the public port itself: host and path stay as they are, so one request would go round until no
 * connection is left. Only what the file shows is found; a name may lead here too.
 */
function circles(document: ConfigDocument): ConfigError[] {
  const { listen, routes } = mapping(document.value);
  const address = mapping(listen).address ?? formatListenAddress(builtInTop.listen.address);
  const own = parseListenAddress(address);
  if (!('value' in own) || own.value.kind === 'unix') return [];
  const { host, port } = own.value;
  return listIn(routes).flatMap((route, i) => {
    const { upstream } = mapping(route);
    const parsed = parseUpstream(upstream);
    if (!('value' in parsed) || parsed.value.port !== port || !isHere(parsed.value.host, host)) return [];
    const message = `"${upstream}" is listen.address, "${address}", so requests would go round in a circle; write the address of the backend`;
    return [errorAt(document, ['routes', i, 'upstream'], message)];
  });
}

/** Whether a backend's host is where Sluice listens, as far as addresses say. */
function isHere(host: string, listens: string): boolean {
  // Whoever connects to the wildcard address reaches this machine's loopback.
  const isLocalName = host === 'localhost' || isWildcard(host);
  if (isWildcard(listens)) return isLocalName || isLoopback(host);
  return host === listens || (isLocalName && isLoopback(listens));
}

function isLoopback(host: string): boolean {
  return host === '::1' || host.startsWith('127.');
}

function isWildcard(host: string): boolean {
  return host === '0.0.0.0' || host === '::';
}

/** An admin port that other machines reach needs a token: whoever reaches it can close connections and drain. */
function openAdmin(document: ConfigDocument): ConfigError[] {
  const { address, token_file: tokenFile } = mapping(mapping(document.value).admin);
  if (address === undefined || tokenFile !== undefined) return [];
  const parsed = parseListenAddress(address);
  if (!('value' in parsed) || isLocal(parsed.value)) return [];
  const remedy = 'add admin.token_file: PATH, or write 127.0.0.1:9090 or unix:/run/sluice-admin.sock';
  const message = `"${address}" is reached from other machines, and the admin API has no token; ${remedy}`;
  return [errorAt(document, ['admin', 'address'], message)];
}

/** A client's certificate needs its key, and a key its certificate. Each may stand in the route or in `defaults`. */
function halfClientCertificates(document: ConfigDocument): ConfigError[] {
  const file = mapping(document.value);
  const general = mapping(mapping(file.defaults).upstream_tls);
  const errors = new Map<string, ConfigError>();
  // JupyterHub's templates, which no file needs to write, take what stands in `defaults`.
  const unwritten: readonly WrittenRoute[] = file.routes_api === undefined ? [] : [{ at: ['defaults'], route: {} }];
  for (const { at: place, route } of [...writtenRoutes(document), ...unwritten]) {
    const own = mapping(route.upstream_tls);
    const has = (key: string) => (own[key] ?? general[key]) !== undefined;
    if (has('client_cert') === has('client_key')) continue;
    const [there, missing] = has('client_cert') ? ['client_cert', 'client_key'] : ['client_key', 'client_cert'];
    const at = [...(own[there] === undefined ? ['defaults'] : place), 'upstream_tls', there];
    const message = `"${scalarText(own[there] ?? general[there])}" stands alone; add upstream_tls.${missing}: PATH`;
    errors.set(at.join('.'), errorAt(document, at, message));
  }
  return [...errors.values()];
}

function claimsOf(value: unknown): Claim[] {
  return listIn(mapping(value).routes).map((entry, i) => {
    const route = mapping(entry);
    const match = mapping(route.match);
    const path = parsePath(match.path === undefined ? '/' : match.path);
    const hosts = Array.isArray(match.hosts) ? match.hosts.map(parseHost) : [];
    const valid = hosts.every((host) => 'value' in host);
    return {
      at: ['routes', i],
      name: typeof route.name === 'string' ? route.name : null,
      hosts: hosts.flatMap((host) => ('value' in host ? [host.value] : [])),
      // What is no route, or could not be read, claims nothing.
      path: 'value' in path && valid && isMapping(entry) ? path.value : null,
      jupyter: route.preset === 'jupyter',
    };
  });
}
