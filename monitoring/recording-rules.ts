/**
 * Sums over the pods that alerts, autoscalers and long ranges read. Named `labels:metric:operations`. The dashboard
 * does not need them: it also serves where the rules are not installed.
 */

/** A series that Prometheus computes beforehand. */
export interface RecordingRule {
  readonly record: string;
  readonly expr: string;
  readonly means: string;
}

export const recordingRules: readonly RecordingRule[] = [
  {
    record: 'namespace_job_route:sluice_connections_active:sum',
    expr: 'sum by (cluster, namespace, job, route) (sluice_connections_active)',
    means: 'Open WebSocket connections of all pods.',
  },
  {
    record: 'namespace_job_route:sluice_connections_utilization:max',
    expr: `max by (cluster, namespace, job, route) (sluice_connections_active / sluice_connections_limit)
  unless on (cluster, namespace, job) (max by (cluster, namespace, job) (sluice_quota_store_up) == 1)
or sum by (cluster, namespace, job, route) (sluice_connections_active / sluice_connections_limit)
  and on (cluster, namespace, job) (max by (cluster, namespace, job) (sluice_quota_store_up) == 1)`,
    means:
      'The share of `connections.max` that the fullest pod has in use: each pod has its own limit. With a store of `quotas`, which has one limit for all, the share that all pods have together.',
  },
  {
    record: 'namespace_job_route_result:sluice_handshakes:rate5m',
    expr: 'sum by (cluster, namespace, job, route, result) (rate(sluice_handshakes_total[5m]))',
    means: 'Handshakes per second, by how they ended.',
  },
  {
    record: 'namespace_job_route:sluice_requests:rate5m',
    expr: 'sum by (cluster, namespace, job, route) (rate(sluice_handshakes_total[5m]) or rate(sluice_http_requests_total[5m]))',
    means: 'Handshakes and HTTP requests per second: what upstream errors are a share of.',
  },
  {
    record: 'namespace_job_route:sluice_upstream_errors:ratio_rate5m',
    expr: `sum by (cluster, namespace, job, route) (rate(sluice_upstream_errors_total[5m]))
/ (namespace_job_route:sluice_requests:rate5m > 0)`,
    means: 'The share of handshakes and HTTP requests that failed at the upstream.',
  },
  {
    record: 'namespace_job_route:sluice_connections_closed:increase15m',
    expr: 'sum by (cluster, namespace, job, route) (increase(sluice_connections_closed_total[15m]))',
    means: 'Connections that ended within 15 minutes.',
  },
  {
    record: 'namespace_job_route_sender:sluice_paused:ratio_rate5m',
    expr: `max by (cluster, namespace, job, route, sender) (
  sum by (cluster, namespace, job, route, sender, cause) (rate(sluice_paused_seconds_total{cause!="rate"}[5m]))
)
/ on (cluster, namespace, job, route) group_left () (namespace_job_route:sluice_connections_active:sum > 0)`,
    means:
      'The share of the connections whose sender waits for its receiver, on average. Pauses by a rate limit do not count.',
  },
  {
    record: 'namespace_job_route_sender:sluice_wire_bytes:rate5m',
    expr: 'sum by (cluster, namespace, job, route, sender) (rate(sluice_wire_bytes_total[5m]))',
    means: 'Bytes per second read from the sender.',
  },
  {
    record: 'namespace_job_route_sender_le:sluice_message_size_bytes_bucket:rate5m',
    expr: 'sum by (cluster, namespace, job, route, sender, le) (rate(sluice_message_size_bytes_bucket[5m]))',
    means: 'Message sizes, for percentiles over weeks: what a limit should be.',
  },
  {
    record: 'namespace_job_route_le:sluice_handshake_duration_seconds_bucket:rate5m',
    expr: 'sum by (cluster, namespace, job, route, le) (rate(sluice_handshake_duration_seconds_bucket[5m]))',
    means: 'Handshake times, for percentiles.',
  },
];
