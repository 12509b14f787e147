/**
 * What the operator on call is told about each row of the outcome catalogue: what it means, what to look at, and what to
 * change. docs/operations.md is generated from it. A row of the catalogue without advice does not compile.
 */
import type { AdminRefusal, ConnectionReason, HandshakeResult, HttpFailure } from './outcomes.ts';

/** Advice about one outcome; Markdown without line breaks. */
export interface Advice {
  readonly means: string;
  /** Fields of the log line, metrics, and other programs' logs. */
  readonly look: string;
  /** What ends it; "nothing" where it is how things should be. */
  readonly change: string;
}

/** For `event: end`. */
export const connectionAdvice: Readonly<Record<ConnectionReason, Advice>> = {
  client_closed: {
    means:
      'the client said goodbye: a page was left, or its program ended; what the backend said before its own close reached it',
    look: "`close_codes.received_from_client`: 1000, 1001 and 1005 are usual; others are that program's own. `received_from_upstream` null: the backend did not answer within `timeouts.close`, or was gone; the client heard 1011",
    change: 'nothing',
  },
  upstream_closed: {
    means: 'the backend said goodbye; the client got its code and reason',
    look: "`close_codes.received_from_upstream`, and the backend's log at that time. 1009: a limit of the backend is below the one here. 1011 `keepalive ping timeout`, 1000 `ping timed out`: the client took nothing for as long as the backend bears",
    change:
      'nothing, or the backend; after 1009 raise its limit or lower `max_message_size` here, so that clients are told why',
  },
  client_vanished: {
    means:
      "the client's connection ended without a close frame: a killed tab or program, a lost network, a proxy that cut it",
    look: "how many, and `duration_s`: equal ones (60 s, 350 s, 1 h) are a proxy's timeout. `last_data_age_s` near it says that it was idle",
    change: "nothing for single ones; that proxy's idle or tunnel timeout, or a shorter `ping.client`",
  },
  upstream_vanished: {
    means: "the backend's connection ended without a close frame; the client heard 1011",
    look: 'the backend: restarts, `OOMKilled`, an exception. Many at one time is one that died; Tornado cuts so when its own buffer overflows',
    change: 'the backend, or its memory',
  },
  client_heartbeat: {
    means: 'the client answered no ping for `ping.timeout`: asleep, without network, or its tab frozen',
    look: '`last_data_age_s`; `sluice_ping_rtt_seconds` of the route for links that are slow rather than gone',
    change: 'nothing for single ones; a longer `ping.timeout` for slow links',
  },
  upstream_heartbeat: {
    means: 'the backend answered no ping for `ping.timeout`; only where `ping.upstream` is on',
    look: 'what the backend computes: Python that blocks its event loop answers nothing',
    change: 'the backend; a longer `ping.timeout`, or `ping.upstream: off`',
  },
  client_protocol_error: {
    means: 'the client broke RFC 6455: it heard 1002',
    look: '`client`: one address is a bad program or an attack, all of them a proxy in between that changes bytes',
    change: 'the client, or what stands before Sluice',
  },
  upstream_protocol_error: {
    means: 'the backend broke RFC 6455: its client heard 1014',
    look: '`upstream` and its version; whether the address is a WebSocket server at all',
    change: 'the backend, or `upstream` of the route',
  },
  message_too_big: {
    means: 'somebody sent a message above `max_message_size`; both sides heard 1009 with both numbers',
    look: '`sender`, and `limit.configured` beside `limit.observed`. `sluice_message_size_bytes` shows what is usual on the route. `incomplete` names a receiver that had the first fragments already: Python `websockets` and uvicorn tell their application `1002 incomplete fragmented message` then, and it is this limit all the same',
    change:
      "send less at once (`FileDropper` instead of `FileInput`), or raise `max_message_size` **and** the backend's own limit: `sluice check` names it, and docs/presets.md what the user sees",
  },
  frame_too_big: {
    means: 'a frame above `max_frame_size`',
    look: '`limit`; browsers send frames of up to about 128 KiB, programs send whole messages as one',
    change: 'raise `max_frame_size`, or leave it out: `max_message_size` bounds frames too',
  },
  too_many_fragments: {
    means: 'a message in more frames than `max_fragments`',
    look: '`limit.configured`, and how large messages may be: Chromium cuts 150 MB into 1146 frames',
    change: 'raise `max_fragments` together with `max_message_size`; many tiny fragments are an attack',
  },
  message_timeout: {
    means: "a message was begun and not ended within `message_timeout`; pauses of Sluice's own do not count",
    look: '`sender`, `max_message_bytes`: a large upload over a slow link, or a peer that stopped in the middle',
    change: 'raise `message_timeout` to the largest message over the slowest link',
  },
  message_rate: {
    means: 'messages came faster than `max_message_rate`, whose action is `close`',
    look: '`sender`, `messages` over `duration_s`: a loop in a page, or a limit below what the application does',
    change: 'raise the rate or its burst, or let `action: pause` slow the sender instead',
  },
  byte_rate: {
    means: 'bytes came faster than `max_byte_rate`, whose action is `close`',
    look: '`sender`, `bytes` over `duration_s`',
    change: 'raise the rate or its burst, or let `action: pause` slow the sender instead',
  },
  control_flood: {
    means: 'pings or pongs came faster than `max_control_rate`',
    look: '`sender`, `client`: no usual program pings more often than once a second',
    change: 'the program; the default leaves room for everything that is known to be in use',
  },
  slow_receiver: {
    means: "one side took nothing for `max_pause` while the other side's messages waited for it",
    look: '`limit` and `sender`: the *other* one is slow. `undelivered_bytes` is what it did not take. Clients: suspended laptops, frozen tabs. Upstream: a blocked event loop',
    change:
      'nothing for single clients; a longer `max_pause` where waiting is right. Shorter than the backend waits it loses clients that would live directly (`sluice check` warns)',
  },
  memory: {
    means:
      'all buffers together reached `memory.max_buffered`, and this connection held the most; its client heard 1013 and comes back',
    look: '`sluice_memory_pressure_ratio`, `sluice_buffered_bytes` by route; what the slow receivers have in common',
    change:
      "raise `memory.max_buffered` with the container's memory, lower `max_buffer_size` of that route, or add instances",
  },
  idle_timeout: {
    means: 'no data in either direction for `idle_timeout`; the client heard 1001 and stays away',
    look: 'whether people complain: some pages are quiet while they are used',
    change: 'nothing, or a longer `idle_timeout`',
  },
  max_lifetime: {
    means: 'the connection reached `max_lifetime`; its client heard 1012 and comes back',
    look: '`duration_s`: they end within the last tenth of it, not all together',
    change: 'nothing',
  },
  drain: {
    means: 'this instance is being taken away; the client heard 1012 and comes back to another one',
    look: '`cut`: not empty where the client took no close frame in time. `undelivered_bytes` above 0 was lost',
    change: 'nothing. Many with `cut`, or at the deadline: a longer `drain.deadline`',
  },
  operator: {
    means:
      'somebody closed this connection with the admin API or the status page; its client heard 1012 and may come back at once',
    look: 'who has the token',
    change: 'nothing',
  },
};

