import { fires, pod, quiet, type Story } from './story.ts';

const panel = { route: 'panel' };

export const upstreams: readonly Story[] = [
  {
    alert: 'SluiceUpstreamErrors',
    tells: 'a backend is overloaded, then down',
    series: {
      [pod(1, 'sluice_upstream_errors_total', 'route="panel", error="connect_refused"')]: '0+1x20 29+9x20 209x40',
      [pod(1, 'sluice_handshakes_total', 'route="panel", result="opened"')]: '0+10x90',
    },
    moments: [
      quiet('4m'),
      fires('18m', {
        severity: 'warning',
        labels: panel,
        value: '10%',
        summary: 'apps/sluice, route panel: 10% of the requests fail at the upstream',
      }),
      fires(
        '38m',
        {
          severity: 'warning',
          labels: panel,
          value: '90%',
          summary: 'apps/sluice, route panel: 90% of the requests fail at the upstream',
        },
        {
          severity: 'critical',
          labels: panel,
          value: '90%',
          summary: 'apps/sluice, route panel: 90% of the requests fail at the upstream',
        },
      ),
      quiet('60m'),
    ],
  },
  {
    alert: 'SluiceUpstreamErrors',
    tells: 'strangers ask for a WebSocket where the backend has a page',
    series: {
      [pod(1, 'sluice_upstream_errors_total', 'route="panel", error="bad_handshake"')]: '0+9x30 270x40',
      [pod(1, 'sluice_handshakes_total', 'route="panel", result="upstream_bad_handshake"')]: '0+9x30 270x40',
    },
    moments: [
      quiet('4m'),
      fires('20m', {
        severity: 'warning',
        labels: panel,
        value: '100%',
        summary: 'apps/sluice, route panel: 100% of the requests fail at the upstream',
      }),
      quiet('50m'),
    ],
  },
  {
    alert: 'SluiceUpstreamErrors',
    tells: 'the only two requests of the night fail',
    series: {
      [pod(1, 'sluice_upstream_errors_total', 'route="panel", error="connect_refused"')]: '0x5 2x30',
      [pod(1, 'sluice_handshakes_total', 'route="panel", result="upstream_unreachable"')]: '0x5 2x30',
    },
    moments: [quiet('7m'), quiet('9m'), quiet('12m')],
  },
  {
    alert: 'SluiceUpstreamLost',
    tells: 'a backend crashes with open connections',
    series: {
      [pod(1, 'sluice_connections_closed_total', 'route="panel", closed_by="upstream", reason="upstream_vanished"')]:
        '0+1x20 20x40',
      [pod(1, 'sluice_connections_closed_total', 'route="panel", closed_by="client", reason="client_closed"')]:
        '0+1x60',
    },
    moments: [
      quiet('3m'),
      fires('20m', {
        severity: 'warning',
        labels: { ...panel, reason: 'upstream_vanished' },
        value: '15',
        summary: 'apps/sluice, route panel: connections cut by the upstream, upstream_vanished',
      }),
      quiet('45m'),
    ],
  },
  {
    alert: 'SluiceHandshakesSlow',
    tells: 'handshakes take seconds, then are quick again',
    series: {
      [pod(1, 'sluice_handshake_duration_seconds_bucket', 'route="panel", le="1"')]: '0x30 0+2x30',
      [pod(1, 'sluice_handshake_duration_seconds_bucket', 'route="panel", le="2.5"')]: '0x30 0+2x30',
      [pod(1, 'sluice_handshake_duration_seconds_bucket', 'route="panel", le="5"')]: '0+2x30 60+2x30',
      [pod(1, 'sluice_handshake_duration_seconds_bucket', 'route="panel", le="+Inf"')]: '0+2x30 60+2x30',
      [pod(1, 'sluice_handshake_duration_seconds_count', 'route="panel"')]: '0+2x30 60+2x30',
    },
    moments: [
      quiet('8m'),
      fires('25m', {
        severity: 'warning',
        labels: panel,
        value: '4.875s',
        summary: 'apps/sluice, route panel: one in twenty handshakes takes 4.875s or more',
      }),
      quiet('50m'),
    ],
  },
  {
    alert: 'SluiceOriginsRefused',
    tells: 'a page has moved to an origin that is not allowed',
    series: {
      [pod(1, 'sluice_handshakes_total', 'route="panel", result="origin_refused"')]: '0+1x30 30x40',
      [pod(1, 'sluice_handshakes_total', 'route="panel", result="opened"')]: '0+3x70',
    },
    moments: [
      quiet('4m'),
      fires('20m', {
        severity: 'warning',
        labels: panel,
        value: '25%',
        summary: 'apps/sluice, route panel: 25% of the handshakes have an origin that is not allowed',
      }),
      quiet('50m'),
    ],
  },
];
