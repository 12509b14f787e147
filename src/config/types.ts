/**
 * The compiled configuration: what the rest of Sluice reads. Everything here is immutable and already validated;
 * sizes are bytes, durations milliseconds, rates per second. `Infinity` is "unlimited", a duration of 0 is "off".
 */

import type { LimitValues, Rate } from '../catalogue/limit-values.ts';
import type { senderLimits, sharedLimits } from '../catalogue/limits.ts';

/** The side whose messages a limit binds. */
export type Sender = 'client' | 'upstream';

type Sent = typeof senderLimits;
type Shared = typeof sharedLimits;

/** What one sender may do on one connection, as the rows of the catalogue name it. All limits are inclusive. */
export type SenderLimits = {
  readonly [K in keyof Sent as Sent[K]['field']]: LimitValues[Sent[K]['kind']];
};

/** The other limits, likewise. */
type SharedLimits = Nested<{ [K in keyof Shared as Shared[K]['field']]: LimitValues[Shared[K]['kind']] }>;

/** A flat record whose keys are paths, as a tree: `{'ping.clientMs': number}` becomes `{ping: {clientMs: number}}`. */
export type Nested<T> = {
  readonly [H in Head<keyof T & string>]: H extends keyof T ? T[H] : Nested<Below<T, H>>;
};

type Head<Path extends string> = Path extends `${infer First}.${string}` ? First : Path;

type Below<T, H extends string> = { [P in keyof T as P extends `${H}.${infer Rest}` ? Rest : never]: T[P] };

export interface RouteLimits {
  readonly mode: 'enforce' | 'report';
  readonly client: SenderLimits;
  readonly upstream: SenderLimits;
}

/** Where a backend listens: from `upstream: http://host:port`. */
export interface UpstreamTarget {
  readonly protocol: 'http:' | 'https:';
  /** As a socket wants it: IPv6 without brackets. */
  readonly host: string;
  readonly port: number;
  /** As a person wrote it. */
  readonly href: string;
  /** The path of a unix socket, in the place of host and port. */
  readonly socketPath?: string;
}

/**
 * What a route of an API belongs to, as its data says: JupyterHub itself, a user's server, a service, or something
 * else.
 */
export type RouteKind = 'hub' | 'server' | 'service' | 'other';

/** How TLS towards a backend is made sure of; read for an `https:` upstream alone. */
export interface UpstreamTls {
  /** Path of a PEM file with the authorities that may vouch for the backend; `null` trusts the public ones. */
  readonly ca: string | null;
  /** The name that its certificate must hold; `null` is the host of the upstream. */
  readonly serverName: string | null;
  /** Paths of the PEM files by which Sluice says who it is; both or none. */
  readonly clientCert: string | null;
  readonly clientKey: string | null;
  readonly insecureSkipVerify: boolean;
}

export interface Route {
  /** Differs where anything of the route differs: thousands of routes are compared at a reload. */
  readonly fingerprint: string;
  readonly name: string;
  /** The `route` label of its metrics: its own name, or that of the route whose preset brought it. */
  readonly label: string;
  /** Lower-case exact hosts or `*.example.org`; empty matches every host. */
  readonly hosts: readonly string[];
  /**
   * The path pattern as written: literal segments, `*` for one, `**` for any number; a prefix that ends at a segment.
   */
  readonly path: string;
  readonly upstream: UpstreamTarget;
  readonly upstreamTls: UpstreamTls;
  readonly preset: string | null;
  /** Exact origins (`https://apps.example.org`); `null` admits every origin. */
  readonly origins: readonly string[] | null;
  readonly requireOrigin: boolean;
  /** Where a request names its user; `null` asks nobody. */
  readonly identity: Identity | null;
  /** Which credentials let a request in, in order; `null` lets everybody in. */
  readonly auth: readonly Auth[] | null;
  readonly identityHeaders: IdentityHeaders;
  readonly access: Access;
  readonly rates: AskingRates;
  /** What the messages of each side must be; `null` looks at none. */
  readonly validate: Readonly<Record<Sender, Validation | null>>;
  readonly limits: RouteLimits;
  readonly connections: SharedLimits['connections'] & { readonly onLimit: OnLimit };
  readonly ping: { readonly clientMs: number; readonly upstreamMs: number; readonly timeoutMs: number };
  readonly idleTimeoutMs: SharedLimits['idleTimeoutMs'];
  readonly maxLifetimeMs: SharedLimits['maxLifetimeMs'];
  readonly drain: RouteDrain;
  readonly http: SharedLimits['http'] & { readonly inactivityMs: number };
  readonly timeouts: Timeouts;
}

