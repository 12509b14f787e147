/** Is it well, how much passes, and how do connections begin and end? */
import type { Builder } from '@grafana/grafana-foundation-sdk/cog';
import type { Panel } from '@grafana/grafana-foundation-sdk/dashboard';
import {
  BytesPerSecondIEC,
  MessagesPerSecond,
  PercentUnit,
  RequestsPerSecond,
  Seconds,
  Short,
} from '@grafana/grafana-foundation-sdk/units';
import { graph, stat } from './panels.ts';
import { ofRelease, ofRoute } from './variables.ts';

const rate = '$__rate_interval';

export const overview: readonly Builder<Panel>[] = [
  stat({
    title: 'Open connections',
    description: 'WebSocket connections that are open now, on all pods.',
    unit: Short,
    queries: [{ expr: `sum(sluice_connections_active{${ofRoute}})`, legend: 'connections' }],
  }),
  stat({
    title: 'Messages',
    description: 'Data messages per second, both directions.',
    unit: MessagesPerSecond,
    queries: [{ expr: `sum(rate(sluice_messages_total{${ofRoute}}[${rate}]))`, legend: 'messages' }],
  }),
  stat({
    title: 'Traffic',
    description: 'Bytes per second read after handshakes, both directions, frame headers included.',
    unit: BytesPerSecondIEC,
    queries: [{ expr: `sum(rate(sluice_wire_bytes_total{${ofRoute}}[${rate}]))`, legend: 'bytes' }],
  }),
  stat({
    title: 'Handshakes that failed',
    description:
      'Share of handshakes that opened no connection, whoever refused them. "Handshakes" below has the reasons.',
    unit: PercentUnit,
    marks: { warning: 0.05, critical: 0.5 },
    queries: [
      {
        expr: `sum(rate(sluice_handshakes_total{${ofRoute}, result!="opened"}[${rate}])) / (sum(rate(sluice_handshakes_total{${ofRoute}}[${rate}])) > 0)`,
        legend: 'failed',
      },
    ],
  }),
  stat({
    title: 'Closed by a limit',
    description: 'Connections that a limit has closed within the time shown.',
    unit: Short,
    marks: { warning: 1 },
    queries: [
      {
        expr: `sum(increase(sluice_limit_violations_total{${ofRoute}, action="close"}[$__range]))`,
        legend: 'closed',
        instant: true,
      },
    ],
  }),
  stat({
    title: 'Pods',
    description: 'Pods that Prometheus sees; those that drain count too.',
    unit: Short,
    queries: [{ expr: `count(sluice_build_info{${ofRelease}})`, legend: 'pods' }],
  }),
  graph({
    title: 'Open connections',
    description: 'By route, all pods together. The limit is in the row "Rollout and capacity": it holds for each pod.',
    unit: Short,
    queries: [{ expr: `sum by (route) (sluice_connections_active{${ofRoute}})`, legend: '{{route}}' }],
  }),
  graph({
    title: 'Handshakes',
    description:
      'Within each interval, by result. `opened` became connections; every other result is explained in docs/metrics.md under its flag.',
    unit: Short,
    stacked: true,
    queries: [
      { expr: `sum by (result) (increase(sluice_handshakes_total{${ofRoute}}[${rate}])) > 0`, legend: '{{result}}' },
    ],
  }),
  graph({
    title: 'Connections ended',
    description: 'Within each interval, by who ended them and why. docs/metrics.md says what to do about each reason.',
    unit: Short,
    stacked: true,
    queries: [
      {
        expr: `sum by (closed_by, reason) (increase(sluice_connections_closed_total{${ofRoute}}[${rate}])) > 0`,
        legend: '{{closed_by}}: {{reason}}',
      },
    ],
  }),
  graph({
    title: 'Messages',
    description: 'Data messages per second, by route and sender.',
    unit: MessagesPerSecond,
    queries: [
      {
        expr: `sum by (route, sender) (rate(sluice_messages_total{${ofRoute}}[${rate}]))`,
        legend: '{{route}} from {{sender}}',
      },
    ],
  }),
  graph({
    title: 'Traffic',
    description: 'Bytes per second read from each sender after the handshake.',
    unit: BytesPerSecondIEC,
    queries: [
      {
        expr: `sum by (route, sender) (rate(sluice_wire_bytes_total{${ofRoute}}[${rate}]))`,
        legend: '{{route}} from {{sender}}',
      },
    ],
  }),
  graph({
    title: 'Upstream errors',
    description:
      'Errors of backends within each interval, in handshakes and HTTP requests. `connect_refused`: nobody listens; `handshake_timeout`, `response_timeout`: it hangs.',
    unit: Short,
    stacked: true,
    queries: [
      {
        expr: `sum by (route, error) (increase(sluice_upstream_errors_total{${ofRoute}}[${rate}])) > 0`,
        legend: '{{route}}: {{error}}',
      },
    ],
  }),
  graph({
    title: 'Handshake time',
    description:
      "From a client's handshake to its answer, and the part that connecting to the upstream takes. A gap between the two is the backend's own time.",
    unit: Seconds,
    queries: [
      { expr: quantile(0.5, 'sluice_handshake_duration_seconds'), legend: 'median' },
      { expr: quantile(0.95, 'sluice_handshake_duration_seconds'), legend: '95 %' },
      { expr: quantile(0.95, 'sluice_upstream_connect_duration_seconds'), legend: 'connect to upstream, 95 %' },
    ],
  }),
  graph({
    title: 'Ping round trip',
    description:
      "From Sluice's own ping to its pong, 95th percentile. The client leg shows the network of users; the upstream leg is empty unless `ping.upstream` is on.",
    unit: Seconds,
    queries: [
      {
        expr: `histogram_quantile(0.95, sum by (leg, le) (rate(sluice_ping_rtt_seconds_bucket{${ofRoute}}[${rate}])))`,
        legend: '{{leg}}, 95 %',
      },
    ],
  }),
  graph({
    title: 'Life of connections',
    description: 'Median life of the connections that ended. A sudden fall means that something cuts them.',
    unit: Seconds,
    queries: [
      {
        expr: `histogram_quantile(0.5, sum by (route, le) (rate(sluice_connection_duration_seconds_bucket{${ofRoute}}[${rate}])))`,
        legend: '{{route}}',
      },
    ],
  }),
  graph({
    title: 'HTTP requests',
    description:
      'Forwarded plain HTTP requests per second, by class of the status; `none`: the client left before an answer.',
    unit: RequestsPerSecond,
    queries: [{ expr: `sum by (code) (rate(sluice_http_requests_total{${ofRoute}}[${rate}]))`, legend: '{{code}}' }],
  }),
  graph({
    title: 'HTTP time',
    description: 'From the head of a plain HTTP request to the end of its response. WebSockets never count here.',
    unit: Seconds,
    queries: [
      { expr: quantile(0.5, 'sluice_http_request_duration_seconds'), legend: 'median' },
      { expr: quantile(0.95, 'sluice_http_request_duration_seconds'), legend: '95 %' },
    ],
  }),
  graph({
    title: 'Close codes received',
    description: 'Close frames within each interval, by who sent them and their code; rare codes share a value.',
    unit: Short,
    stacked: true,
    queries: [
      {
        expr: `sum by (sender, code) (increase(sluice_close_codes_total{${ofRoute}}[${rate}]))`,
        legend: '{{code}} from {{sender}}',
      },
    ],
  }),
];

function quantile(q: number, histogram: string): string {
  return `histogram_quantile(${q}, sum by (le) (rate(${histogram}_bucket{${ofRoute}}[${rate}])))`;
}
