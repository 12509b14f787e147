/** What is about to run out. */
import { type AlertGroup, release, releaseRoute } from '../alert.ts';

export const capacity: AlertGroup = {
  name: 'sluice.capacity',
  title: 'Capacity',
  alerts: [
    {
      name: 'SluiceConnectionsNearLimit',
      when: 'a pod, or with a store of `quotas` all pods together, have 80 % of `connections.max` in use for 15 minutes, 95 % for 5',
      levels: [
        {
          severity: 'warning',
          expr: 'namespace_job_route:sluice_connections_utilization:max > 0.8',
          threshold: '> 0.8',
          for: '15m',
        },
        {
          severity: 'critical',
          expr: 'namespace_job_route:sluice_connections_utilization:max > 0.95',
          threshold: '> 0.95',
          for: '5m',
        },
      ],
      summary: `${releaseRoute}: {{ $value | humanizePercentage }} of connections.max are in use`,
      description:
        'The fullest pod, or with a store of `quotas` all pods together, have {{ $value | humanizePercentage }} of the connections that `connections.max` admits on this route. Beyond it new clients get 503.',
      means: 'Soon, or already, users who open a page get no connection.',
      look: [
        '`sluice_connections_active` by pod: is one pod full and are others empty? Then stickiness or an old rollout has filled it.',
        'Its growth over days, against the number of users: connections that nobody closes grow without users.',
      ],
      change: [
        'Raise `limits.connections.max` (a reload is enough) if memory and file descriptors allow it, or add pods.',
        'Set `idle_timeout` or `max_lifetime` where forgotten tabs keep connections.',
      ],
    },
    {
      name: 'SluiceHandshakesRefusedByCap',
      when: 'five or more handshakes within 10 minutes were refused for a maximum of connections, or for memory',
      levels: [
        {
          severity: 'warning',
          expr: `sum by (cluster, namespace, job, route, result) (
  increase(sluice_handshakes_total{result=~"too_many_connections|too_many_per_address|too_many_per_user|memory"}[10m])
) >= 5`,
          threshold: '>= 5',
          for: '2m',
        },
      ],
      summary: `${releaseRoute}: handshakes refused, {{ $labels.result }}`,
      description:
        'About {{ printf "%.0f" $value }} handshakes were refused within 10 minutes because a maximum was reached ({{ $labels.result }}).',
      means:
        '`too_many_connections`: the route of a pod is full, new users are locked out. `too_many_per_address`: one address has its maximum; behind an untrusted proxy all users share one address. `too_many_per_user`: one user has their maximum, mostly in forgotten tabs. `memory`: the buffers of all connections are almost full.',
      look: [
        'The log, event `refused`, flag `CL`, `AL`, `NU` or `MH`: route, client, user and the limit.',
        'SluiceConnectionsNearLimit and SluiceUntrustedForwardingHeaders, which often fire beside it.',
      ],
      change: [
        '`too_many_connections`: raise `limits.connections.max`, or add pods.',
        '`too_many_per_address`: raise `limits.connections.max_per_address`; behind a proxy, check `listen.trusted_proxies` first.',
        '`too_many_per_user`: raise `limits.connections.max_per_user`, or let `on_limit: evict_oldest` end forgotten tabs.',
        '`memory`: see SluiceMemoryPressure.',
      ],
    },
    {
      name: 'SluiceMemoryPressure',
      when: 'buffers hold 60 % of `memory.max_buffered` for 10 minutes, 75 % for 5',
      levels: [
        { severity: 'warning', expr: pods('sluice_memory_pressure_ratio > 0.6'), threshold: '> 0.6', for: '10m' },
        { severity: 'critical', expr: pods('sluice_memory_pressure_ratio > 0.75'), threshold: '> 0.75', for: '5m' },
      ],
      summary: `${release}: buffers fill the memory of {{ $value }} pod(s)`,
      description:
        'On {{ $value }} pod(s) all buffers together have held a large part of `memory.max_buffered` for minutes. From 75 % on new handshakes get 503; above 100 % Sluice ends the connections that hold the most.',
      means:
        'Many receivers are slower than their senders. Nothing is lost yet, but from 75 % on new users are locked out.',
      look: [
        '`sluice_buffered_bytes` by route and sender: who waits for whom?',
        'The log, event `end`: `max_buffered_bytes` of single connections.',
        'Many connections and small buffers: with `recheck` of `auth` the headers of each handshake are kept and count, two bytes for each letter.',
      ],
      change: [
        'Lower `max_buffer_size` of the route that holds the most, or raise `memory.max_buffered` with the memory limit of the container.',
        'Add pods if all of them are so full.',
      ],
    },
    {
      name: 'SluiceMemoryShed',
      when: 'a connection was ended to save memory; again and again for 15 minutes',
      levels: [
        { severity: 'warning', expr: ended('10m'), threshold: '> 0', for: '0m' },
        // Those that hold the most go first, and they may be strangers who read nothing.
        { severity: 'critical', expr: ended('5m'), threshold: '> 0', for: '15m' },
      ],
      summary: `${releaseRoute}: connections ended to save memory`,
      description:
        'About {{ printf "%.0f" $value }} connections were ended within minutes because all buffers together exceeded `memory.max_buffered`.',
      means: 'Users lose their connections so that the pod survives.',
      look: [
        '`sluice_memory_pressure_ratio` by pod, `sluice_buffered_bytes` by route and sender.',
        'The log, event `end`, reason `memory`: which connections held the most?',
      ],
      change: [
        'Raise the memory limit of the container (and `memory.max_buffered`, if it is set), or add pods.',
        'Lower `max_buffer_size` of the route that holds the most: its senders are paused earlier.',
      ],
    },
    {
      name: 'SluiceFileDescriptorsNearLimit',
      when: '80 % of the open files that are allowed for 10 minutes, 95 % for 2',
      levels: [
        { severity: 'warning', expr: descriptors(0.8), threshold: '> 0.8', for: '10m' },
        { severity: 'critical', expr: descriptors(0.95), threshold: '> 0.95', for: '2m' },
      ],
      summary: `${release}: {{ $value | humanizePercentage }} of the file descriptors are in use`,
      description:
        'A pod has {{ $value | humanizePercentage }} of the files open that it may open. A WebSocket takes two. At the limit Sluice turns connections away before they are read.',
      means: 'Soon new connections are turned away, probes and scrapes may be among them.',
      look: [
        '`process_open_fds` beside twice `sluice_connections_active`: what is more are HTTP connections or a leak.',
        'The log, event `descriptors_exhausted`: since when, and how many were turned away.',
      ],
      change: [
        'Raise the limit of open files of the container runtime (`ulimit -n`, `LimitNOFILE`), or add pods.',
        'Lower `limits.connections.max`, so that clients get a clean 503 instead.',
      ],
    },
    {
      name: 'SluiceLogLinesLost',
      when: 'log lines were lost for 5 minutes, because whoever reads the log did not keep up',
      levels: [
        {
          severity: 'warning',
          // What `log.max_rate` leaves out is left out on purpose, and told of in the log itself.
          expr: 'sum by (cluster, namespace, job) (increase(sluice_log_lines_dropped_total{reason="unread"}[5m])) > 0',
          threshold: '> 0',
          for: '5m',
        },
      ],
      summary: `${release}: log lines are lost`,
      description:
        'About {{ printf "%.0f" $value }} log lines were dropped within 5 minutes: nobody took them from the process, or its disk was full.',
      means:
        'Connections are not held up, but what is lost may be the line that says why somebody was cut. Metrics and the status page have all of it.',
      look: [
        'The log driver or the agent that reads the standard output: is it stuck, throttled, or restarting? Is the disk of the node full?',
        'How much there is to read: `sluice_handshakes_total` and `sluice_limit_violations_total` by route. The event `log_lines_dropped` says how many were lost, once lines are taken again.',
      ],
      change: [
        'Mend the reader. A pod needs no restart: it goes on by itself.',
        'Write less: `log.open` and `log.end`, or a lower `log.max_rate` for lines that clients cause.',
      ],
    },
    {
      name: 'SluiceCpuSaturated',
      when: 'a pod uses more than 90 % of a core for 15 minutes',
      levels: [
        {
          severity: 'warning',
          expr: pods(
            'rate(process_cpu_seconds_total[5m]) > 0.9 and on (cluster, namespace, job, instance) sluice_build_info',
          ),
          threshold: '> 0.9',
          for: '15m',
        },
      ],
      summary: `${release}: {{ $value }} pod(s) use a whole core`,
      description:
        'On {{ $value }} pod(s) the process has used nearly a whole core for minutes. It relays on one thread, so all its connections wait for each other.',
      means: 'Every message is late; heartbeats of backends may run out.',
      look: [
        '`nodejs_eventloop_lag_p99_seconds`, and bytes and messages per second by route.',
        'CPU throttling of the container: a CPU limit below one core makes this worse and shows less.',
      ],
      change: ['Add pods, or set `max_message_rate` or `max_byte_rate` on the route that sends the most.'],
    },
  ],
};

/** Connections that were ended to save memory within this time. */
function ended(window: string): string {
  return `sum by (cluster, namespace, job, route) (increase(sluice_connections_closed_total{reason="memory"}[${window}])) > 0`;
}

/** How many pods something holds for: one alert per release, however many pods it has. */
function pods(condition: string): string {
  return `count by (cluster, namespace, job) (${condition})`;
}

function descriptors(threshold: number): string {
  return `max by (cluster, namespace, job) (
  process_open_fds / process_max_fds and on (cluster, namespace, job, instance) sluice_build_info
) > ${threshold}`;
}