/** What one side's messages must be, and what becomes of one that is not. */
export interface Validation {
  /** Path of a JSON Schema for text messages; `null` where every JSON will do. */
  readonly schemaFile: string | null;
  readonly maxTextBytes: number;
  readonly maxDepth: number;
  readonly binary: 'pass' | 'reject';
  readonly action: 'close' | 'report' | 'reply';
  /** What a sender is answered, as JSON; `{reason}` in its texts is what is wrong. */
  readonly reply: Readonly<Record<string, unknown>>;
}

/** What the routes of an API take their limits and their metrics from: those of one kind, below one path of theirs. */
export interface RouteTemplate {
  readonly kind: RouteKind;
  /** A pattern below the route's own path. */
  readonly path: string;
  /** Its limits, its name and its label; its hosts, path and upstream mean nothing. */
  readonly route: Route;
}

/** How a request and its answer are changed between a client and the target of an API's route. */
export interface TargetRules {
  /** Header lines that each request gets in the place of those by their names; none is `Host`. */
  readonly headers: readonly (readonly [name: string, value: string])[];
  /** The `Host` that each request gets; `null` leaves it. */
  readonly host: string | null;
  /** Whether the target is told who asks (`X-Forwarded-*`). */
  readonly forwarded: boolean;
  /** Whether the path of the target comes before that of the request. */
  readonly targetPath: boolean;
  /** Whether the route's own path stays in the request. */
  readonly routePath: boolean;
  /** Whether `Host` names the target. */
  readonly targetHost: boolean;
  /**
   * Whether a `Location` that names the target gets the host of the request, and which scheme (`https:`), `null` for
   * its own.
   */
  readonly locationHost: boolean;
  readonly locationScheme: 'http:' | 'https:' | null;
}

/** How TLS is spoken where Sluice listens; what is left out is as usual. */
export interface TlsTerms {
  readonly minVersion?: 'TLSv1.2' | 'TLSv1.3';
  readonly maxVersion?: 'TLSv1.2' | 'TLSv1.3';
  /** As OpenSSL lists suites, those of TLS 1.3 among them. */
  readonly ciphers?: string;
  /** A group for plain Diffie-Hellman, PEM. */
  readonly dhparam?: Buffer;
}

/** Routes that a program sets while Sluice runs. */
export interface RoutesApi {
  readonly address: ListenAddress;
  /** Paths of PEM files; with `clientCa` a client must show a certificate. `null` listens without TLS. */
  readonly tls: { readonly cert: string; readonly key: string; readonly clientCa: string | null } | null;
  /** Path of the file that holds the token; `null` takes it from the environment. */
  readonly tokenFile: string | null;
  /** For each kind one whose path is `/`. */
  readonly templates: readonly RouteTemplate[];
  /** Networks in which targets may be; `null` is everywhere but where clouds have their metadata. */
  readonly targets: readonly string[] | null;
  /** Path of the file that keeps the table over a restart. */
  readonly stateFile: string | null;
  /** The hub's API, which is asked to check the table; `null` where nobody is. */
  readonly hubApi: string | null;
  /** Whether the first segment of a route's path is its host. */
  readonly hosts: boolean;
  /** Whether messages of a server count as its user's activity. */
  readonly upstreamActivity: boolean;
  /** Who writes the pages for 404 and 503: a URL, or a folder; `null` is Sluice itself. */
  readonly errors: { readonly target: string } | { readonly folder: string } | null;
  readonly rules: TargetRules;
}

/** How often one address, and one user, may ask; `null` is no limit. */
export interface AskingRates {
  readonly handshakesPerAddress: AskingRate | null;
  readonly requestsPerAddress: AskingRate | null;
  readonly handshakesPerUser: AskingRate | null;
  readonly requestsPerUser: AskingRate | null;
}

/** A rate of those who ask. */
export interface AskingRate extends Rate {
  /** What is beyond it is counted and let in: the rate is a preset's, and nobody has set it. */
  readonly isReported?: true;
}

/** What is served: everything, or what `allow` names; and never what `deny` names. */
export interface AccessList {
  readonly allow: readonly string[] | null;
  readonly deny: readonly string[];
}

/** Which clients, hosts and methods a route serves. Hosts are lower case, methods as they are sent. */
export interface Access {
  readonly networks: AccessList;
  readonly hosts: AccessList;
  readonly methods: AccessList;
}

/**
 * What becomes of a handshake of a user who has the maximum of connections: it is refused, or an idle one goes for it.
 */
export type OnLimit = 'reject' | 'evict_oldest';

/** What a drain does to a connection: close it at a slot of its own, or leave it until it ends by itself. */
export type DrainClose = 'spread' | 'wait';

