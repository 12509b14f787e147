/**
 * How a handshake or an HTTP request ends, where no limit of the configuration ends it (those stand in `limits.ts`).
 * The keys are the label `result`.
 */
import type { AnswerRow } from './row.ts';

/** Where no connection to the upstream comes about, a handshake and an HTTP request end alike. */
const connectEndings = {
  upstream_unreachable: {
    status: 502,
    level: 'error',
    flag: 'UF',
    words: 'the upstream cannot be reached',
    remedy: 'check that the backend runs and that `upstream` of the route names its address',
    advice: {
      means: 'no connection to the backend, or one that ended before the handshake was answered',
      look: '`detail`: ECONNREFUSED is a backend that does not run, ENOTFOUND a wrong name; `it closed before it answered` is one that crashed, or that speaks TLS while `upstream` says http',
      change: 'start the backend, or correct `upstream`',
    },
  },
  upstream_connect_timeout: {
    status: 504,
    level: 'error',
    flag: 'UN',
    words: 'no connection to the upstream within timeouts.connect',
    remedy:
      'check that the backend runs and that the network lets Sluice reach it; one that is far away needs a longer `timeouts.connect`',
    advice: {
      means: 'no connection to the backend within `timeouts.connect`: its name, TCP and TLS together',
      look: '`detail` says what was waited for, address by address: a firewall or NetworkPolicy, a resolver, a host that is gone',
      change: 'the network; a longer `timeouts.connect` for a backend that is far away',
    },
  },
  upstream_tls_failed: {
    status: 502,
    level: 'error',
    flag: 'US',
    words: 'TLS with the upstream failed: a certificate is not accepted, or there is none',
    remedy:
      "the log says what is wrong with the backend's certificate, and which key of `upstream_tls` of the route to write",
    advice: {
      means:
        "TLS with an `https:` backend failed: its certificate is not trusted, is for another name or has expired, or it misses Sluice's own",
      look: '`detail` says which; `sluice_upstream_errors_total{error="tls"}`; `event: upstream_tls_rejected` for files that cannot be used',
      change:
        "`upstream_tls.ca` for a private CA, `upstream_tls.server_name` where the certificate holds another name, `upstream_tls.client_cert` where it asks for one; else the backend's certificate",
    },
  },
  no_descriptors: {
    status: 503,
    level: 'error',
    flag: 'FD',
    words: 'the gateway may open no more files and connections',
    remedy: "try again later, or raise the gateway's limit of open files (`ulimit -n`)",
    retryAfterS: [5, 10],
    advice: {
      means: 'the process has no file descriptor left for a connection to the backend, which is not to blame',
      look: '`event: descriptors_exhausted`, `process_open_fds` beside `process_max_fds`',
      change: "raise the process's limit (`ulimit -n`, `LimitNOFILE`), or lower `connections.max`",
    },
  },
} as const satisfies Record<string, AnswerRow>;

const slowUpstream =
  'check that the backend answers; a slow one needs a longer `timeouts.handshake` (WebSocket) or `http.inactivity` of the route (HTTP)';

