/** The limits of a route, and of all connections together, one row each. */
import type { SharedLimitRow } from './row.ts';

const MiB = 1024 * 1024;

/** Beyond this many connections for plain HTTP a handshake and a request end alike. */
const upstreamBusy = {
  as: 'upstream_busy',
  status: 503,
  level: 'warn',
  flag: 'UL',
  words: 'the route has its maximum of connections to the upstream',
  remedy: 'try again later, or raise `http.max_upstream_connections` of the route',
  retryAfterS: [5, 10],
  advice: {
    means:
      'the route has `http.max_upstream_connections` connections for plain HTTP, and none came free within `timeouts.connect`',
    look: 'what holds them: long polls and event streams hold one each; else a backend that has become slow',
    change: 'the backend; a higher `http.max_upstream_connections` where so many streams are usual',
  },
} as const;

/** Near the bound on all buffers a handshake and a request end alike. */
const buffersFull = {
  as: 'memory',
  status: 503,
  level: 'warn',
  flag: 'MH',
  words: 'the buffers of all connections are almost full',
  remedy: 'try again later, raise `memory.max_buffered`, or add instances',
  retryAfterS: [5, 10],
} as const;

/** The keys are the names that the label `limit` has, in the order in which tables show them. */
export const sharedLimits = {
  'memory.max_buffered': {
    path: 'memory.max_buffered',
    reload: 'live',
    field: 'memory.maxBufferedBytes',
    kind: 'size',
    builtIn: null,
    about:
      'Bytes that the buffers of all connections may hold together. Near it, senders with more than their share are paused and new handshakes get 503; at it, the connection with the largest buffer ends with 1013. Left out, a quarter of what the container may use, an eighth with TLS; 256MiB where nothing bounds the process. Plain HTTP requests and handshakes under way count too: a request 48 KiB, and a download whose reader is stuck 336 KiB; so do the headers of a handshake that `recheck` keeps to ask again, twice their length; near the bound new requests get 503, at it the largest are cut.',
    isViolation: true,
    watched: 'always',
    exceeded: 'all buffers together exceed {limit}, and this one was the largest',
    closes: {
      as: 'memory',
      watchedBy: 'sluice',
      client: 1013,
      upstream: 1001,
      level: 'warn',
      flag: 'ME',
      words: 'all buffers together exceeded memory.max_buffered, and this was the largest',
      advice: {
        means:
          'all buffers together reached `memory.max_buffered`, and this connection held the most; its client heard 1013 and comes back',
        look: '`sluice_memory_pressure_ratio`, `sluice_buffered_bytes` by route; what the slow receivers have in common',
        change:
          "raise `memory.max_buffered` with the container's memory, lower `max_buffer_size` of that route, or add instances",
      },
    },
    refuses: {
      ...buffersFull,
      advice: {
        means: 'buffers are almost full, so new connections wait until there is room',
        look: 'as for `ME`; `sluice_memory_pressure_ratio`',
        change: 'as for `ME`',
      },
    },
    fails: {
      ...buffersFull,
      advice: {
        means:
          'buffers are almost full, so new requests wait; or they are full, and this one held the most (a download that nobody reads) and was cut',
        look: 'as for `ME`; `sluice_memory_pressure_ratio`',
        change: 'as for `ME`',
      },
    },
    table: {
      none: "a quarter of the container's memory, for all connections together",
      first: 'senders are paused',
      counted: ['memory_pressure_ratio'],
    },
  },
  'connections.max': {
    path: 'limits.connections.max',
    reload: 'new',
    field: 'connections.max',
    kind: 'count',
    builtIn: 10_000,
    about: 'Open connections of the route; one more is refused with 503.',
    isViolation: true,
    watched: 'where it binds',
    refuses: {
      as: 'too_many_connections',
      status: 503,
      level: 'warn',
      flag: 'CL',
      words: 'the route has its maximum of connections',
      remedy: 'try again later, or raise `connections.max` of the route',
      retryAfterS: [5, 10],
      advice: {
        means: 'the route has `connections.max` connections',
        look: '`sluice_connections_active` beside `sluice_connections_limit`; connections with a large `last_data_age_s` are forgotten tabs',
        change: 'raise `connections.max`, add instances, or set `idle_timeout`',
      },
    },
    table: { counted: ['connections_active'] },
  },
  'connections.max_per_address': {
    path: 'limits.connections.max_per_address',
    reload: 'new',
    field: 'connections.maxPerAddress',
    kind: 'countOrUnlimited',
    builtIn: Number.POSITIVE_INFINITY,
    about:
      'Open connections of one client address on the route (of IPv6: of one network, see `listen.ipv6_prefix`); one more is refused with 429. Behind a proxy this needs `listen.trusted_proxies`.',
    isViolation: true,
    watched: 'where it binds',
    refuses: {
      as: 'too_many_per_address',
      status: 429,
      level: 'warn',
      flag: 'AL',
      words: 'this address has its maximum of connections',
      remedy: 'close other tabs, or raise `connections.max_per_address` of the route',
      retryAfterS: [5, 10],
      advice: {
        means: 'this address has `connections.max_per_address` connections',
        look: '`client`: an office behind one address, a page that reconnects without end, or the ingress itself',
        change: 'raise it; where `client` is your ingress, set `trusted_proxies`',
      },
    },
    table: {},
  },
  'connections.max_per_user': {
    path: 'limits.connections.max_per_user',
    reload: 'new',
    field: 'connections.maxPerUser',
    kind: 'countOrUnlimited',
    builtIn: Number.POSITIVE_INFINITY,
    about:
      'Open connections of one user on the route, whom `auth` has let in or, where there is none, `identity` names; `on_limit` says what becomes of one more. A connection that names nobody is not counted.',
    isViolation: true,
    watched: 'where it binds',
    exceeded: 'a newer connection of the same user took its place: more than {limit} of one user',
    closes: {
      as: 'evicted',
      client: 1008,
      upstream: 1001,
      level: 'info',
      flag: 'EV',
      words: 'a newer connection of the same user took its place',
      advice: {
        means:
          'the user had `connections.max_per_user` connections, another one came, and this was the one without a data message for longest (`on_limit: evict_oldest`)',
        look: '`user`, `last_data_age_s`: forgotten tabs are idle for hours. Seconds, again and again: two tabs that come back by themselves take the place from each other',
        change: 'nothing for forgotten tabs; else a larger `max_per_user`',
      },
    },
    refuses: {
      as: 'too_many_per_user',
      status: 429,
      level: 'warn',
      flag: 'NU',
      words: 'this user has their maximum of connections',
      remedy: 'close other tabs, or raise `connections.max_per_user` of the route',
      retryAfterS: [5, 10],
      advice: {
        means: 'this user has `connections.max_per_user` connections',
        look: '`user`, and the connections of that user in `/api/connections`: those with a large `last_data_age_s` are forgotten tabs',
        change: 'raise it, or let `limits.connections.on_limit: evict_oldest` end the forgotten ones',
      },
    },
    table: { counted: ['connections_closed_total{reason="evicted"}'] },
  },
  idle_timeout: {
    path: 'idle_timeout',
    reload: 'live',
    field: 'idleTimeoutMs',
    kind: 'duration',
    builtIn: 0,
    about:
      'Ends a connection (1001) that has carried no data message in either direction for so long. Some apps send their heartbeats as data, and never count as idle.',
    isViolation: false,
    closes: {
      as: 'idle_timeout',
      client: 1001,
      upstream: 1001,
      level: 'info',
      flag: 'IT',
      words: 'no data for idle_timeout',
      advice: {
        means: 'no data in either direction for `idle_timeout`; the client heard 1001 and stays away',
        look: 'whether people complain: some pages are quiet while they are used',
        change: 'nothing, or a longer `idle_timeout`',
      },
    },
    table: { counted: ['connections_closed_total{reason="idle_timeout"}'] },
  },
  max_lifetime: {
    path: 'max_lifetime',
    reload: 'live',
    field: 'maxLifetimeMs',
    kind: 'duration',
    builtIn: 0,
    about: 'Ends a connection (1012, clients come back) at this age, with a random part so that not all end at once.',
    isViolation: false,
    closes: {
      as: 'max_lifetime',
      client: 1012,
      upstream: 1001,
      level: 'info',
      flag: 'LT',
      words: 'the connection reached max_lifetime',
      advice: {
        means: 'the connection reached `max_lifetime`; its client heard 1012 and comes back',
        look: '`duration_s`: they end within the last tenth of it, not all together',
        change: 'nothing',
      },
    },
    table: { counted: ['connections_closed_total{reason="max_lifetime"}'] },
  },
  'http.max_body_size': {
    path: 'http.max_body_size',
    reload: 'new',
    field: 'http.maxBodyBytes',
    kind: 'sizeOrUnlimited',
    builtIn: 512 * MiB,
    about: 'The largest body of a plain HTTP request; 413. It does not limit WebSocket messages.',
    isViolation: true,
    fails: {
      as: 'body_too_large',
      status: 413,
      level: 'warn',
      flag: 'BL',
      words: 'the request body exceeds the limit of the route',
      remedy: 'send less at once, or raise `http.max_body_size` of the route',
      advice: {
        means: 'the body of a request is larger than `http.max_body_size`; the client got 413',
        look: '`limit`, `path`',
        change: "raise `http.max_body_size` here, and the backend's own limit",
      },
    },
    table: {},
  },
  'http.max_upstream_connections': {
    path: 'http.max_upstream_connections',
    reload: 'new',
    field: 'http.maxUpstreamConnections',
    kind: 'count',
    // A page loads its files over a handful; what holds one for long is a long poll or an event stream, one for each
    // tab.
    builtIn: 1024,
    about:
      'Connections to the backend for plain HTTP; a long poll or an event stream holds one for as long as it lasts. Beyond it as many requests wait for `timeouts.connect`, in their order, and then get 503.',
    isViolation: true,
    refuses: upstreamBusy,
    fails: upstreamBusy,
    table: { first: 'requests wait' },
  },
} as const satisfies Record<string, SharedLimitRow>;
