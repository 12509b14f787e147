/**
 * The compiled configuration: what the rest of Sluice reads. Everything here is immutable and already validated;
 * sizes are bytes, durations milliseconds, rates per second. `Infinity` is "unlimited", a duration of 0 is "off".
 */

/** The side whose messages a limit binds. */
export type Sender = 'client' | 'upstream';

export interface Rate {
  /** Tokens (messages or bytes) per second. */
  readonly perSecond: number;
  /** The bucket's size: what may pass at once after a quiet time. */
  readonly burst: number;
  /** What happens when the bucket is empty: read no more for a while, or close with 1008. */
  readonly action: 'pause' | 'close';
}

/** What one sender may do on one connection. All limits are inclusive. */
export interface SenderLimits {
  readonly maxMessageBytes: number;
  readonly maxFrameBytes: number;
  readonly maxFragments: number;
  readonly messageTimeoutMs: number;
  /** `null` is no limit. */
  readonly messageRate: Rate | null;
  readonly byteRate: Rate | null;
  readonly controlRate: Rate;
  readonly maxBufferBytes: number;
  /** Messages, whole or partial, in the buffer. */
  readonly maxQueue: number;
  /** The longest time without progress towards the receiver while this sender is paused. */
  readonly maxPauseMs: number;
}

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
}

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
  /** The path pattern as written: literal segments, `*` for one, `**` for any number; a prefix that ends at a segment. */
  readonly path: string;
  readonly upstream: UpstreamTarget;
  readonly upstreamTls: UpstreamTls;
  readonly preset: string | null;
  /** Exact origins (`https://apps.example.org`); `null` admits every origin. */
  readonly origins: readonly string[] | null;
  readonly requireOrigin: boolean;
  /** Where a request names its user; `null` asks nobody. */
  readonly identity: Identity | null;
  readonly limits: RouteLimits;
  readonly connections: { readonly max: number; readonly maxPerAddress: number };
  readonly ping: { readonly clientMs: number; readonly upstreamMs: number; readonly timeoutMs: number };
  readonly idleTimeoutMs: number;
  readonly maxLifetimeMs: number;
  readonly drain: RouteDrain;
  readonly http: {
    readonly maxBodyBytes: number;
    readonly inactivityMs: number;
    readonly maxUpstreamConnections: number;
  };
  readonly timeouts: Timeouts;
}

/** What a drain does to a connection: close it at a slot of its own, or leave it until it ends by itself. */
export type DrainClose = 'spread' | 'wait';

export interface RouteDrain {
  readonly close: DrainClose;
  /**
   * Whose messages a drain loses none of: no proxy can close two connections in one instant, and what the other side sends
   * meanwhile finds nobody.
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

export interface Listen {
  readonly address: ListenAddress;
  /** Paths of PEM files; `null` listens without TLS. */
  readonly tls: { readonly cert: string; readonly key: string } | null;
  readonly trustedProxies: readonly string[];
  /** How many leading bits of an IPv6 address are one client, for caps. */
  readonly ipv6Prefix: number;
}

export interface Admin {
  readonly address: ListenAddress;
  /** Path of the file that holds the bearer token; `null` asks for none. */
  readonly tokenFile: string | null;
}

/** Where the name of the user stands: in a header (its name in lower case), or in the path at the segment that is `null`. */
export type Identity = { readonly header: string } | { readonly segments: readonly (string | null)[] };

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
  readonly routes: readonly Route[];
}