/** What a request is refused for before a backend is asked, but for limits. */
export const refusals = {
  opened: {
    status: 101,
    level: 'info',
    flag: 'OK',
    words: 'connection opened',
    advice: { means: 'a connection opened', look: "`handshake_ms`: most of it is the backend's", change: 'nothing' },
  },
  no_route: {
    status: 404,
    level: 'info',
    flag: 'NR',
    words: 'no route matches this host and path',
    remedy: 'add a route for this host and path, or correct the address',
    advice: {
      means: 'no route has this host and path',
      look: '`host` and `path`, beside `match` in `sluice check`. Scanners of the internet end here too',
      change: 'add a route, or correct the address; a backend below a prefix needs `--prefix` or `base_url` itself',
    },
  },
  bad_request: {
    status: 400,
    level: 'warn',
    flag: 'BR',
    words: 'not a valid request',
    remedy: 'send a request as RFC 9112 (HTTP) or RFC 6455 section 4.1 (WebSocket) describes',
    advice: {
      means: 'no valid HTTP/1.1, or no valid WebSocket handshake',
      look: '`detail`. Many at once: a proxy in front that drops `Connection: upgrade` or speaks HTTP/2 to Sluice',
      change: 'the client, or that proxy: it must pass `Upgrade` and `Connection` on, over HTTP/1.1',
    },
  },
  ambiguous_path: {
    status: 400,
    level: 'warn',
    flag: 'BP',
    words: 'the path leads to different routes, depending on how it is read',
    remedy: 'send the path without `..`, `//`, `\\`, `;`, `%2f` and the like, or give both readings of it one route',
    advice: {
      means:
        'the path holds `..`, `//`, `%2f`, `;` or the like, which servers read in different ways, and the readings lead to different routes',
      look: '`detail` names both routes; `path`, `client`: mostly scanners',
      change: 'nothing, or let one route serve both: a host with one route takes every path as it is',
    },
  },
  method_not_allowed: {
    status: 405,
    level: 'warn',
    flag: 'BM',
    words: 'a WebSocket handshake must be a GET',
    remedy: 'open WebSocket connections with GET',
    headers: [['Allow', 'GET']],
    advice: {
      means: 'a WebSocket handshake with another method than GET, or CONNECT',
      look: '`client`',
      change: 'nothing: no browser does that',
    },
  },
  unsupported_version: {
    status: 426,
    level: 'warn',
    flag: 'BV',
    words: 'only WebSocket version 13 is supported',
    remedy: 'send `Sec-WebSocket-Version: 13`',
    headers: [['Sec-WebSocket-Version', '13']],
    advice: {
      means: 'another WebSocket version than 13',
      look: '`client`: a program from before 2011, or a scanner',
      change: 'the program',
    },
  },
  network_refused: {
    status: 403,
    level: 'warn',
    flag: 'NA',
    words: 'clients of this network are not served here',
    remedy: 'come from another network, or change `access.networks` of the route',
    advice: {
      means: "the client's address is in `access.networks.deny` of the route, or not in `allow`",
      look: '`client`. The address of your load balancer there: `listen.trusted_proxies` or `listen.proxy_protocol` does not name it',
      change: 'nothing, or the lists',
    },
  },
  host_refused: {
    status: 403,
    level: 'warn',
    flag: 'HA',
    words: 'this host is not served here',
    remedy: 'ask for another host, or change `access.hosts` of the route',
    advice: {
      means: 'the host of the request is in `access.hosts.deny` of the route, or not in `allow`',
      look: '`host`: an old name, or a scanner that tries some',
      change: 'nothing, or the lists',
    },
  },
  method_refused: {
    status: 405,
    level: 'warn',
    flag: 'MA',
    words: 'this method is not served here',
    remedy: 'use a method that `Allow` names, or change `access.methods` of the route',
    advice: {
      means: 'the method of the request is in `access.methods.deny` of the route, or not in `allow`',
      look: '`client`: a program that writes where only reading is served',
      change: 'nothing, or the lists',
    },
  },
  handshake_rate: {
    status: 429,
    level: 'warn',
    flag: 'HR',
    words: 'this address opens connections too often',
    remedy: 'try again later, or raise `rates.handshakes_per_address` of the route',
    advice: {
      means: 'one address sent more WebSocket handshakes than `rates.handshakes_per_address` allows',
      look: '`client`: a page that reconnects without end, an office behind one address after a restart, or the ingress itself',
      change: 'raise it, its `burst` first; where `client` is your ingress, set `trusted_proxies`',
    },
  },
  request_rate: {
    status: 429,
    level: 'warn',
    flag: 'RR',
    words: 'this address asks too often',
    remedy: 'try again later, or raise `rates.requests_per_address` of the route',
    advice: {
      means: 'one address sent more requests than `rates.requests_per_address` allows',
      look: '`client` and `path`: a crawler, an office behind one address, or the ingress itself',
      change: 'raise it, its `burst` first; where `client` is your ingress, set `trusted_proxies`',
    },
  },
  user_handshake_rate: {
    status: 429,
    level: 'warn',
    flag: 'HU',
    words: 'this user opens connections too often',
    remedy: 'try again later, or raise `rates.handshakes_per_user` of the route',
    advice: {
      means: 'one user sent more WebSocket handshakes than `rates.handshakes_per_user` allows',
      look: '`user`: a page that reconnects without end, or two tabs that evict each other',
      change: 'that page; a higher `burst` where one user opens many tabs at once',
    },
  },
  user_request_rate: {
    status: 429,
    level: 'warn',
    flag: 'RU',
    words: 'this user asks too often',
    remedy: 'try again later, or raise `rates.requests_per_user` of the route',
    advice: {
      means: 'one user sent more requests than `rates.requests_per_user` allows',
      look: '`user` and `path`: a script with the credentials of a person, or a page that polls',
      change: 'raise it, its `burst` first',
    },
  },
  headers_too_large: {
    status: 431,
    level: 'warn',
    flag: 'HL',
    words: 'the request headers exceed 65536 bytes',
    remedy: 'clear the cookies of this site, or shorten them',
    advice: {
      means: 'the header block is larger than 65 536 bytes',
      look: '`host` and `path`, of what came before the limit: cookies that grow, or a large Bokeh token',
      change: "clear the site's cookies; put less into them or into the token",
    },
  },
  too_many_headers: {
    status: 431,
    level: 'warn',
    flag: 'HC',
    words: 'the request has more than 256 header lines',
    remedy: 'clear the cookies of this site, or send several of them in one line',
    advice: {
      means: 'the header block has more than 256 lines',
      look: '`host`, `path`, `client`: mostly a page that sets a cookie for each thing it remembers',
      change: "clear the site's cookies; keep such things elsewhere",
    },
  },
  request_timeout: {
    status: 408,
    level: 'info',
    flag: 'RT',
    words: 'the request headers did not arrive in time',
    remedy: 'send the whole header within `timeouts.headers`',
    advice: {
      means: 'the header did not come within `timeouts.headers`',
      look: '`client`: a slow network, a preconnect of a browser that was never used, or an attack that holds connections',
      change: 'nothing',
    },
  },
  unauthenticated: {
    status: 401,
    level: 'info',
    flag: 'UA',
    words: 'sign in first: the request brings no credentials, or not the right ones',
    remedy: 'send credentials that `auth` of the route takes; the log says what is wrong with those that came',
    advice: {
      means: 'no credentials that `auth` of the route takes, or wrong ones',
      look: '`detail`, and `sluice_auth_total` by `kind` and `result`: `no_credentials` is who has not signed in, `signature` and `unknown` may be somebody who guesses',
      change: 'nothing for single ones; the issuer, the audience or the clock where all tokens are refused',
    },
  },
  auth_revoked: {
    status: 403,
    level: 'warn',
    flag: 'AR',
    words: 'this user may not come in any more',
    remedy: 'take the user out of `revoked_users`',
    advice: {
      means: 'the credentials are good, and the user is in the file of `revoked_users`',
      look: '`user` and `client`: somebody who still tries',
      change: 'nothing, or take the name out of the file',
    },
  },
  auth_slowed: {
    status: 429,
    level: 'warn',
    flag: 'AS',
    words: 'too many wrong credentials came from this address',
    remedy: 'try again later, with the right credentials',
    advice: {
      means:
        'an address has sent more than 20 wrong passwords or tokens, and may try once in 3 s; tokens of `jwt` and `jupyterhub` that were good a moment ago are let in',
      look: '`client`. One address for everybody: `listen.trusted_proxies` does not name the proxy in front',
      change: 'the program that repeats an old token, or nothing: somebody guesses',
    },
  },
  auth_unavailable: {
    status: 503,
    level: 'error',
    flag: 'AU',
    words: 'nobody can tell whether the credentials are good',
    remedy: 'try again later; the log says which service or file is missing',
    retryAfterS: [1, 5],
    advice: {
      means:
        'the service of `forward`, the hub, the keys of the issuer or the file of users could not be had, or that service answered 5xx, which the client got: nobody is let in',
      look: '`detail` says which, and why',
      change: 'start that service, let the network reach it, or mend the file',
    },
  },
  auth_answered: {
    status: 0,
    level: 'info',
    flag: 'AA',
    words: 'the client got the answer of the service that signs users in',
    advice: {
      means:
        'the service of `forward` did not let the request in, and the client got its redirect to a login page, or its refusal; or a browser signs in at the hub',
      look: '`status`: 302 is who has not signed in yet, 403 who may not',
      change: 'nothing',
    },
  },
  origin_refused: {
    status: 403,
    level: 'warn',
    flag: 'OR',
    words: 'the origin is not allowed on this route',
    remedy: "add the page's origin, exactly as the browser sends it, to `origins` of the route",
    advice: {
      means: 'a page of an origin that is not in `origins` tried to connect',
      look: "`origin`: yours, with another scheme or port, or somebody else's page",
      change:
        'add it to `origins`, exactly as it stands there. `http://` where people use https: set `trusted_proxies`',
    },
    isWatched: ({ origins, requireOrigin }) => origins !== null || requireOrigin,
  },
} as const satisfies Record<string, AnswerRow>;