/** For connections to the upstream that do not come about, before a handshake or an HTTP request. */
const connectAdvice = {
  upstream_connect_timeout: {
    means: 'no connection to the backend within `timeouts.connect`: its name, TCP and TLS together',
    look: '`detail` says what was waited for, address by address: a firewall or NetworkPolicy, a resolver, a host that is gone',
    change: 'the network; a longer `timeouts.connect` for a backend that is far away',
  },
  upstream_tls_failed: {
    means:
      "TLS with an `https:` backend failed: its certificate is not trusted, is for another name or has expired, or it misses Sluice's own",
    look: '`detail` says which; `sluice_upstream_errors_total{error="tls"}`; `event: upstream_tls_rejected` for files that cannot be used',
    change:
      "`upstream_tls.ca` for a private CA, `upstream_tls.server_name` where the certificate holds another name, `upstream_tls.client_cert` where it asks for one; else the backend's certificate",
  },
  upstream_busy: {
    means:
      'the route has `http.max_upstream_connections` connections for plain HTTP, and none came free within `timeouts.connect`',
    look: 'what holds them: long polls and event streams hold one each; else a backend that has become slow',
    change: 'the backend; a higher `http.max_upstream_connections` where so many streams are usual',
  },
  no_descriptors: {
    means: 'the process has no file descriptor left for a connection to the backend, which is not to blame',
    look: '`event: descriptors_exhausted`, `process_open_fds` beside `process_max_fds`',
    change: "raise the process's limit (`ulimit -n`, `LimitNOFILE`), or lower `connections.max`",
  },
} as const satisfies Partial<Record<HandshakeResult & HttpFailure, Advice>>;

