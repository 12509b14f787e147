/** What limits do, what they should be, and who waits for whom. */
import type { Builder } from '@grafana/grafana-foundation-sdk/cog';
import type { Panel } from '@grafana/grafana-foundation-sdk/dashboard';
import { BytesIEC, PercentUnit, Short } from '@grafana/grafana-foundation-sdk/units';
import { graph, sizeHeatmap } from './panels.ts';
import { ofRoute } from './variables.ts';

const rate = '$__rate_interval';

export const limits: readonly Builder<Panel>[] = [
  ...messageSizes('client'),
  ...messageSizes('upstream'),
  graph({
    title: 'Limits exceeded',
    description:
      'Violations within each interval. `close` ended the connection, `reject` refused a handshake or a request, `pause` made the sender wait, `report` only counted (`mode: report`).',
    unit: Short,
    stacked: true,
    queries: [
      {
        expr: `sum by (route, sender, limit, action) (increase(sluice_limit_violations_total{${ofRoute}}[${rate}])) > 0`,
        legend: '{{route}}: {{limit}} of {{sender}}, {{action}}',
      },
    ],
  }),
  graph({
    title: 'Share of time paused',
    description:
      'How large a part of the connections waits, on average, by whose reading is paused and why. `buffer` and `queue`: the receiver is slow; `rate`: a rate limit; `memory`: all buffers together are full.',
    unit: PercentUnit,
    queries: [
      {
        expr: `sum by (sender, cause) (rate(sluice_paused_seconds_total{${ofRoute}}[${rate}])) / on () group_left () (sum(sluice_connections_active{${ofRoute}}) > 0)`,
        legend: '{{sender}}: {{cause}}',
      },
    ],
  }),
  graph({
    title: 'Paused connections',
    description: 'Connections whose sender is not read at this moment: it sends faster than the other side takes.',
    unit: Short,
    queries: [
      {
        expr: `sum by (route, sender) (sluice_paused_connections{${ofRoute}})`,
        legend: '{{route}}: {{sender}} paused',
      },
    ],
  }),
  graph({
    title: 'Buffered bytes',
    description:
      'Bytes read from the sender that the other side has not accepted yet, all connections together. One connection holds at most `max_buffer_size` and one read; the sum is bounded by `memory.max_buffered`, in the row below.',
    unit: BytesIEC,
    queries: [
      { expr: `sum by (route, sender) (sluice_buffered_bytes{${ofRoute}})`, legend: '{{route}} from {{sender}}' },
    ],
  }),
  graph({
    title: 'Queued messages',
    description: 'Messages, whole or partial, among the buffered bytes. One connection holds at most `max_queue`.',
    unit: Short,
    queries: [
      { expr: `sum by (route, sender) (sluice_queued_messages{${ofRoute}})`, legend: '{{route}} from {{sender}}' },
    ],
  }),
  graph({
    title: 'HTTP body sizes',
    description:
      'Request bodies of plain HTTP, uploads among them; refused ones as far as known. The limit is `http.max_body_size`.',
    unit: BytesIEC,
    log: true,
    queries: [
      {
        expr: `histogram_quantile(0.5, sum by (le) (rate(sluice_http_request_body_bytes_bucket{${ofRoute}}[${rate}])))`,
        legend: 'median',
      },
      {
        expr: `histogram_quantile(0.99, sum by (le) (rate(sluice_http_request_body_bytes_bucket{${ofRoute}}[${rate}])))`,
        legend: '99 %',
      },
    ],
  }),
];

/**
 * Sizes of one sender's messages. Grafana's heatmap can draw no line, so the limit stands beside it, on the same
 * logarithmic scale, with the percentiles that show how far away it is.
 */
function messageSizes(sender: 'client' | 'upstream'): Builder<Panel>[] {
  const selector = `${ofRoute}, sender="${sender}"`;
  const buckets = `sum by (le) (rate(sluice_message_size_bytes_bucket{${selector}}[${rate}]))`;
  return [
    sizeHeatmap({
      title: `Message sizes from ${sender}s`,
      description: `How many messages of each size ${sender}s sent; refused ones count as far as their size was known. A row of cells near the limit says that users are about to hit it. Choose one route: limits differ.`,
      expr: `sum by (le) (increase(sluice_message_size_bytes_bucket{${selector}}[${rate}]))`,
    }),
    graph({
      title: `Message sizes from ${sender}s and their limit`,
      description: `Percentiles of the sizes beside max_message_size (dashed, where one is set), on a logarithmic axis. Values between the buckets are interpolated.`,
      unit: BytesIEC,
      span: 12,
      height: 9,
      log: true,
      limits: '/^limit/',
      queries: [
        { expr: `histogram_quantile(0.5, ${buckets})`, legend: 'median' },
        { expr: `histogram_quantile(0.99, ${buckets})`, legend: '99 %' },
        { expr: `histogram_quantile(1, ${buckets})`, legend: 'largest, up to' },
        { expr: `min by (route) (sluice_message_size_limit_bytes{${selector}} < +Inf)`, legend: 'limit of {{route}}' },
      ],
    }),
  ];
}