/** How a handshake ends when nothing of the request is refused. */
export const handshakeEndings = {
  draining: {
    status: 503,
    level: 'info',
    flag: 'DR',
    words: 'the gateway is shutting down',
    remedy: 'try again: another instance will answer',
    retryAfterS: [1, 5],
    advice: {
      means: 'this instance is being taken away and takes no new connections; the client may come back in 1 to 5 s',
      look: 'many: the load balancer still sends here after `drain.announce`',
      change: 'a longer `drain.announce`, or a faster readiness probe',
    },
  },
  upstream_refused: {
    status: 0,
    level: 'info',
    flag: 'UR',
    words: 'the upstream refused the handshake',
    advice: {
      means: 'the backend answered the handshake with something else than 101; the client got that answer',
      look: '`status`: 401 and 403 are its login or its own origin check (Bokeh: `--allow-websocket-origin`), 404 its prefix',
      change: 'the backend',
    },
  },
  ...connectEndings,
  upstream_bad_handshake: {
    status: 502,
    level: 'error',
    flag: 'UB',
    words: 'the upstream answered with an invalid handshake',
    remedy: 'check that `upstream` of the route is a WebSocket server',
    advice: {
      means: 'the answer to the handshake was not valid',
      look: '`detail`; a 200 is a server without WebSockets at this path',
      change: '`upstream` or `match` of the route',
    },
  },
  upstream_timeout: {
    status: 504,
    level: 'error',
    flag: 'UT',
    words: 'the upstream did not answer the handshake within timeouts.handshake',
    remedy: slowUpstream,
    advice: {
      means: 'the backend did not answer the handshake within `timeouts.handshake`',
      look: 'whether it is busy, or accepts late on purpose; uvicorn hangs on header lines of 8 KiB and more (`header_bytes`)',
      change: 'the backend (`WEBSOCKETS_MAX_LINE_LENGTH` for uvicorn), or a longer `timeouts.handshake`',
    },
  },
  client_gone: {
    status: 0,
    level: 'info',
    flag: 'CG',
    words: 'the client left before the handshake was complete',
    advice: {
      means: 'the client left before the backend had answered',
      look: 'how many, and the time until then: a slow backend loses patience of people',
      change: 'nothing for single ones',
    },
  },
  proxy_refused: {
    status: 0,
    level: 'warn',
    flag: 'PX',
    words: 'the connection did not begin as `listen.proxy_protocol` says',
    advice: {
      means:
        'one of `listen.proxy_protocol` sent no valid PROXY protocol header, or somebody else sent one; the connection was closed without an answer',
      look: '`client` and `detail`: a load balancer that does not send it yet, or an attacker who wants to be somebody else',
      change:
        'let the load balancer send it (HAProxy: `send-proxy-v2`), or correct the networks; nothing for attackers',
    },
  },
  certificate_refused: {
    status: 0,
    level: 'warn',
    flag: 'CR',
    words: "the client's certificate is missing or not accepted",
    advice: {
      means:
        'a client showed no certificate where `listen.tls.client_certificates` requires one, or one that is not accepted; the connection ended in TLS',
      look: '`detail`: CERT_REVOKED and CERT_HAS_EXPIRED are the certificate, CRL_HAS_EXPIRED is your list, UNABLE_TO_GET_ISSUER_CERT_LOCALLY another authority, UNABLE_TO_GET_CRL an authority without a list',
      change: "the client's certificate; the files of `ca` and `crl` where all are refused",
    },
  },
  tls_failed: {
    status: 0,
    level: 'info',
    flag: 'TF',
    words: 'the TLS handshake failed',
    advice: {
      means: 'a client began a TLS handshake with `listen.tls` and it failed; probes that say nothing are not counted',
      look: '`detail`, and whether they all come from one address: a proxy that speaks plain HTTP, or knows no TLS 1.2',
      change: 'let that proxy speak TLS, or leave `listen.tls` out; nothing for scanners and old clients',
    },
  },
} as const satisfies Record<string, AnswerRow>;