export interface RouteDrain {
  readonly close: DrainClose;
  /**
   * Whose messages a drain loses none of: no proxy can close two connections in one instant, and what the other side
   * sends meanwhile finds nobody.
   */
  readonly protect: Sender;
  /** The window of the slots, from when handshakes are refused; 0 closes all at once. */
  readonly spreadMs: number;
  /** When what is left is cut, from the drain's beginning. */
  readonly deadlineMs: number;
}

export interface Timeouts {
  readonly connectMs: number;
  readonly headersMs: number;
  readonly handshakeMs: number;
  readonly closeMs: number;
}

export type ListenAddress =
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number }
  | { readonly kind: 'unix'; readonly path: string };

/** Paths of the PEM files of a certificate and its key. */
export interface PairPaths {
  readonly cert: string;
  readonly key: string;
}

/** TLS of the public port, by paths of PEM files. */
export interface ListenTls extends PairPaths {
  /** For clients that ask for a name which one of these holds; the first that does. */
  readonly certificates: readonly PairPaths[];
  /** Which certificates of clients count; `null` asks for none. */
  readonly clients: { readonly ca: string; readonly crl: string | null; readonly isRequired: boolean } | null;
}

export interface Listen {
  readonly address: ListenAddress;
  /** `null` listens without TLS. */
  readonly tls: ListenTls | null;
  readonly trustedProxies: readonly string[];
  /** Networks of the peers whose connections begin with a PROXY protocol header; empty is nobody. */
  readonly proxyProtocol: readonly string[];
  /** How many leading bits of an IPv6 address are one client, for caps. */
  readonly ipv6Prefix: number;
}

export interface Admin {
  readonly address: ListenAddress;
  /** Path of the file that holds the bearer token; `null` asks for none. */
  readonly tokenFile: string | null;
}

/**
 * Where the name of the user stands: in a header (its name in lower case), or in the path at the segment that is
 * `null`.
 */
export type Identity = { readonly header: string } | { readonly segments: readonly (string | null)[] };

/** The algorithms with a public key. One with a secret is not among them: a public key would become the secret. */
export const jwtAlgorithms = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
] as const;

/**
 * Where a token stands in a request. `authorization` is `Authorization: Bearer`; names of headers are in lower case.
 */
export type TokenPlace =
  | { readonly in: 'authorization' | 'subprotocol' }
  | { readonly in: 'header' | 'cookie' | 'query'; readonly name: string };

/** A service that is asked over HTTP: where it listens, and the path and query of the question. */
export interface ServiceTarget {
  readonly target: UpstreamTarget;
  readonly path: string;
  readonly tls: UpstreamTls;
}

/** A signed token of an identity provider. */
export interface JwtAuth {
  readonly kind: 'jwt';
  readonly issuer: string;
  readonly audience: readonly string[];
  readonly algorithms: readonly (typeof jwtAlgorithms)[number][];
  /** Where the keys are: one of both. */
  readonly jwks: ServiceTarget | null;
  readonly jwksFile: string | null;
  readonly jwksMs: number;
  readonly leewayMs: number;
  /** Claims, each with the values of which it must have one; `null` lets every value pass. */
  readonly claims: readonly (readonly [claim: string, values: readonly string[] | null])[];
  /** The claims in which the name of the user and the groups stand. */
  readonly userClaim: string;
  readonly groupsClaim: string;
  readonly from: readonly TokenPlace[];
  /** Whether the backend gets the token too. */
  readonly forward: boolean;
  /** Whether a connection ends with the token. */
  readonly closesOnExpiry: boolean;
}

/** A service that decides over every request. */
export interface ForwardAuth {
  readonly kind: 'forward';
  readonly service: ServiceTarget;
  /** Whether the service is asked with the method of the request; else with GET. */
  readonly preservesMethod: boolean;
  /** The lines of the request that the service gets; names in lower case. */
  readonly requestHeaders: readonly string[];
  /** The lines of its answer that go to the upstream; names as they are written. */
  readonly responseHeaders: readonly string[];
  /** The lines of its answer that go to the client with the upstream's; names as they are written. */
  readonly clientHeaders: readonly string[];
  /** The lines of its answer that name the user and the groups, in lower case. */
  readonly userHeader: string;
  readonly groupsHeader: string;
  /** How long an answer holds for the same credentials; 0 is not at all. */
  readonly cacheMs: number;
  readonly timeoutMs: number;
  /** How often a connection asks again; 0 is never. */
  readonly recheckMs: number;
}

