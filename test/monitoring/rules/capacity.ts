import type { Severity } from '../../../monitoring/alert.ts';
import { type Firing, fires, pod, quiet, type Story } from './story.ts';

const panel = { route: 'panel' };
const active = pod(1, 'sluice_connections_active', 'route="panel"');
const limit = pod(1, 'sluice_connections_limit', 'route="panel"');
const build = pod(1, 'sluice_build_info', 'version="1.0.0"');

/** Connections of one route were ended to save memory. */
const shed = (severity: Severity, value: string): Firing => ({
  severity,
  labels: { route: 'panel' },
  value,
  summary: 'apps/sluice, route panel: connections ended to save memory',
});

export const capacity: readonly Story[] = [
  {
    alert: 'SluiceConnectionsNearLimit',
    tells: 'one of two pods fills up',
    series: {
      [active]: '50x5 85x29 97x19 50x30',
      [limit]: '100x90',
      [pod(2, 'sluice_connections_active', 'route="panel"')]: '10x90',
      [pod(2, 'sluice_connections_limit', 'route="panel"')]: '100x90',
    },
    moments: [
      quiet('15m'),
      fires('30m', {
        severity: 'warning',
        labels: panel,
        value: '85%',
        summary: 'apps/sluice, route panel: 85% of connections.max are in use',
      }),
      fires(
        '50m',
        {
          severity: 'warning',
          labels: panel,
          value: '97%',
          summary: 'apps/sluice, route panel: 97% of connections.max are in use',
        },
        {
          severity: 'critical',
          labels: panel,
          value: '97%',
          summary: 'apps/sluice, route panel: 97% of connections.max are in use',
        },
      ),
      quiet('70m'),
    ],
  },
  {
    alert: 'SluiceConnectionsNearLimit',
    tells: 'two pods share a limit by a store, and one loses it for a while',
    series: {
      [active]: '40x5 45x50',
      [limit]: '100x90',
      [pod(2, 'sluice_connections_active', 'route="panel"')]: '10x5 40x29 10x30',
      [pod(2, 'sluice_connections_limit', 'route="panel"')]: '100x90',
      [pod(1, 'sluice_quota_store_up')]: '1x90',
      [pod(2, 'sluice_quota_store_up')]: '1x40 0x10 1x40',
    },
    moments: [
      quiet('15m'),
      fires('30m', {
        severity: 'warning',
        labels: panel,
        value: '85%',
        summary: 'apps/sluice, route panel: 85% of connections.max are in use',
      }),
      quiet('45m'),
    ],
  },
  {
    alert: 'SluiceConnectionsNearLimit',
    tells: 'a route has no limit',
    series: { [active]: '100000x40', [limit]: 'Inf '.repeat(40) },
    moments: [quiet('35m')],
  },
  {
    alert: 'SluiceHandshakesRefusedByCap',
    tells: 'a full route refuses clients',
    series: {
      [pod(1, 'sluice_handshakes_total', 'route="panel", result="too_many_connections"')]: '0x5 0+2x20 40x40',
      [pod(1, 'sluice_handshakes_total', 'route="panel", result="opened"')]: '0+9x70',
    },
    moments: [
      quiet('5m'),
      fires('20m', {
        severity: 'warning',
        labels: { ...panel, result: 'too_many_connections' },
        value: '20',
        summary: 'apps/sluice, route panel: handshakes refused, too_many_connections',
      }),
      quiet('50m'),
    ],
  },
  {
    alert: 'SluiceLogLinesLost',
    tells: 'nobody reads the log of a pod for a while, and what a rate leaves out is no loss',
    series: {
      [pod(1, 'sluice_log_lines_dropped_total', 'reason="unread"')]: '0x5 0+60x15 900x30',
      [pod(2, 'sluice_log_lines_dropped_total', 'reason="unread"')]: '0x50',
      [pod(2, 'sluice_log_lines_dropped_total', 'reason="rate"')]: '0+100x50',
    },
    moments: [
      quiet('8m'),
      fires('15m', { severity: 'warning', value: '300', summary: 'apps/sluice: log lines are lost' }),
      quiet('30m'),
    ],
  },
  {
    alert: 'SluiceMemoryPressure',
    tells: 'buffers fill up and empty again',
    series: { [pod(1, 'sluice_memory_pressure_ratio')]: '0.5x5 0.7x24 0.9x19 0.5x20' },
    moments: [
      quiet('12m'),
      fires('20m', { severity: 'warning', value: '1', summary: 'apps/sluice: buffers fill the memory of 1 pod(s)' }),
      fires(
        '45m',
        { severity: 'warning', value: '1', summary: 'apps/sluice: buffers fill the memory of 1 pod(s)' },
        { severity: 'critical', value: '1', summary: 'apps/sluice: buffers fill the memory of 1 pod(s)' },
      ),
      quiet('60m'),
    ],
  },
  {
    alert: 'SluiceMemoryShed',
    tells: 'connections are ended to save memory, once, and later without end',
    series: {
      [pod(1, 'sluice_connections_closed_total', 'route="panel", closed_by="sluice", reason="memory"')]:
        '0x5 10x44 10+2x30 70x30',
    },
    moments: [
      quiet('5m'),
      fires('8m', shed('warning', '10')),
      quiet('30m'),
      fires('63m', shed('warning', '20')),
      fires('75m', shed('warning', '20'), shed('critical', '10')),
      quiet('100m'),
    ],
  },
  {
    alert: 'SluiceFileDescriptorsNearLimit',
    tells: 'the process opens more and more files',
    series: {
      [pod(1, 'process_open_fds')]: '500x5 850x29 970x19 500x30',
      [pod(1, 'process_max_fds')]: '1000x90',
      [build]: '1x90',
      'process_open_fds{namespace="apps", job="other", instance="10.0.0.7:80"}': '99x90',
      'process_max_fds{namespace="apps", job="other", instance="10.0.0.7:80"}': '100x90',
    },
    moments: [
      quiet('10m'),
      fires('30m', {
        severity: 'warning',
        value: '85%',
        summary: 'apps/sluice: 85% of the file descriptors are in use',
      }),
      fires(
        '45m',
        { severity: 'warning', value: '97%', summary: 'apps/sluice: 97% of the file descriptors are in use' },
        { severity: 'critical', value: '97%', summary: 'apps/sluice: 97% of the file descriptors are in use' },
      ),
      quiet('70m'),
    ],
  },
  {
    alert: 'SluiceCpuSaturated',
    tells: 'one pod computes all the time; another program does so too',
    series: {
      [pod(1, 'process_cpu_seconds_total')]: '0+57x40 2286+6x40',
      [build]: '1x90',
      'process_cpu_seconds_total{namespace="apps", job="other", instance="10.0.0.7:80"}': '0+60x90',
    },
    moments: [
      quiet('10m'),
      fires('30m', { severity: 'warning', value: '1', summary: 'apps/sluice: 1 pod(s) use a whole core' }),
      quiet('60m'),
    ],
  },
];
