/** Writes docs/metrics.md from the registry's families and the outcome catalogue. */
import {
  type AdminRefusal,
  adminOutcomes,
  type ConnectionReason,
  connectionOutcomes,
  type HandshakeResult,
  type HttpFailure,
  handshakeOutcomes,
  httpOutcomes,
} from '../outcomes.ts';
import type { Family } from './families.ts';
import { liveFamilies } from './live-families.ts';
import { processFamilies } from './process-families.ts';
import { prefix } from './prometheus.ts';
import { routeFamilies } from './route-families.ts';
import { unroutedName } from './store.ts';

/** What to do about each ending of a connection. */
const connectionAdvice: Readonly<Record<ConnectionReason, string>> = {
  client_closed: 'nothing: the page was left or its program closed',
  upstream_closed: "nothing; the code and reason are the backend's",
  client_vanished: 'nothing, unless many: then a proxy or network in front of Sluice cuts connections',
  upstream_vanished:
    "look into the backend's log: it crashed, was stopped, or cut the connection without a close frame",
  client_heartbeat:
    'nothing, unless many: the client slept, lost its network, or answers pings later than `ping.timeout`',
  upstream_heartbeat: 'check the backend: it hangs, or is busy for longer than `ping.timeout`',
  client_protocol_error: 'look at the client, or at a middlebox that changes bytes',
  upstream_protocol_error: 'look at the backend, or at what stands between it and Sluice',
  message_too_big: 'send less at once, or raise `max_message_size` here and in the backend; `limit` has both numbers',
  frame_too_big: 'raise `max_frame_size`, or leave it out: `max_message_size` bounds frames too',
  too_many_fragments:
    'raise `max_fragments` with `max_message_size`: browsers cut messages into frames of about 128 KiB',
  message_timeout: 'raise `message_timeout` for clients with slow uplinks',
  message_rate: 'raise `max_message_rate`, or let it pause instead of close',
  byte_rate: 'raise `max_byte_rate`, or let it pause instead of close',
  control_flood: 'look at the peer: nothing sane sends that many pings',
  slow_receiver: 'the receiver stopped reading: raise `max_pause` if it may, or look at why it does',
  memory:
    'many receivers are slow at once: look at what they have in common; raise `memory.max_buffered`, lower `max_buffer_size`, or add instances',
  idle_timeout: 'nothing; raise `idle_timeout` if such connections were in use',
  max_lifetime: 'nothing: clients reconnect',
  drain: 'nothing: clients reconnect to another instance',
  operator: 'nothing: somebody closed it with the admin API or the status page; its client may come back at once',
};

/** What to do about each refusal and failure before a connection is open. */
const requestAdvice: Readonly<Record<HandshakeResult | HttpFailure | AdminRefusal, string>> = {
  opened: 'nothing',
  no_route: 'add a route, or correct the address',
  bad_request: 'look at the client: it speaks no valid HTTP/1.1 or WebSocket',
  ambiguous_path: 'look at the client: such paths are mostly attacks',
  method_not_allowed: 'look at the client',
  unsupported_version: 'look at the client: it is older than RFC 6455',
  headers_too_large: "clear the site's cookies; shorten what the application puts into them",
  request_timeout: 'look at the client, or at the network: its headers come too slowly',
  origin_refused: "add the page's origin, scheme and port included, to `origins`",
  too_many_connections: 'raise `connections.max`, or add instances',
  too_many_per_address: 'raise `connections.max_per_address`; behind a proxy, check `trusted_proxies`',
  memory: 'as for `memory` of connections; new ones are refused before open ones are ended',
  draining: 'nothing',
  upstream_refused: "the status and body are the backend's: look into its log",
  upstream_unreachable: 'check that the backend runs and that `upstream` is its address',
  upstream_bad_handshake: 'check that `upstream` is a WebSocket server',
  upstream_timeout: 'look at the backend; uvicorn hangs on header lines of 8 KiB and more (WEBSOCKETS_MAX_LINE_LENGTH)',
  client_gone: 'nothing, unless many: then the backend is slow to answer',
  body_too_large: 'raise `http.max_body_size`, here and in the backend',
  upstream_failed: "look into the backend's log",
  host: 'ask for an address or localhost, or set `admin.token_file`; if nobody of yours asked, a page tries DNS rebinding',
  cross_site: 'use the status page of the port itself; if nobody of yours asked, a page tries to use your browser',
  no_token: 'send `Authorization: Bearer TOKEN`',
  wrong_token: 'read the token again; if nobody of yours asked, close the port to others',
  token_file: 'mount the Secret again: `detail` says what is wrong with the file; all are refused meanwhile',
};

