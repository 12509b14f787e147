/** What runs where, with which configuration, and how much of it is left. */
import type { Builder } from '@grafana/grafana-foundation-sdk/cog';
import type { Panel } from '@grafana/grafana-foundation-sdk/dashboard';
import { BytesIEC, PercentUnit, Seconds, Short } from '@grafana/grafana-foundation-sdk/units';
import { graph } from './panels.ts';
import { podTable } from './pods.ts';
import { ofRelease, ofRoute } from './variables.ts';

const rate = '$__rate_interval';
/** Metrics of Node and the process are not Sluice's alone. */
const ofSluice = `and on (cluster, namespace, job, instance) sluice_build_info{${ofRelease}}`;
/** Outside Kubernetes there is no `pod`, and a Prometheus of one cluster need not know which. */
const podLegend = '{{pod}} {{instance}} {{cluster}}';

export const capacity: readonly Builder<Panel>[] = [
  podTable(),
  graph({
    title: 'Connections against the limit',
    description:
      '`connections.max` holds for each pod and route; this is the share in use. From 100 % on new clients get 503. Alerts at 80 and 95 %. With a store of `quotas` it holds over all pods: add their shares.',
    unit: PercentUnit,
    max: 1,
    marks: { warning: 0.8, critical: 0.95 },
    queries: [
      {
        expr: `sluice_connections_active{${ofRoute}} / sluice_connections_limit{${ofRoute}}`,
        legend: `{{route}} ${podLegend}`,
      },
    ],
  }),
  graph({
    title: 'Memory pressure',
    description:
      'Share of `memory.max_buffered` that all buffers of a pod hold. From 75 % on new handshakes get 503, above 100 % the connections that hold the most end. Alerts at 60 and 75 %.',
    unit: PercentUnit,
    max: 1,
    marks: { warning: 0.6, critical: 0.75 },
    queries: [{ expr: `sluice_memory_pressure_ratio{${ofRelease}}`, legend: podLegend }],
  }),
  graph({
    title: 'Memory',
    description:
      'Resident memory of the process, the part that is JavaScript heap, and what the buffers may take at most (dashed), which is outside the heap.',
    unit: BytesIEC,
    limits: '/^buffers/',
    queries: [
      { expr: `process_resident_memory_bytes ${ofSluice}`, legend: `resident ${podLegend}` },
      { expr: `nodejs_heap_size_used_bytes ${ofSluice}`, legend: `heap ${podLegend}` },
      {
        expr: `min by (cluster, namespace, job) (sluice_buffer_limit_bytes{${ofRelease}, scope="process"})`,
        legend: 'buffers at most {{namespace}} {{job}} {{cluster}}',
      },
    ],
  }),
  graph({
    title: 'CPU',
    description: 'Cores in use. Sluice relays on one thread, so a pod is full at one core.',
    unit: PercentUnit,
    marks: { warning: 0.9 },
    queries: [{ expr: `rate(process_cpu_seconds_total[${rate}]) ${ofSluice}`, legend: podLegend }],
  }),
  graph({
    title: 'Event loop lag',
    description: '99th percentile of how late the event loop comes to its work. Every message waits at least so long.',
    unit: Seconds,
    queries: [{ expr: `nodejs_eventloop_lag_p99_seconds ${ofSluice}`, legend: podLegend }],
  }),
  graph({
    title: 'File descriptors',
    description: 'Share of the files that the process may have open. A WebSocket takes two. Alerts at 80 and 95 %.',
    unit: PercentUnit,
    max: 1,
    marks: { warning: 0.8, critical: 0.95 },
    queries: [{ expr: `process_open_fds / process_max_fds ${ofSluice}`, legend: podLegend }],
  }),
  graph({
    title: 'Quotas over all pods',
    description:
      'Handshakes and requests per second that the store of `quotas` admitted or refused, and those that a pod decided alone because the store could not tell (`local`); and how long 99 % of them waited for it. Empty where no store is named.',
    unit: Short,
    queries: [
      {
        expr: `sum by (result) (rate(sluice_quota_store_decisions_total{${ofRelease}}[${rate}]))`,
        legend: '{{result}} per second',
      },
      {
        expr: `1000 * histogram_quantile(0.99, sum by (le) (rate(sluice_quota_store_duration_seconds_bucket{${ofRelease}}[${rate}])))`,
        legend: 'p99 in ms',
      },
      {
        expr: `count(sluice_quota_store_up{${ofRelease}}) - sum(sluice_quota_store_up{${ofRelease}})`,
        legend: 'pods that count alone',
      },
    ],
  }),
  graph({
    title: 'Different configurations',
    description:
      'How many different configurations the pods of a release have in force. 2 during a rollout, 1 otherwise; an alert says when it stays.',
    unit: Short,
    marks: { warning: 2 },
    queries: [
      {
        expr: `count by (cluster, namespace, job) (count_values by (cluster, namespace, job) ("config_hash", sluice_config_hash{${ofRelease}}))`,
        legend: '{{namespace}} {{job}} {{cluster}}',
      },
    ],
  }),
  graph({
    title: 'Reloads',
    description:
      'Reloads of the configuration within each interval, by result. A failed one leaves the old configuration in force.',
    unit: Short,
    stacked: true,
    queries: [
      { expr: `sum by (result) (increase(sluice_config_reloads_total{${ofRelease}}[${rate}]))`, legend: '{{result}}' },
    ],
  }),
  graph({
    title: 'Refused at the admin port',
    description:
      'Requests to the admin API within each interval that were refused, by reason. Somebody has no token, or a wrong one.',
    unit: Short,
    stacked: true,
    queries: [
      { expr: `sum by (reason) (increase(sluice_admin_refused_total{${ofRelease}}[${rate}]))`, legend: '{{reason}}' },
    ],
  }),
  graph({
    title: 'Draining pods and restarts',
    description:
      'Pods that are shutting down, and processes that ended and were started again in the same pod: each such restart cuts all its connections.',
    unit: Short,
    queries: [
      { expr: `sum(sluice_draining{${ofRelease}})`, legend: 'draining' },
      { expr: `sum(changes(process_start_time_seconds[${rate}]) ${ofSluice})`, legend: 'restarted' },
    ],
  }),
];
