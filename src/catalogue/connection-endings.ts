/**
 * How an open connection ends, where no limit of Sluice's ends it (those stand in `limits.ts`). The keys are the label
 * `reason`.
 */
import type { CloseRow } from './row.ts';

/** What the peers do. */
export const peerEndings = {
  client_closed: {
    client: 0,
    upstream: 0,
    level: 'info',
    flag: 'CC',
    words: 'the client closed',
    advice: {
      means:
        'the client said goodbye: a page was left, or its program ended; what the backend said before its own close reached it',
      look: "`close_codes.received_from_client`: 1000, 1001 and 1005 are usual; others are that program's own. `received_from_upstream` null: the backend did not answer within `timeouts.close`, or was gone; the client heard 1011",
      change: 'nothing',
    },
  },
  upstream_closed: {
    client: 0,
    upstream: 0,
    level: 'info',
    flag: 'UC',
    words: 'the upstream closed',
    advice: {
      means: 'the backend said goodbye; the client got its code and reason',
      look: "`close_codes.received_from_upstream`, and the backend's log at that time. 1009: a limit of the backend is below the one here. 1011 `keepalive ping timeout`, 1000 `ping timed out`: the client took nothing for as long as the backend bears",
      change:
        'nothing, or the backend; after 1009 raise its limit or lower `max_message_size` here, so that clients are told why',
    },
  },
  client_vanished: {
    client: 0,
    upstream: 1001,
    level: 'info',
    flag: 'CV',
    words: 'the client left without a close frame',
    advice: {
      means:
        "the client's connection ended without a close frame: a killed tab or program, a lost network, a proxy that cut it",
      look: "how many, and `duration_s`: equal ones (60 s, 350 s, 1 h) are a proxy's timeout. `last_data_age_s` near it says that it was idle",
      change: "nothing for single ones; that proxy's idle or tunnel timeout, or a shorter `ping.client`",
    },
  },
  upstream_vanished: {
    client: 1011,
    upstream: 0,
    level: 'warn',
    flag: 'UV',
    words: 'the upstream left without a close frame',
    advice: {
      means: "the backend's connection ended without a close frame; the client heard 1011",
      look: 'the backend: restarts, `OOMKilled`, an exception. Many at one time is one that died; Tornado cuts so when its own buffer overflows',
      change: 'the backend, or its memory',
    },
    watchedBy: 'upstream',
  },
  client_heartbeat: {
    client: 1011,
    upstream: 1001,
    level: 'info',
    flag: 'CH',
    words: 'the client answered no ping',
    advice: {
      means: 'the client answered no ping for `ping.timeout`: asleep, without network, or its tab frozen',
      look: '`last_data_age_s`; `sluice_ping_rtt_seconds` of the route for links that are slow rather than gone',
      change: 'nothing for single ones; a longer `ping.timeout` for slow links',
    },
  },
  upstream_heartbeat: {
    client: 1011,
    upstream: 1011,
    level: 'warn',
    flag: 'UH',
    words: 'the upstream answered no ping',
    advice: {
      means: 'the backend answered no ping for `ping.timeout`; only where `ping.upstream` is on',
      look: 'what the backend computes: Python that blocks its event loop answers nothing',
      change: 'the backend; a longer `ping.timeout`, or `ping.upstream: off`',
    },
    watchedBy: 'upstream',
  },
  client_protocol_error: {
    client: 1002,
    upstream: 1001,
    level: 'warn',
    flag: 'CP',
    words: 'the client broke the protocol',
    advice: {
      means: 'the client broke RFC 6455: it heard 1002',
      look: '`client`: one address is a bad program or an attack, all of them a proxy in between that changes bytes',
      change: 'the client, or what stands before Sluice',
    },
  },
  upstream_protocol_error: {
    client: 1014,
    upstream: 1002,
    level: 'warn',
    flag: 'UP',
    words: 'the upstream broke the protocol',
    advice: {
      means: 'the backend broke RFC 6455: its client heard 1014',
      look: '`upstream` and its version; whether the address is a WebSocket server at all',
      change: 'the backend, or `upstream` of the route',
    },
    watchedBy: 'upstream',
  },
} as const satisfies Record<string, CloseRow>;

/** What the gateway and its operators do. */
export const gatewayEndings = {
  drain: {
    client: 1012,
    upstream: 1001,
    level: 'info',
    flag: 'DR',
    words: 'the gateway is shutting down',
    advice: {
      means: 'this instance is being taken away; the client heard 1012 and comes back to another one',
      look: '`cut`: not empty where the client took no close frame in time. `undelivered_bytes` above 0 was lost',
      change: 'nothing. Many with `cut`, or at the deadline: a longer `drain.deadline`',
    },
  },
  operator: {
    client: 1012,
    upstream: 1001,
    level: 'info',
    flag: 'OP',
    words: 'closed by the operator',
    advice: {
      means:
        'somebody closed this connection with the admin API or the status page; its client heard 1012 and may come back at once',
      look: 'who has the token',
      change: 'nothing',
    },
  },
} as const satisfies Record<string, CloseRow>;

/** Why the client of an open connection may not stay: whoever let it in ends it later. */
export const accessEndings = {
  expired: {
    client: 1008,
    upstream: 1001,
    level: 'info',
    flag: 'EX',
    words: 'the identity of the user has expired: sign in again',
    advice: {
      means:
        'what the user signed in with has expired; the client heard 1008 and comes back when it has signed in again',
      look: '`user`, and how long the token or the session of the sign-in lives',
      change: 'nothing, or a longer life of the token',
    },
  },
  revoked: {
    client: 1008,
    upstream: 1001,
    level: 'info',
    flag: 'RV',
    words: 'the right to this connection was withdrawn: sign in again',
    advice: {
      means: 'the user may not be here any more: withdrawn by an operator, a list, or the service that was asked again',
      look: '`user`; the log of the service that is asked',
      change: 'nothing',
    },
  },
} as const satisfies Record<string, CloseRow>;
