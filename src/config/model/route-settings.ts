/** The settings that routes, presets and `defaults` share, one row each; `settings.ts` says how to add one. */
import { senderSettings, sharedLimitsBelow } from './limit-settings.ts';
import * as is from './setting-kinds.ts';
import { builtInOf, formatValue, type SettingRow, type SettingRows, type ValuesOf } from './settings.ts';

const second = 1000;
const minute = 60 * second;

/** By their paths below a route or `defaults`, in the order in which tables show them. */
export const routeSettings = {
  'limits.mode': {
    kind: is.oneOf('enforce', 'report'),
    about:
      '`report` counts and logs what message, frame, fragment, message-time and rate limits would have refused, and lets it pass. Buffers, queues, pauses, control floods and connection caps are always enforced.',
    builtIn: 'enforce',
    field: 'limits.mode',
    reload: 'live',
    ofPreset: true,
  },
  ...senderSettings('client'),
  ...senderSettings('upstream'),
  ...sharedLimitsBelow('limits.connections'),
  'limits.connections.on_limit': {
    kind: is.oneOf('reject', 'evict_oldest'),
    about:
      'What becomes of a handshake of a user who has `max_per_user` connections. `reject`: 429. `evict_oldest`: the one of them that has carried no data message for the longest ends with 1008, so that forgotten tabs keep nobody out; the newcomer waits until it is gone. Nobody is evicted by a name that only a path says.',
    builtIn: 'reject',
    field: 'connections.onLimit',
    reload: 'new',
    ofPreset: true,
  },
  'ping.client': {
    kind: is.duration,
    about: 'How often the client is pinged. It keeps load balancers from cutting a quiet connection.',
    builtIn: 20 * second,
    field: 'ping.clientMs',
    reload: 'live',
    ofPreset: true,
  },
  'ping.upstream': {
    kind: is.duration,
    about:
      'How often the upstream is pinged. JupyterHub and jupyter-server-proxy take a ping for user activity: leave it off before them, TCP keepalive watches that leg.',
    builtIn: 0,
    field: 'ping.upstreamMs',
    reload: 'live',
    ofPreset: true,
  },
  'ping.timeout': {
    kind: is.duration,
    about: 'How long a ping may stay unanswered. Any byte from the peer answers it.',
    builtIn: 20 * second,
    field: 'ping.timeoutMs',
    reload: 'live',
    ofPreset: true,
  },
  ...sharedLimitsBelow(''),
  'drain.close': {
    kind: is.oneOf('spread', 'wait'),
    about:
      '`spread`: each connection is closed (1012) at a random moment within `spread`, idle ones first, and its client comes back elsewhere. `wait`: it is left alone until it ends by itself or `deadline` comes; for pages that die with their connection, as those of Panel and Bokeh do.',
    builtIn: 'spread',
    field: 'drain.close',
    reload: 'live',
    ofPreset: true,
  },
  'drain.spread': {
    kind: is.duration,
    about:
      "The window over which the closes are spread, so that clients do not come back all at once. Left out, the file's own `drain.spread`.",
    builtIn: 30 * second,
    field: 'drain.spreadMs',
    reload: 'live',
    ofPreset: true,
  },
  'drain.deadline': {
    kind: is.finiteDuration,
    about: "When what is left is cut, counted from the signal. Left out, the file's own `drain.deadline`.",
    builtIn: 60 * second,
    field: 'drain.deadlineMs',
    reload: 'live',
    ofPreset: true,
  },
  'drain.protect': {
    kind: is.oneOf('client', 'upstream'),
    about:
      'Whose messages a drain (shutdown, `max_lifetime`) loses none of: two connections cannot be closed in the same instant. `client`: the client is closed first, and what it sends until it answers is relayed. `upstream`: the upstream is closed first, and what it sends until it answers is relayed; Jupyter keeps later output for the client that comes back.',
    builtIn: 'client',
    field: 'drain.protect',
    reload: 'live',
    ofPreset: true,
  },
  ...sharedLimitsBelow('http'),
  'http.inactivity': {
    kind: is.duration,
    about:
      'Ends a plain HTTP exchange in which neither side has sent a byte for so long. Long polls, event streams and slow exports stay quiet for minutes.',
    // A notebook's PDF export or a spawning server may compute for many minutes without a byte; only dead ones take an
    // hour.
    builtIn: 60 * minute,
    field: 'http.inactivityMs',
    reload: 'new',
    ofPreset: true,
  },
  'upstream_tls.ca': {
    kind: is.file,
    about:
      'The authorities that may vouch for the backend, PEM: those of a private CA, or the very certificate of a backend that signed its own. Left out, the public ones.',
    builtIn: null,
    field: 'upstreamTls.ca',
    reload: 'new',
  },
  'upstream_tls.server_name': {
    kind: is.serverName,
    about:
      "The name that the backend's certificate must hold, and that is asked for (SNI). Left out, the host of `upstream`.",
    builtIn: null,
    field: 'upstreamTls.serverName',
    reload: 'new',
  },
  'upstream_tls.client_cert': {
    kind: is.file,
    about: "Sluice's own certificate and its chain, PEM, for a backend that asks for one (mutual TLS).",
    builtIn: null,
    field: 'upstreamTls.clientCert',
    reload: 'new',
  },
  'upstream_tls.client_key': {
    kind: is.file,
    about: 'Its private key, PEM.',
    builtIn: null,
    field: 'upstreamTls.clientKey',
    reload: 'new',
  },
  'upstream_tls.insecure_skip_verify': {
    kind: is.flag,
    about:
      'Takes whatever certificate the backend shows, so that anybody in between can read and change everything. For trying out.',
    builtIn: false,
    field: 'upstreamTls.insecureSkipVerify',
    reload: 'new',
  },
} as const satisfies SettingRows;

/** What the sections are for. */
export const routeSections: Readonly<Record<string, string>> = {
  limits: 'Limits. Each is named after the sender that it binds; sizes count payload bytes.',
  'limits.client': 'What the client may send.',
  'limits.upstream': 'What the upstream may send.',
  'limits.connections': 'How many connections there may be.',
  ping: 'Heartbeats. Sluice answers and sends pings itself, leg by leg.',
  drain: 'How a connection is drained when the gateway is taken away.',
  http: 'Plain HTTP requests on the same route.',
  upstream_tls:
    'TLS towards a backend whose `upstream` begins with `https:`. The files are read again when they change.',
};

/** A value for each. Sizes are bytes, durations milliseconds. */
export type Settings = ValuesOf<typeof routeSettings>;

/** A path in the file, below a route or `defaults`. */
export type SettingKey = keyof Settings;

/** Every setting's path, in the order of the rows. */
export const settingKeys = Object.keys(routeSettings) as readonly SettingKey[];

/** What holds where neither the route, nor its preset, nor `defaults` says anything. */
export const builtIn: Settings = builtInOf(routeSettings);

/** Settings that a preset may say. */
export type PresetSettings = {
  readonly [K in SettingKey as (typeof routeSettings)[K] extends { readonly ofPreset: true } ? K : never]?: Settings[K];
};

/** A value as tables show it. */
export function formatSetting<K extends SettingKey>(key: K, value: Settings[K]): string {
  return formatValue(routeSettings[key] as SettingRow, value);
}
