/** Writes docs/metrics.md from the registry's families. */
import { logEvents } from '../../catalogue/log-events.ts';
import { code, table } from '../../markdown.ts';
import type { Family } from './families.ts';
import { type HubFamily, hubFamilies } from './hub-families.ts';
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

\`/metrics\` on the admin port, in Prometheus's text format, or as OpenMetrics where \`Accept\` asks for it. Units are in
the names: bytes and seconds. \`route\` is the configured name (\`${unroutedName}\` where none matched); \`sender\` is \`client\` or
\`upstream\`, the side whose messages are counted and whom a limit binds. No label is ever a path, an address, a user or
a host. Counters outlive a reload of the configuration, also those of a route that it removes. A route that a preset
brings (the rooms of \`preset: jupyter\`) counts to the route that has the preset, and shares its \`connections.max\`;
written as a route of its own in the file, it has a label of its own.

A series is there once something was counted on it. Those that alerts watch are there at 0. So a route has ${seriesPerRoute.unused} series
while nobody uses it, about ${seriesPerRoute.webSockets} with WebSockets, and about ${seriesPerRoute.webSocketsAndHttp} with WebSockets and plain HTTP: 500 routes, all in use,
are less than 100 000 series and 8 MB a scrape (0.5 MB with gzip). A \`sample_limit\` must lie well above what you
expect: Prometheus drops the whole scrape at it.

## Scrapes

A rendering serves everybody who asks within a second. It works in slices of ${sliceMs} ms, between which messages pass. At
most two scrapes may be under way; a further one gets 503 with \`Retry-After\`. A client that accepts gzip gets it. In
OpenMetrics the buckets of \`message_size_bytes\`, \`handshake_duration_seconds\` and \`connection_duration_seconds\` have
an exemplar: the \`conn_id\` of the last connection that was counted there, which the log has too (Prometheus keeps it
with \`--enable-feature=exemplar-storage\`).

The chart brings a ServiceMonitor. Without it this is all that Prometheus needs; any \`job_name\` will do, and the
rules ([alerts.md](alerts.md)) tell releases apart by it:

\`\`\`yaml
rule_files: [alerts.yaml]                            # helm/sluice/files/rules/alerts.yaml
scrape_configs:
  - job_name: sluice
    static_configs: [{targets: ["sluice.example.org:9090"]}]   # \`admin.address\`; /metrics asks for no token
\`\`\`

## The process

${familyTable(processFamilies)}

Beside them stand \`process_*\` and \`nodejs_*\`, as prom-client defines them, but for those that list every open handle.

## Open connections and limits

${familyTable(liveFamilies)}

## Counted per route

${familyTable(routeFamilies)}

## Of configurable-http-proxy

Where \`routes_api\` lets a program set routes, as with \`sluice hub-proxy\`, what configurable-http-proxy counts is there
too, by its names. Those of the process as a whole (\`process_*\`, \`nodejs_*\`) are the same ones. The two summaries have
their sum and count alone. A WebSocket counts when its handshake has ended, and a request when it is answered.

${familyTable(hubFamilies, '')}

## Log

One JSON object per line on standard output. \`time\`, \`level\`, \`event\` and \`msg\` are in every line.

${table(['event', 'when', 'fields'], eventRows())}

\`observed\` is a string of digits where a frame announced more than 2^53−1 bytes, \`configured\` is \`"unlimited"\` where
nothing was configured. Cookies, \`Authorization\`, queries and payloads are never logged; what looks like a token is
replaced by \`[redacted]\`; strings that a peer chose are cut at 256 characters and their control characters escaped.

\`flag\` is two letters for people who grep. [operations.md](operations.md#flags) says for each what it means, what to
look at and what to change.
`;
}

/** Events that are alike but for their name share a row. */
function eventRows(): string[][] {
  const alike = new Map<string, string[]>();
  for (const [name, { when, fields }] of Object.entries(logEvents)) {
    const [names = '', ...others] = alike.get(when + fields) ?? ['', when, fields];
    alike.set(when + fields, [names === '' ? code(name) : `${names}, ${code(name)}`, ...others]);
  }
  return [...alike.values()];
}

/** `before` stands before each name. */
function familyTable(
  families: readonly Pick<Family | HubFamily, 'name' | 'type' | 'labels' | 'help'>[],
  before: string = prefix,
): string {
  return table(
    ['name', 'type', 'labels', 'meaning'],
    families.map(({ name, type, labels, help }) => [code(before + name), type, labels.map(code).join(', '), help]),
  );
}
