/** Writes docs/metrics.md from the registry's families. */
import type { Family } from './families.ts';
import { liveFamilies } from './live-families.ts';
import { sliceMs } from './pace.ts';
import { processFamilies } from './process-families.ts';
import { prefix } from './prometheus.ts';
import { routeFamilies } from './route-families.ts';
import { unroutedName } from './store.ts';

/** How many series a route of the Jupyter preset has; a test counts them. */
export const seriesPerRoute = { unused: 24, webSockets: 147, webSocketsAndHttp: 197 };

/** The text of docs/metrics.md. */
export function describeMetrics(): string {
  return `# Metrics and log

<!-- Generated from src/observe/metrics; \`npm run docs\` writes it anew. -->

\`/metrics\` on the admin port, in Prometheus's text format, or as OpenMetrics where \`Accept\` asks for it. Units are in the names: bytes and seconds. \`route\` is the
configured name (\`${unroutedName}\` where none matched); \`sender\` is \`client\` or \`upstream\`, the side whose messages are
counted and whom a limit binds. No label is ever a path, an address, a user or a host. Counters outlive a reload of
the configuration, also those of a route that it removes. A route that a preset brings (the rooms of \`preset: jupyter\`) counts to
the route that has the preset, and shares its \`connections.max\`; written as a route of its own in the file, it has a label of its own.

A series is there once something was counted on it. Those that alerts watch are there at 0. So a
route has ${seriesPerRoute.unused} series while nobody uses it, about ${seriesPerRoute.webSockets} with WebSockets, and about
${seriesPerRoute.webSocketsAndHttp} with WebSockets and plain HTTP: 500 routes, all in use, are less than 100 000 series and 8 MB a
scrape (0.5 MB with gzip). A \`sample_limit\` must lie well above what you expect: Prometheus drops the whole scrape at it.

## Scrapes

A rendering serves everybody who asks within a second. It works in slices of ${sliceMs} ms, between which messages pass. At most two
scrapes may be under way; a further one gets 503 with \`Retry-After\`. A client that accepts gzip gets it. In OpenMetrics the buckets
of \`message_size_bytes\`, \`handshake_duration_seconds\` and \`connection_duration_seconds\` have an exemplar: the \`conn_id\` of the last
connection that was counted there, which the log has too (Prometheus keeps it with \`--enable-feature=exemplar-storage\`).

## The process

${table(processFamilies)}

Beside them stand \`process_*\` and \`nodejs_*\`, as prom-client defines them, but for those that list every open handle.

## Open connections and limits

${table(liveFamilies)}

## Counted per route

${table(routeFamilies)}

## Log

One JSON object per line on standard output. \`time\`, \`level\`, \`event\` and \`msg\` are in every line.

| event | when | fields |
|---|---|---|
| \`open\` | a connection opens | flag, conn_id, route, host, path (without its query), client (address), user (as \`log.user\` says; left out where the request names none), upstream, subprotocol, handshake_ms |
| \`violation\` | its first violation | as \`open\`, and sender, action, limit {name, configured, observed} |
| \`end\` | it ends | as \`open\`, and duration_s, client_sent and upstream_sent {messages, bytes, max_message_bytes, fragments, pauses, paused_ms, max_buffered_bytes}, closed_by, reason, close_codes {sent_to_client, received_from_client, sent_to_upstream, received_from_upstream}, sender, limit, cut (legs that were reset), incomplete (peers that got the beginning of a message and not its end), undelivered_bytes, last_data_age_s, config_hash, draining |
| \`refused\` | a handshake is refused | flag, result, status, route, host, path, client; origin, limit, header_bytes, detail where they apply |
| \`http_failed\` | an HTTP request fails | flag, result, status, method, route, host, path, client; limit, detail where they apply |
| \`admin_refused\` | the admin port refuses requests; at once, then at most every 10 s | flag, reason, client (address of the last), refused (how many since the last line), detail where it applies |
| \`odd_handshake\` | an upstream chose a subprotocol that was not offered, an empty one, or two: the client gets them, and may refuse the connection | as for \`refused\`; detail says which |
| \`untrusted_forwarding_headers\` | forwarding headers of a peer that \`trusted_proxies\` does not name are dropped; once for each of the first 1024 such peers | peer (its address) |
| \`config_reloaded\` | the configuration was loaded anew | files, config_hash, routes_added, routes_changed, routes_removed |
| \`config_rejected\` | the changed configuration has errors, and the one before stays in force; level error | errors (each with key, remedy and file:line:column; at most 20), error_count, config_hash of what is in force |
| \`config_needs_restart\` | keys have changed that hold only after a restart; everything else is in force | keys |
| \`tls_loaded\` | a certificate is in use, at the start or because its files changed | cert, key (paths), names, valid_until |
| \`tls_rejected\` | changed files of the certificate cannot be used, and the one before stays in use; level error | problem |
| \`upstream_tls_loaded\` | the files of an \`upstream_tls\` are in use: at the start, after a reload, after a change of the files | ca, client_cert, authorities, client, valid_until |
| \`upstream_tls_rejected\` | files of an \`upstream_tls\` cannot be used; those before stay in use, or, where there are none, no connection is made; level error | problem |
| \`auth_file_loaded\` | a file of users, tokens or keys is in use: at the start, after a reload, after a change of the file | key (of the configuration), file |
| \`auth_file_rejected\` | a file of users, tokens or keys cannot be used; what was in use stays, or, where there is nothing, nobody is let in by it; level error | problem |
| \`auth_keys_loaded\` | the keys of an issuer have been fetched | issuer |
| \`auth_keys_failed\` | the keys of an issuer could not be fetched, at most every 30 s (3 s before there are any); those before stay in use; level error | issuer, problem |
| \`config_not_watched\` | changes may be seen late: a folder cannot be watched and is looked at again every second; or never, where a file is a pipe | folder and error, or file |
| \`memory_bound\` | it starts, or \`memory.max_buffered\` changes | max_buffered_bytes, source (where the number comes from) |
| \`listening\` | it has started | address, admin_address, routes, config_hash, pid |
| \`draining\` | a drain begins, enters a phase, or waits; every 10 s | phase, cause (the signal or \`api\`), joined_by (who asked for it too), connections and requests that are left, deadline_s |
| \`drained\` | all are gone | cause, duration_s, connections (in all), ended_themselves, sent_away (with 1012), cut (without), requests_cut |
| \`stopped\` | the process ends | |
| \`descriptors_exhausted\` | connections are turned away because the process may open no more files; at once, then every 10 s | turned_away, limit |
| \`waiting_evicted\` | connections that waited for a request were ended to make room for others; at once, then at most every 10 s | count (since the last line), waiting (how many wait now) |
| \`log_lines_dropped\` | whoever reads the log has fallen behind, or its disk was full, and lines are written again | lines (how many were lost) |
| \`log_lines_left_out\` | clients cause more lines of a kind than \`log.max_rate\` allows; at most every 10 s for each kind | kind (event and result, reason or limit), lines (how many were left out), last (the fields of the last of them) |
| \`node_warning\` | Node warns of something | name, detail |
| \`crashed\` | a mistake of Sluice's own ends the process, with exit code 1; level error. Please report it | err {type, message, stack} |
| \`handshake_bug\`, \`exchange_bug\`, \`admin_bug\`, \`config_reload_bug\` | a mistake of Sluice's own, which it survived; level error. Please report it | err {type, message, stack} |

\`observed\` is a string of digits where a frame announced more than 2^53−1 bytes, \`configured\` is \`"unlimited"\` where
nothing was configured. Cookies, \`Authorization\`, queries and payloads are never logged; what looks like a token is
replaced by \`[redacted]\`; strings that a peer chose are cut at 256 characters and their control characters escaped.

\`flag\` is two letters for people who grep. [operations.md](operations.md#flags) says for each what it means, what to look at and what
to change.
`;
}

function table(families: readonly Family[]): string {
  const rows = families.map(({ name, type, labels, help }) =>
    row(`\`${prefix}${name}\``, type, labels.map((label) => `\`${label}\``).join(', '), help),
  );
  return ['| name | type | labels | meaning |', '|---|---|---|---|', ...rows].join('\n');
}

function row(...cells: string[]): string {
  return `| ${cells.join(' | ')} |`;
}