/** For `event: open` and `event: refused`. */
export const handshakeAdvice: Readonly<Record<HandshakeResult, Advice>> = {
  opened: {
    means: 'a connection opened',
    look: "`handshake_ms`: most of it is the backend's",
    change: 'nothing',
  },
  no_route: {
    means: 'no route has this host and path',
    look: '`host` and `path`, beside `match` in `sluice check`. Scanners of the internet end here too',
    change: 'add a route, or correct the address; a backend below a prefix needs `--prefix` or `base_url` itself',
  },
  bad_request: {
    means: 'no valid HTTP/1.1, or no valid WebSocket handshake',
    look: '`detail`. Many at once: a proxy in front that drops `Connection: upgrade` or speaks HTTP/2 to Sluice',
    change: 'the client, or that proxy: it must pass `Upgrade` and `Connection` on, over HTTP/1.1',
  },
  ambiguous_path: {
    means:
      'the path holds `..`, `//`, `%2f`, `;` or the like, which servers read in different ways, and the readings lead to different routes',
    look: '`detail` names both routes; `path`, `client`: mostly scanners',
    change: 'nothing, or let one route serve both: a host with one route takes every path as it is',
  },
  method_not_allowed: {
    means: 'a WebSocket handshake with another method than GET, or CONNECT',
    look: '`client`',
    change: 'nothing: no browser does that',
  },
  unsupported_version: {
    means: 'another WebSocket version than 13',
    look: '`client`: a program from before 2011, or a scanner',
    change: 'the program',
  },
  headers_too_large: {
    means: 'the header block is larger than 65 536 bytes',
    look: '`header_bytes`, `host`: cookies that grow, or a large Bokeh token',
    change: "clear the site's cookies; put less into them or into the token",
  },
  too_many_headers: {
    means: 'the header block has more than 256 lines',
    look: '`detail` says how many; `host`, `client`: mostly a page that sets a cookie for each thing it remembers',
    change: "clear the site's cookies; keep such things elsewhere",
  },
  request_timeout: {
    means: 'the header did not come within `timeouts.headers`',
    look: '`client`: a slow network, a preconnect of a browser that was never used, or an attack that holds connections',
    change: 'nothing',
  },
  origin_refused: {
    means: 'a page of an origin that is not in `origins` tried to connect',
    look: "`origin`: yours, with another scheme or port, or somebody else's page",
    change: 'add it to `origins`, exactly as it stands there. `http://` where people use https: set `trusted_proxies`',
  },
  too_many_connections: {
    means: 'the route has `connections.max` connections',
    look: '`sluice_connections_active` beside `sluice_connections_limit`; connections with a large `last_data_age_s` are forgotten tabs',
    change: 'raise `connections.max`, add instances, or set `idle_timeout`',
  },
  too_many_per_address: {
    means: 'this address has `connections.max_per_address` connections',
    look: '`client`: an office behind one address, a page that reconnects without end, or the ingress itself',
    change: 'raise it; where `client` is your ingress, set `trusted_proxies`',
  },
  memory: {
    means: 'buffers are almost full, so new connections wait until there is room',
    look: 'as for `ME`; `sluice_memory_pressure_ratio`',
    change: 'as for `ME`',
  },
  draining: {
    means: 'this instance is being taken away and takes no new connections; the client may come back in 1 to 5 s',
    look: 'many: the load balancer still sends here after `drain.announce`',
    change: 'a longer `drain.announce`, or a faster readiness probe',
  },
  upstream_refused: {
    means: 'the backend answered the handshake with something else than 101; the client got that answer',
    look: '`status`: 401 and 403 are its login or its own origin check (Bokeh: `--allow-websocket-origin`), 404 its prefix',
    change: 'the backend',
  },
  upstream_unreachable: {
    means: 'no connection to the backend',
    look: '`upstream`, `detail`: ECONNREFUSED is a backend that does not run, ENOTFOUND a wrong name',
    change: 'start the backend, or correct `upstream`',
  },
  ...connectAdvice,
  upstream_bad_handshake: {
    means: 'the answer to the handshake was not valid',
    look: '`detail`; a 200 is a server without WebSockets at this path',
    change: '`upstream` or `match` of the route',
  },
  upstream_timeout: {
    means: 'the backend did not answer the handshake within `timeouts.handshake`',
    look: 'whether it is busy, or accepts late on purpose; uvicorn hangs on header lines of 8 KiB and more (`header_bytes`)',
    change: 'the backend (`WEBSOCKETS_MAX_LINE_LENGTH` for uvicorn), or a longer `timeouts.handshake`',
  },
  client_gone: {
    means: 'the client left before the backend had answered',
    look: 'how many, and the time until then: a slow backend loses patience of people',
    change: 'nothing for single ones',
  },
  tls_failed: {
    means: 'a client began a TLS handshake with `listen.tls` and it failed; probes that say nothing are not counted',
    look: '`detail`, and whether they all come from one address: a proxy that speaks plain HTTP, or knows no TLS 1.2',
    change: 'let that proxy speak TLS, or leave `listen.tls` out; nothing for scanners and old clients',
  },
};

