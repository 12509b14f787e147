/** The settings at the file's top, one row each; `settings.ts` says how to add one. */
import { sharedLimitsBelow } from './limit-settings.ts';
import { quotaSections, quotaSettings } from './quota-settings.ts';
import { builtIn } from './route-settings.ts';
import * as is from './setting-kinds.ts';
import { builtInOf, nest, type SettingRows } from './settings.ts';

const second = 1000;
const minute = 60 * second;

/** Everything but `defaults`, `routes_api` and `routes`. */
export const topSettings = {
  'listen.address': {
    kind: is.address,
    about: 'Where clients connect.',
    builtIn: { kind: 'tcp', host: '0.0.0.0', port: 8080 },
    field: 'listen.address',
    reload: 'restart',
  },
  'listen.tls.cert': {
    kind: is.file,
    about: 'The certificate and its chain, PEM.',
    isRequired: true,
    builtIn: null,
    field: 'listen.tls.cert',
    reload: 'new',
    none: 'off',
  },
  'listen.tls.key': {
    kind: is.file,
    about: 'Its private key, PEM.',
    isRequired: true,
    builtIn: null,
    field: 'listen.tls.key',
    reload: 'new',
    none: 'off',
  },
  'listen.tls.certificates': {
    kind: is.pairs,
    about:
      'Further certificates, each for the names that it holds: a client gets the first that holds the name it asks for, exactly or as `*.example.org`. One that asks for no name, or for another, gets `cert`.',
    builtIn: [],
    field: 'listen.tls.certificates',
    reload: 'new',
  },
  'listen.tls.client_certificates.ca': {
    kind: is.file,
    about: 'The authorities that may vouch for clients, PEM.',
    isRequired: true,
    builtIn: null,
    field: 'listen.tls.clients.ca',
    reload: 'new',
    none: 'off',
  },
  'listen.tls.client_certificates.crl': {
    kind: is.file,
    about:
      'What these authorities have revoked, PEM: a list of every authority between a client and its root. One that is older than it says lets no certificate in.',
    builtIn: null,
    field: 'listen.tls.clients.crl',
    reload: 'new',
    none: 'none',
  },
  'listen.tls.client_certificates.required': {
    kind: is.flag,
    about:
      'Whether a client without a certificate is turned away. One with a certificate that is not accepted always is.',
    builtIn: true,
    field: 'listen.tls.clients.isRequired',
    reload: 'new',
  },
  'listen.trusted_proxies': {
    kind: is.listOf(is.kind.network),
    about:
      'The proxies whose `X-Forwarded-*` headers count, and that may name the user (`X-Remote-User`, `X-Forwarded-User` and others; see SECURITY.md). Without the ingress or load balancer in this list, backends see its address and `http` for every client.',
    builtIn: [],
    field: 'listen.trustedProxies',
    reload: 'new',
  },
  'listen.proxy_protocol': {
    kind: is.listOf(is.kind.network),
    about:
      'The load balancers that begin each connection with a PROXY protocol header, version 1 or 2, before TLS (HAProxy: `send-proxy`, `send-proxy-v2`). The client is who the header names: for caps, the log and `X-Forwarded-For`. One of them that sends none is refused, and so is everybody else who sends one. On a unix socket every peer is one of them. Left out, nobody may.',
    builtIn: [],
    field: 'listen.proxyProtocol',
    reload: 'new',
  },
  'listen.ipv6_prefix': {
    kind: is.prefixLength,
    about:
      'How many leading bits of an IPv6 address make one client for `limits.connections.max_per_address`, `rates` and wrong credentials: a subscriber has a whole network. 128 counts single addresses.',
    // Providers give each subscriber a network of IPv6, and its machines choose their addresses in it at will (RFC
    // 6177).
    builtIn: 64,
    field: 'listen.ipv6Prefix',
    reload: 'new',
  },
  'admin.address': {
    kind: is.address,
    about:
      'Where metrics, health, the API and the status page are served. Anywhere but on loopback or a unix socket it needs `token_file`.',
    builtIn: { kind: 'tcp', host: '127.0.0.1', port: 9090 },
    field: 'admin.address',
    reload: 'restart',
  },
  'admin.token_file': {
    kind: is.file,
    about:
      'A file that holds the token which the API asks for (`Authorization: Bearer`). /metrics, /healthz and /readyz stay open to scrapers and probes.',
    builtIn: null,
    field: 'admin.tokenFile',
    reload: 'restart',
    none: 'none',
  },
  ...sharedLimitsBelow('memory', { none: 'from the container' }),
  'drain.announce': {
    kind: is.duration,
    about:
      'How long new connections are still accepted while /readyz already says 503, so that load balancers look elsewhere first.',
    // Load balancers need about so long to hear of a drain, and shall hear of it before clients do.
    builtIn: 10 * second,
    field: 'drain.announceMs',
    reload: 'live',
  },
  'drain.spread': {
    kind: is.duration,
    about: 'The window over which connections are closed, where a route says nothing else.',
    builtIn: builtIn['drain.spread'],
    reload: 'live',
  },
  'drain.deadline': {
    kind: is.finiteDuration,
    about: 'When what is left is cut, counted from the signal, where a route says nothing else.',
    builtIn: builtIn['drain.deadline'],
    reload: 'live',
  },
  'log.level': {
    kind: is.oneOf('info', 'warn', 'error'),
    about: 'Lines below it are not written. `warn` leaves out what is ordinary: openings, most ends, reloads, drains.',
    builtIn: 'info',
    field: 'log.level',
    reload: 'live',
  },
  'log.open': {
    kind: is.share,
    about: 'Of how many connections the opening is logged (`event: open`).',
    builtIn: 1,
    field: 'log.open',
    reload: 'live',
  },
  'log.end': {
    kind: is.share,
    about:
      'Of how many connections the end is logged (`event: end`) where it is an ordinary one, level info. A connection whose opening is logged is among them where both shares are equal. Ends by a limit, and all others of level warn, are always logged.',
    builtIn: 1,
    field: 'log.end',
    reload: 'live',
  },
  'log.max_rate': {
    kind: is.lineRate,
    about:
      "How many lines of each kind clients may cause (refused and failed requests, by result; openings, ends and violations, by reason). What is beyond it is left out, counted in `sluice_log_lines_dropped_total`, and told of in one line every 10 s. `burst` is one second's worth unless set.",
    // All connections of a full route may come back at once.
    builtIn: { perSecond: 100, burst: 10_000, action: 'close' },
    field: 'log.maxRate',
    reload: 'live',
  },
  'log.user': {
    kind: is.oneOf('plain', 'hashed', 'off'),
    about:
      'How the log has the names of users, whom `auth` or `identity` has told: by their names, by a hash that is the same for the same name everywhere, or not at all. The API and the status page show names.',
    builtIn: 'plain',
    field: 'log.user',
    reload: 'live',
  },
  revoked_users: {
    kind: is.file,
    about:
      'A file of names, one a line, of users that no route with `auth` lets in any more. It is read again when it changes, and connections of those it names end with 1008.',
    builtIn: null,
    field: 'revokedUsers',
    reload: 'live',
    none: 'none',
  },
  ...quotaSettings,
  'timeouts.connect': {
    kind: is.duration,
    about: 'For a connection to an upstream: its name, TCP to one of its addresses, and TLS; 504.',
    builtIn: 5 * second,
    field: 'timeouts.connectMs',
    reload: 'new',
  },
  'timeouts.headers': {
    kind: is.duration,
    about: "For a client to send its request's headers.",
    builtIn: 10 * second,
    field: 'timeouts.headersMs',
    reload: 'new',
  },
  'timeouts.handshake': {
    kind: is.duration,
    about:
      "For the whole WebSocket handshake, the upstream's answer included; 504. An app that accepts late, after a login or a start of its own, needs more.",
    // A backend that computes accepts late. Nobody waits longer than Chromium: `kHandshakeTimeoutIntervalInSeconds`,
    // 240 (Firefox: 20).
    builtIn: 4 * minute,
    field: 'timeouts.handshakeMs',
    reload: 'new',
  },
  'timeouts.close': {
    kind: is.finiteDuration,
    about: 'For a peer to answer a close frame once it has left Sluice; then the socket is closed without it.',
    builtIn: 10 * second,
    field: 'timeouts.closeMs',
    reload: 'live',
  },
} as const satisfies SettingRows;

/** What the sections are for. One whose keys are all required may be left out as a whole. */
export const topSections: Readonly<Record<string, string>> = {
  listen: 'The public side.',
  'listen.tls': 'Serves TLS. The files are read again when they change. Left out, plain HTTP.',
  'listen.tls.client_certificates':
    'Asks clients for a certificate. Each connection is judged anew: none resumes an earlier one. Left out, nobody is asked.',
  admin: "The operators' side.",
  memory: 'What all connections together may hold.',
  drain: 'How the gateway is taken away, on SIGTERM or `POST /api/drain`.',
  log: 'How much is logged. Changes hold at once.',
  ...quotaSections,
  timeouts: 'How long Sluice waits.',
  defaults: "What holds for every route that does not say otherwise. A route's preset overrides it.",
  routes_api:
    'Routes that a program sets while Sluice runs, as JupyterHub does: see docs/jupyterhub.md. They stand beside the routes of the file.',
  routes: 'The routes, in any order: the most specific match wins. They may be left out where there is a `routes_api`.',
};

/** What holds where nobody says anything, by the fields of `Config`. */
export const builtInTop = nest(topSettings, builtInOf(topSettings));