/** The text of docs/metrics.md. */
export function describeMetrics(): string {
  return `# Metrics and log

<!-- Generated from src/metrics and src/outcomes.ts; \`npx vitest run test/unit/metrics -u\` writes it anew. -->

\`/metrics\` on the admin port, in Prometheus's text format. Units are in the names: bytes and seconds. \`route\` is the
configured name (\`${unroutedName}\` where none matched); \`sender\` is \`client\` or \`upstream\`, the side whose messages are
counted and whom a limit binds. No label is ever a path, an address, a user or a host. Label sets that are known in
advance start at 0. Counters outlive a reload of the configuration, also those of a route that it removes.

## The process

${table(processFamilies)}

Beside them stand \`process_*\` and \`nodejs_*\`, as prom-client defines them.

## Open connections and limits

${table(liveFamilies)}

## Counted per route

${table(routeFamilies)}

## Log

One JSON object per line on standard output. \`time\`, \`level\`, \`event\` and \`msg\` are in every line.

| event | when | fields |
|---|---|---|
| \`open\` | a connection opens | flag, conn_id, route, host, path (without its query), client (address), upstream, subprotocol, handshake_ms |
| \`violation\` | its first violation | as \`open\`, and sender, action, limit {name, configured, observed} |
| \`end\` | it ends | as \`open\`, and duration_s, client_sent and upstream_sent {messages, bytes, max_message_bytes, fragments, pauses, paused_ms, max_buffered_bytes}, closed_by, reason, close_codes {sent_to_client, received_from_client, sent_to_upstream, received_from_upstream}, sender, limit, cut (legs that were reset), undelivered_bytes, last_data_age_s, config_hash, draining |
| \`refused\` | a handshake is refused | flag, result, status, route, host, path, client; origin, limit, header_bytes, detail where they apply |
| \`http_failed\` | an HTTP request fails | flag, result, status, method, route, host, path, client; limit, detail where they apply |
| \`admin_refused\` | the admin API refuses requests; at once, then at most every 10 s | flag, reason, client (address of the last), refused (how many since the last line), detail where it applies |
| \`config_reloaded\` | the configuration was loaded anew | files, config_hash, routes_added, routes_changed, routes_removed |
| \`config_rejected\` | the changed configuration has errors, and the one before stays in force; level error | errors (each with key, remedy and file:line:column; at most 20), error_count, config_hash of what is in force |
| \`config_needs_restart\` | keys have changed that hold only after a restart; everything else is in force | keys |
| \`config_not_watched\` | changes may be seen late: a folder cannot be watched and is looked at again every second; or never, where a file is a pipe | folder and error, or file |
| \`descriptors_exhausted\` | connections are turned away because the process may open no more files; at once, then every 10 s | turned_away, limit |

\`observed\` is a string of digits where a frame announced more than 2^53−1 bytes, \`configured\` is \`"unlimited"\` where
nothing was configured. Cookies, \`Authorization\`, queries and payloads are never logged; what looks like a token is
replaced by \`[redacted]\`; strings that a peer chose are cut at 256 characters and their control characters escaped.

### Flags of connections (\`event: end\`)

| flag | reason | close code to client / upstream | what happened | what to do |
|---|---|---|---|---|
${Object.entries(connectionOutcomes)
  .map(([reason, { flag, client, upstream, words }]) =>
    row(
      flag,
      `\`${reason}\``,
      `${code(client)} / ${code(upstream)}`,
      words,
      connectionAdvice[reason as ConnectionReason],
    ),
  )
  .join('\n')}

### Flags of handshakes (\`event: open\` and \`refused\`)

| flag | result | status | what happened | what to do |
|---|---|---|---|---|
${requestRows(handshakeOutcomes)}

### Flags of HTTP requests (\`event: http_failed\`)

| flag | result | status | what happened | what to do |
|---|---|---|---|---|
${requestRows(httpOutcomes)}

### Flags of the admin API (\`event: admin_refused\`)

| flag | reason | status | what happened | what to do |
|---|---|---|---|---|
${requestRows(adminOutcomes)}
`;
}

function table(families: readonly Family[]): string {
  const rows = families.map(({ name, type, labels, help }) =>
    row(`\`${prefix}${name}\``, type, labels.map((label) => `\`${label}\``).join(', '), help),
  );
  return ['| name | type | labels | meaning |', '|---|---|---|---|', ...rows].join('\n');
}

function requestRows(
  outcomes: Partial<
    Record<HandshakeResult | HttpFailure | AdminRefusal, { flag: string; status: number; words: string }>
  >,
): string {
  return Object.entries(outcomes)
    .map(([result, { flag, status, words }]) => {
      const shown = status === 0 ? '–' : String(status);
      return row(flag, `\`${result}\``, shown, words, requestAdvice[result as keyof typeof requestAdvice]);
    })
    .join('\n');
}

function code(value: number): string {
  return value === 0 ? "the peer's" : String(value);
}

function row(...cells: string[]): string {
  return `| ${cells.join(' | ')} |`;
}