/** For `event: http_failed`. */
export const httpAdvice: Readonly<Record<HttpFailure, Advice>> = {
  body_too_large: {
    means: 'the body of a request is larger than `http.max_body_size`; the client got 413',
    look: '`limit`, `path`',
    change: "raise `http.max_body_size` here, and the backend's own limit",
  },
  memory: {
    means:
      'buffers are almost full, so new requests wait; or they are full, and this one held the most (a download that nobody reads) and was cut',
    look: 'as for `ME`; `sluice_memory_pressure_ratio`',
    change: 'as for `ME`',
  },
  upstream_unreachable: {
    means: 'no connection to the backend',
    look: '`detail`: ECONNREFUSED is a backend that does not run, ENOTFOUND a wrong name',
    change: 'start the backend, or correct `upstream`',
  },
  ...connectAdvice,
  upstream_failed: {
    means:
      'the backend broke its answer off, or it was no valid HTTP; a half answer was cut, so that it does not look whole',
    look: "`detail`, and the backend's log: it crashed or was restarted",
    change: 'the backend',
  },
  upstream_timeout: {
    means: 'the backend was silent for `http.inactivity`',
    look: '`path`: a long computation without output looks like this',
    change: 'the backend, or a longer `http.inactivity`',
  },
  cut: {
    means: 'the drain reached its deadline while the request was under way: an upload, a download, an event stream',
    look: '`method`, `path` and `route`, and how many (`requests_cut` of `event: drained`)',
    change: 'a longer `drain.deadline` where uploads or downloads take longer; event streams come back by themselves',
  },
};

/** For `event: admin_refused`. */
export const adminAdvice: Readonly<Record<AdminRefusal, Advice>> = {
  host: {
    means:
      'the admin port was asked by a name that is not its own: a page may have pointed that name here (DNS rebinding)',
    look: "`client`: yours, or somebody's browser",
    change: 'ask for an address or localhost; for the API by another name set `admin.token_file`',
  },
  cross_site: {
    means: 'a page of another site asked for something that changes Sluice',
    look: '`client`: whose browser it is',
    change: 'use the status page of the port itself',
  },
  no_token: {
    means: 'a request to the API without a token',
    look: '`client`',
    change: 'send `Authorization: Bearer TOKEN`',
  },
  wrong_token: {
    means: 'the token is not the one in `admin.token_file`',
    look: '`client`, `refused`: many are somebody who tries',
    change: 'read the token again; close the port to others',
  },
  too_many_tries: {
    means:
      'an address sent many wrong tokens, and for now none of it is looked at, a right one neither; others are served',
    look: '`client`, `refused`: somebody guesses, or a program has an old token',
    change: 'correct the program, or close the port to the address',
  },
  token_file: {
    means:
      'the file of `admin.token_file` cannot be read, is empty or holds less than 16 characters: the API refuses everybody meanwhile',
    look: '`detail`',
    change: 'mount the Secret again',
  },
};
