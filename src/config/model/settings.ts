/**
 * The settings of a route as one flat record, keyed by their path in the file. Route, preset, defaults and what is
 * built in are four such records; resolving is taking each key from the first that has it.
 */
import type { DrainClose, LogSettings, Rate, Sender } from '../types.ts';

interface SenderSettings {
  readonly max_message_size: number;
  readonly max_frame_size: number;
  readonly max_fragments: number;
  readonly message_timeout: number;
  readonly max_message_rate: Rate | null;
  readonly max_byte_rate: Rate | null;
  readonly max_control_rate: Rate;
  readonly max_buffer_size: number;
  readonly max_queue: number;
  readonly max_pause: number;
}

/** The name of a limit that binds one sender. */
export type SenderKey = keyof SenderSettings;

type ForSender<S extends Sender> = {
  readonly [K in SenderKey as `limits.${S}.${K}`]: SenderSettings[K];
};

/** Every setting that a route, a preset and `defaults` share. Sizes are bytes, durations milliseconds. */
export type Settings = ForSender<'client'> &
  ForSender<'upstream'> & {
    readonly 'limits.mode': 'enforce' | 'report';
    readonly 'limits.connections.max': number;
    readonly 'limits.connections.max_per_address': number;
    readonly 'ping.client': number;
    readonly 'ping.upstream': number;
    readonly 'ping.timeout': number;
    readonly idle_timeout: number;
    readonly max_lifetime: number;
    readonly 'drain.close': DrainClose;
    readonly 'drain.protect': Sender;
    readonly 'drain.spread': number;
    readonly 'drain.deadline': number;
    readonly 'http.max_body_size': number;
    readonly 'http.inactivity': number;
    readonly 'http.max_upstream_connections': number;
    readonly 'upstream_tls.ca': string | null;
    readonly 'upstream_tls.server_name': string | null;
    readonly 'upstream_tls.client_cert': string | null;
    readonly 'upstream_tls.client_key': string | null;
    readonly 'upstream_tls.insecure_skip_verify': boolean;
  };

/** A path in the file, below a route or `defaults`. */
export type SettingKey = keyof Settings;

const KiB = 1024;
const MiB = 1024 * KiB;
const second = 1000;
const minute = 60 * second;

const builtInForSender: Omit<SenderSettings, 'max_message_size'> = {
  max_frame_size: Number.POSITIVE_INFINITY,
  // Chromium cuts a message into frames of at most 131 000 bytes, so this admits 2 GB from a browser.
  max_fragments: 16_384,
  message_timeout: 10 * minute,
  max_message_rate: null,
  max_byte_rate: null,
  // Once a second must be fine for ever (marimo does it); a burst is a client catching up.
  max_control_rate: { perSecond: 50, burst: 200, action: 'close' },
  max_buffer_size: 256 * KiB,
  max_queue: 64,
  max_pause: 30 * second,
};

function forSender<S extends Sender>(sender: S, maxMessageSize: number): ForSender<S> {
  const values: SenderSettings = { max_message_size: maxMessageSize, ...builtInForSender };
  return Object.fromEntries(
    Object.entries(values).map(([key, value]) => [`limits.${sender}.${key}`, value]),
  ) as unknown as ForSender<S>;
}

/** What holds where neither the route, nor its preset, nor `defaults` says anything. */
export const builtIn: Settings = {
  'limits.mode': 'enforce',
  ...forSender('client', 10 * MiB),
  ...forSender('upstream', Number.POSITIVE_INFINITY),
  'limits.connections.max': 10_000,
  'limits.connections.max_per_address': Number.POSITIVE_INFINITY,
  'ping.client': 20 * second,
  'ping.upstream': 0,
  'ping.timeout': 20 * second,
  idle_timeout: 0,
  max_lifetime: 0,
  'drain.close': 'spread',
  'drain.protect': 'client',
  'drain.spread': 30 * second,
  'drain.deadline': 60 * second,
  'http.max_body_size': 512 * MiB,
  // A notebook's PDF export or a spawning server may compute for many minutes without a byte; only dead ones take an hour.
  'http.inactivity': 60 * minute,
  // A page loads its files over a handful; what holds one for long is a long poll or an event stream, one for each tab.
  'http.max_upstream_connections': 1024,
  'upstream_tls.ca': null,
  'upstream_tls.server_name': null,
  'upstream_tls.client_cert': null,
  'upstream_tls.client_key': null,
  'upstream_tls.insecure_skip_verify': false,
};

/** Every setting's path, in the order in which tables show them. */
export const settingKeys = Object.keys(builtIn) as readonly SettingKey[];

/** The limits that exist for each sender, in the same order. */
export const senderKeys = ['max_message_size', ...Object.keys(builtInForSender)] as readonly SenderKey[];

/** How long the gateway waits for peers; `timeouts` in the file. */
export const builtInTimeouts = {
  connect: 5 * second,
  headers: 10 * second,
  // A backend that computes accepts late. Nobody waits longer than Chromium: `kHandshakeTimeoutIntervalInSeconds`, 240 (Firefox: 20).
  handshake: 4 * minute,
  close: 10 * second,
} as const;

/** Providers give each subscriber a network of IPv6, and its machines choose their addresses in it at will (RFC 6177). */
export const builtInIpv6Prefix = 64;

/** How much is logged where nothing is said. */
export const builtInLog: LogSettings = {
  level: 'info',
  open: 1,
  end: 1,
  // All connections of a full route may come back at once.
  maxRate: { perSecond: 100, burst: 10_000 },
  user: 'plain',
};

/** How long a drain goes on accepting, so that load balancers hear of it before clients do. */
export const builtInAnnounceMs = 10 * second;