/** Names and passwords, or static tokens, in a file. */
export interface FileAuth {
  readonly kind: 'basic' | 'bearer';
  readonly file: string;
  readonly forward: boolean;
}

/** What a trusted proxy says; `name` in lower case. */
export interface HeaderAuth {
  readonly kind: 'header';
  readonly name: string;
}

/** A service of a hub. */
export interface JupyterHubAuth {
  readonly kind: 'jupyterhub';
  /** The hub's API; its path is `/hub/api`, below the hub's base URL. */
  readonly api: ServiceTarget;
  readonly tokenFile: string;
  /** The service's name at the hub. */
  readonly service: string;
  /** Where browsers find the service, with a slash at both ends. */
  readonly prefix: string;
  /** How long the hub's word holds; 0 is not at all. */
  readonly cacheMs: number;
  readonly timeoutMs: number;
  /** How often a connection asks again; 0 is never. */
  readonly recheckMs: number;
}

/** What may be read of a certificate: attributes of its subject, and its alternative names. */
export const certificateFields = [
  'subject.CN',
  'subject.UID',
  'subject.serialNumber',
  'subject.emailAddress',
  'subject.O',
  'subject.OU',
  'san.email',
  'san.dns',
  'san.uri',
] as const;

export type CertificateField = (typeof certificateFields)[number];

/** The certificate that the client has shown in TLS. */
export interface ClientCertAuth {
  readonly kind: 'client_cert';
  /** Where the name of the user stands. */
  readonly user: CertificateField;
  /** Fields, each with the values of which the certificate must have one. */
  readonly match: readonly (readonly [field: CertificateField, values: readonly string[]])[];
  /** Whether a connection ends with the certificate. */
  readonly closesOnExpiry: boolean;
}

/** One kind of credentials that lets a request in. */
export type Auth = JwtAuth | ForwardAuth | FileAuth | HeaderAuth | ClientCertAuth | JupyterHubAuth;

/** The service that a kind of credentials asks; `null` where it asks nobody. */
export function serviceOf(entry: Auth): ServiceTarget | null {
  if (entry.kind === 'jwt') return entry.jwks;
  if (entry.kind === 'forward') return entry.service;
  return entry.kind === 'jupyterhub' ? entry.api : null;
}

/** In which headers the backend is told who the user is. */
export interface IdentityHeaders {
  readonly user: string | null;
  readonly groups: string | null;
}

/** How much is logged. */
export interface LogSettings {
  readonly level: 'info' | 'warn' | 'error';
  /** The share of connections whose opening is logged, 0 to 1. */
  readonly open: number;
  /** The share of connections whose ordinary end is logged; the same ones as their opening. */
  readonly end: number;
  /** How many lines of each kind clients may cause; `null` is no limit. */
  readonly maxRate: { readonly perSecond: number; readonly burst: number } | null;
  /** How users are named in the log. */
  readonly user: 'plain' | 'hashed' | 'off';
}

/** Where a store listens. */
export interface StoreTarget {
  /** `https:` stands for TLS. */
  readonly target: UpstreamTarget;
  /** The number of the database. */
  readonly database: number;
}

/** A store of counts and rates that all pods share. */
export interface QuotaStoreConfig extends StoreTarget {
  /** The path of the file that holds the password; `null` comes without one. */
  readonly passwordFile: string | null;
  readonly username: string | null;
  /** How long an answer may take. */
  readonly timeoutMs: number;
  /** Before all keys. */
  readonly prefix: string;
  readonly tls: UpstreamTls;
}

export interface Config {
  /** Paths of the files as the user named them. */
  readonly files: readonly string[];
  /** SHA-256 of the files' text, one after the other, hex. */
  readonly hash: string;
  readonly listen: Listen;
  readonly admin: Admin;
  /** Bytes that all buffers may hold together; `null` takes a share of what the container may use. */
  readonly memory: { readonly maxBufferedBytes: number | null };
  /** How long a drain goes on accepting; the rest of it is a matter of each route. */
  readonly drain: { readonly announceMs: number };
  readonly log: LogSettings;
  /** Path of the file that names the users who are shut out; `null` shuts nobody out. */
  readonly revokedUsers: string | null;
  /** `null` where each pod counts alone. */
  readonly quotas: QuotaStoreConfig | null;
  readonly routes: readonly Route[];
  /** `null` where no program sets routes. */
  readonly routesApi: RoutesApi | null;
}

/** Every route that has limits and a label: those of the file, and the templates of an API's. */
export function labelledRoutes({ routes, routesApi }: Pick<Config, 'routes' | 'routesApi'>): readonly Route[] {
  return !routesApi ? routes : [...routes, ...routesApi.templates.map(({ route }) => route)];
}
