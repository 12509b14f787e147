/**
 * Every line that the log can have, one row each. To add one, write its row here and `log.tell` it: its level and
 * words, and its line in docs/metrics.md, come from the row.
 */
import type { Level } from './row.ts';

/** An event of the log. */
export interface EventRow {
  /** `null` for a line about an ending, which has the ending's own level and words. */
  readonly level: Level | null;
  /** What happened, or, where it happens in several ways, the words of each. */
  readonly words: string | Readonly<Record<string, string>> | null;
  /** When it is written, for docs/metrics.md. */
  readonly when: string;
  /** What is in it beside `time`, `level`, `event` and `msg`. */
  readonly fields: string;
}

/** Events by the name in their field `event`, in the order in which the docs show them. */
export const logEvents = {
  open: {
    level: null,
    words: null,
    when: 'a connection opens',
    fields:
      'flag, conn_id, route, host, path (without its query), client (address), user (as `log.user` says; left out where the request names none), upstream, subprotocol, handshake_ms',
  },
  violation: {
    level: null,
    words: null,
    when: 'its first violation',
    fields: 'as `open`, and sender, action, limit {name, configured, observed}',
  },
  end: {
    level: null,
    words: null,
    when: 'it ends',
    fields:
      'as `open`, and duration_s, client_sent and upstream_sent {messages, bytes, max_message_bytes, fragments, pauses, paused_ms, max_buffered_bytes}, closed_by, reason, close_codes {sent_to_client, received_from_client, sent_to_upstream, received_from_upstream}, sender, limit, cut (legs that were reset), incomplete (peers that got the beginning of a message and not its end), undelivered_bytes, last_data_age_s, config_hash, draining',
  },
  refused: {
    level: null,
    words: null,
    when: 'a handshake, or a request before it is forwarded, is refused',
    fields:
      'flag, result, status, route, host, path, client; user, origin, limit, header_bytes, detail where they apply',
  },
  http_failed: {
    level: null,
    words: null,
    when: 'an HTTP request fails',
    fields: 'flag, result, status, method, route, host, path, client; user, limit, detail where they apply',
  },
  admin_refused: {
    level: null,
    words: null,
    when: 'the admin port refuses requests; at once, then at most every 10 s',
    fields:
      'flag, reason, client (address of the last), refused (how many since the last line), detail where it applies',
  },
  odd_handshake: {
    level: 'warn',
    words: "the upstream's choice of a subprotocol is not valid; it is passed on, and the client may refuse it",
    when: 'an upstream chose a subprotocol that was not offered, an empty one, or two: the client gets them, and may refuse the connection',
    fields: 'as for `refused`; detail says which',
  },
  rate_reported: {
    level: 'info',
    words:
      'one address sends more WebSocket handshakes than the preset expects; they are let in. Set rates.handshakes_per_address where that is nobody you want',
    when: 'one address sends more WebSocket handshakes than the preset of the route expects; they are let in',
    fields: 'as for `refused`; detail says which rate',
  },
  untrusted_forwarding_headers: {
    level: 'warn',
    words:
      'forwarding headers from a peer that is not in listen.trusted_proxies are dropped; if it is your proxy, add it',
    when: 'forwarding headers of a peer that `trusted_proxies` does not name are dropped; once for each of the first 1024 such peers',
    fields: 'peer (its address)',
  },
  config_reloaded: {
    level: 'info',
    words: 'the configuration was loaded anew',
    when: 'the configuration was loaded anew',
    fields: 'files, config_hash, routes_added, routes_changed, routes_removed (templates of `routes_api` too)',
  },
  config_rejected: {
    level: 'error',
    words: 'the changed configuration is wrong; the one before stays in force',
    when: 'the changed configuration has errors, and the one before stays in force; level error',
    fields:
      'errors (each with key, remedy and file:line:column; at most 20), error_count, config_hash of what is in force',
  },
  config_needs_restart: {
    level: 'warn',
    words: 'these keys changed and hold only after a restart; everything else is in force',
    when: 'keys have changed that hold only after a restart; everything else is in force',
    fields: 'keys',
  },
  tls_loaded: {
    level: 'info',
    words: 'a certificate is in use',
    when: 'a certificate is in use, at the start or because its files changed',
    fields:
      'cert, key (paths), names, valid_until (of the first that ends), authorities (of clients), crl_valid_until (likewise)',
  },
  tls_rejected: {
    level: 'error',
    words: 'the changed files of listen.tls cannot be used; those before stay in use',
    when: 'changed files of `listen.tls` cannot be used, and those before stay in use; level error',
    fields: 'problem',
  },
  upstream_tls_loaded: {
    level: 'info',
    words: 'the files of upstream_tls are in use',
    when: 'the files of an `upstream_tls` are in use: at the start, after a reload, after a change of the files',
    fields: 'ca, client_cert, authorities, client, valid_until',
  },
  upstream_tls_rejected: {
    level: 'error',
    words: {
      changed: 'the changed files of upstream_tls cannot be used; those before stay in use',
      first: 'the files of upstream_tls cannot be used; no connection is made with them',
    },
    when: 'files of an `upstream_tls` cannot be used; those before stay in use, or, where there are none, no connection is made; level error',
    fields: 'problem',
  },
  auth_file_loaded: {
    level: 'info',
    words: 'a file of users, tokens or keys is in use',
    when: 'a file of users, tokens or keys is in use: at the start, after a reload, after a change of the file',
    fields: 'key (of the configuration), file',
  },
  auth_file_rejected: {
    level: 'error',
    words: {
      changed: 'the changed file of users, tokens or keys cannot be used; what was in use stays',
      first: 'a file of users, tokens or keys cannot be used; nobody is let in by it',
    },
    when: 'a file of users, tokens or keys cannot be used; what was in use stays, or, where there is nothing, nobody is let in by it; level error',
    fields: 'problem',
  },
  quota_store_found: {
    level: 'info',
    words: 'caps and rates hold over all pods',
    when: 'the store of `quotas` answers, and has been told what this pod has',
    fields: 'store',
  },
  quota_store_lost: {
    level: 'warn',
    words: 'the store of quotas does not count; this pod counts alone until it does',
    when: 'the store of `quotas` cannot be reached, is late, or takes nothing; again where the reason changes',
    fields: 'store, problem',
  },
  schema_loaded: {
    level: 'info',
    words: 'a JSON Schema is in use',
    when: 'a schema file of `validate` is in use: at the start, after a reload, after a change of the file',
    fields: 'key (of the configuration), file',
  },
  schema_rejected: {
    level: 'error',
    words: {
      changed: 'the changed JSON Schema cannot be used; the one before stays in use',
      first: 'a JSON Schema cannot be used',
    },
    when: 'a schema file of `validate` cannot be used; the one before stays in use, or, where there is none, Sluice does not start, or the reload is rejected; level error',
    fields: 'problem',
  },
  auth_keys_loaded: {
    level: 'info',
    words: 'the keys of an issuer are in use',
    when: 'the keys of an issuer have been fetched',
    fields: 'issuer',
  },
  auth_keys_failed: {
    level: 'error',
    words: 'the keys of an issuer could not be fetched',
    when: 'the keys of an issuer could not be fetched, at most every 30 s (3 s before there are any); those before stay in use; level error',
    fields: 'issuer, problem',
  },
  route_set: { level: 'info', words: 'a route was set', when: 'a program has set a route', fields: 'path' },
  route_deleted: {
    level: 'info',
    words: 'a route was taken away',
    when: 'a program has taken a route away',
    fields: 'path',
  },
  route_refused: { level: 'warn', words: 'a route was refused', when: 'a route cannot be set', fields: 'path, detail' },
  routes_api_refused: {
    level: 'warn',
    words: 'the API of routes has refused requests',
    when: 'the API of routes refuses requests; at once, then at most every 10 s',
    fields: 'reason, client (address of the last), refused (how many since the last line)',
  },
  routes_api_open: {
    level: 'warn',
    words: 'whoever reaches the API of routes may change them: CONFIGPROXY_AUTH_TOKEN is not set',
    when: 'the API of routes asks for no token',
    fields: '',
  },
  routes_loaded: {
    level: 'info',
    words: 'the routes of the state file are in force',
    when: '`routes_api.state_file` was read',
    fields: 'file, routes, refused (how many of them cannot be), detail',
  },
  routes_not_loaded: {
    level: 'error',
    words: 'the state file cannot be used, so the table begins empty',
    when: 'the state file cannot be used; level error',
    fields: 'file, problem, kept (where it is now)',
  },
  routes_not_saved: {
    level: 'error',
    words: 'the state file cannot be written, so a restart begins with older routes; it is tried again',
    when: 'the state file cannot be written; level error',
    fields: 'file, error',
  },
  routes_saved: {
    level: 'info',
    words: 'the state file is written again',
    when: 'the state file could not be written, and now it can',
    fields: 'file',
  },
  routes_incomplete: {
    level: 'warn',
    words: 'the hub has not checked the routes of this replica yet; it is asked again',
    when: '`routes_api.hub_api` was asked for a check and the table is not known to be complete; again where the reason changes',
    fields: 'problem, routes',
  },
  routes_complete: {
    level: 'info',
    words: 'the hub has checked the routes: the table is complete',
    when: 'the hub has checked the routes of this replica for the first time',
    fields: 'routes, differing (how many of them were missing here, or otherwise)',
  },
  error_page_failed: {
    level: 'warn',
    words: 'pages for 404 and 503 did not come, and Sluice wrote its own',
    when: 'pages of `error_target` or `error_path` do not come; at once, then at most every 10 s',
    fields: 'count, detail (of the last)',
  },
  config_not_watched: {
    level: 'warn',
    words: {
      configuration: 'the folder of a configuration file cannot be watched; it is looked at every second',
      auth: 'the folder of a file of users, tokens or keys cannot be watched; it is looked at every second',
      schema: 'the folder of a JSON Schema cannot be watched; it is looked at every second',
      certificate: 'the folder of the certificate or its key cannot be watched; it is looked at every second',
      upstream: 'the folder of a file of upstream_tls cannot be watched; it is looked at every second',
      pipe: 'a configuration file is no ordinary file, so changes are not seen',
    },
    when: 'changes may be seen late: a folder cannot be watched and is looked at again every second; or never, where a file is a pipe',
    fields: 'folder and error, or file',
  },
  memory_bound: {
    level: 'info',
    words: 'all buffers together may hold this',
    when: 'it starts, or `memory.max_buffered` changes',
    fields: 'max_buffered_bytes, source (where the number comes from)',
  },
  listening: {
    level: 'info',
    words: 'sluice is listening',
    when: 'it has started',
    fields:
      'address, admin_address, routes_api_address (each where there is one), routes (of the files), config_hash, pid',
  },
  draining: {
    level: 'info',
    words: {
      announce: 'not ready any more; new connections are still accepted',
      close: 'new connections are refused; open ones are closed or waited for',
      cut: 'the deadline is near: whoever is left is closed now',
      finish: 'no connection is left; HTTP requests come to their end',
    },
    when: 'a drain begins, enters a phase, or waits; every 10 s',
    fields:
      'phase, cause (the signal or `api`), joined_by (who asked for it too), connections and requests that are left, deadline_s',
  },
  drained: {
    level: 'info',
    words: 'all connections are gone',
    when: 'all are gone',
    fields:
      'cause, duration_s, connections (in all), ended_themselves, sent_away (with 1012), cut (without), requests_cut',
  },
  stopped: { level: 'info', words: 'sluice has stopped', when: 'the process ends', fields: '' },
  descriptors_exhausted: {
    level: 'error',
    words: 'new connections are turned away: the process may open no more files; raise its limit (ulimit -n)',
    when: 'connections are turned away because the process may open no more files; at once, then every 10 s',
    fields: 'turned_away, limit',
  },
  waiting_evicted: {
    level: 'warn',
    words:
      'connections that waited for a request were ended to make room for others: too many are open, or the process may open too few files',
    when: 'connections that waited for a request were ended to make room for others; at once, then at most every 10 s',
    fields: 'count (since the last line), waiting (how many wait now)',
  },
  log_lines_dropped: {
    level: 'warn',
    words: 'log lines were dropped: whoever reads the log did not keep up, or its disk was full',
    when: 'whoever reads the log has fallen behind, or its disk was full, and lines are written again',
    fields: 'lines (how many were lost)',
  },
  log_lines_left_out: {
    level: 'warn',
    words: 'clients cause more lines of this kind than log.max_rate allows; the rest is left out',
    when: 'clients cause more lines of a kind than `log.max_rate` allows; at most every 10 s for each kind',
    fields:
      'kind (event and result, reason or limit), lines (how many were left out), last (the fields of the last of them)',
  },
  node_warning: {
    level: 'warn',
    words: 'Node warns of something',
    when: 'Node warns of something',
    fields: 'name, detail',
  },
  crashed: {
    level: 'error',
    words: 'sluice ends because of a mistake of its own',
    when: "a mistake of Sluice's own ends the process, with exit code 1, and clients hear 1012 before; level error. Please report it",
    fields: 'err {type, message, stack}',
  },
  handshake_bug: {
    level: 'error',
    words: 'a handshake failed for a reason of our own',
    when: "a mistake of Sluice's own, which it survived; level error. Please report it",
    fields: 'err {type, message, stack}',
  },
  connection_bug: {
    level: 'error',
    words: 'a connection ended for a reason of our own',
    when: "a mistake of Sluice's own in one connection, which the others survived; level error. Please report it",
    fields: 'err {type, message, stack}',
  },
  exchange_bug: {
    level: 'error',
    words: 'a request failed for a reason of our own',
    when: "a mistake of Sluice's own, which it survived; level error. Please report it",
    fields: 'err {type, message, stack}',
  },
  admission_bug: {
    level: 'error',
    words: 'admission failed for a reason of our own',
    when: "a mistake of Sluice's own, which it survived; level error. Please report it",
    fields: 'err {type, message, stack}',
  },
  admin_bug: {
    level: 'error',
    words: 'an admin request failed for a reason of our own',
    when: "a mistake of Sluice's own, which it survived; level error. Please report it",
    fields: 'err {type, message, stack}',
  },
  config_reload_bug: {
    level: 'error',
    words: 'loading the configuration failed for a reason of our own',
    when: "a mistake of Sluice's own, which it survived; level error. Please report it",
    fields: 'err {type, message, stack}',
  },
} as const satisfies Record<string, EventRow>;

type Events = typeof logEvents;

/** The name of an event. */
export type LogEvent = keyof Events;

/** An event about an ending. */
export type EndingEvent = { [E in LogEvent]: Events[E]['level'] extends null ? E : never }[LogEvent];

/** An event with words of its own. */
export type ToldEvent = Exclude<LogEvent, EndingEvent>;

/** Which of its words an event has; nothing for one that has the same always. */
export type Manner<E extends ToldEvent> = Events[E]['words'] extends string ? [] : [manner: keyof Events[E]['words']];

/** How a line of the log is marked, and what it says. */
export interface EventLine {
  readonly level: Level;
  readonly words: string;
}

/** The line of an event. */
export function lineOf<E extends ToldEvent>(event: E, ...[manner]: Manner<E>): EventLine {
  const { level, words } = logEvents[event];
  if (typeof words === 'string') return { level, words };
  return { level, words: (words as Readonly<Record<string, string>>)[manner as string]! };
}