/** How the forwarding of a plain HTTP request fails. */
export const httpEndings = {
  ...connectEndings,
  upstream_failed: {
    status: 502,
    level: 'error',
    flag: 'UE',
    words: 'the upstream broke off its answer',
    remedy: "look into the backend's log",
    advice: {
      means:
        'the backend broke its answer off, or it was no valid HTTP; of a half answer the client has what came, without an end',
      look: "`detail`, and the backend's log: it crashed or was restarted. Without an answer each time it may speak TLS",
      change: 'the backend, or `https:` in `upstream`',
    },
  },
  upstream_timeout: {
    status: 504,
    level: 'error',
    flag: 'UT',
    words: 'the upstream was silent for http.inactivity',
    remedy: slowUpstream,
    advice: {
      means: 'the backend was silent for `http.inactivity`',
      look: '`path`: a long computation without output looks like this',
      change: 'the backend, or a longer `http.inactivity`',
    },
  },
  client_timeout: {
    status: 408,
    level: 'info',
    flag: 'CT',
    words: 'the client stopped within its request, or took nothing of the answer, for http.inactivity',
    remedy: 'send the whole body; a client that pauses for longer needs a longer `http.inactivity` of the route',
    advice: {
      means: 'the client sent nothing more of its body, or took nothing of the answer, for `http.inactivity`',
      look: '`client`: a network that is gone, a laptop that sleeps, or somebody who holds connections',
      change: 'nothing; a longer `http.inactivity` where clients pause for so long',
    },
  },
  cut: {
    status: 0,
    level: 'warn',
    flag: 'XC',
    words: 'the gateway shut down before the exchange was over',
    advice: {
      means: 'the drain reached its deadline while the request was under way: an upload, a download, an event stream',
      look: '`method`, `path` and `route`, and how many (`requests_cut` of `event: drained`)',
      change: 'a longer `drain.deadline` where uploads or downloads take longer; event streams come back by themselves',
    },
  },
} as const satisfies Record<string, AnswerRow>;
