import { fires, pod, quiet, type Story } from './story.ts';

export const hub: readonly Story[] = [
  {
    alert: 'SluiceHubSilent',
    tells: 'the hub asks every five minutes, and then no more',
    series: {
      // It asks at the start, at 5 and at 10 minutes.
      [pod(1, 'sluice_routes_api_last_request_timestamp_seconds')]: '1x4 300x4 600x14 1500x10',
    },
    moments: [
      quiet('9m'),
      quiet('14m'),
      fires('20m', {
        severity: 'warning',
        value: '10m 0s',
        summary: 'apps/sluice: the hub has been silent for 10m 0s',
      }),
      // It is back at 25 minutes.
      quiet('28m'),
    ],
  },
  {
    alert: 'SluiceHubSilent',
    tells: 'Sluice starts under a hub that is gone, and later a second one',
    series: {
      // At a minute and at 30 minutes.
      [pod(1, 'sluice_routes_api_last_request_timestamp_seconds')]: '_ 60x60',
      [pod(2, 'sluice_routes_api_last_request_timestamp_seconds')]: '_x29 1800x30',
    },
    moments: [
      quiet('7m'),
      fires('20m', {
        severity: 'warning',
        value: '19m 0s',
        summary: 'apps/sluice: the hub has been silent for 19m 0s',
      }),
      quiet('33m'),
      fires('45m', {
        severity: 'warning',
        value: '15m 0s',
        summary: 'apps/sluice: the hub has been silent for 15m 0s',
      }),
    ],
  },
  {
    alert: 'SluiceHubReplicasDiffer',
    tells: 'one replica refuses what the other takes, until it is configured like that',
    series: {
      [pod(1, 'sluice_routes_api_differing')]: '0x90',
      // It starts with nothing; later three routes are refused again and again.
      [pod(2, 'sluice_routes_api_differing')]: '40x4 0x25 3x30 0x30',
    },
    moments: [
      quiet('20m'),
      quiet('45m'),
      fires('59m', {
        severity: 'warning',
        value: '3',
        summary: 'apps/sluice: the replicas have different routes',
      }),
      quiet('80m'),
    ],
  },
  {
    alert: 'SluiceHubReplicasDiffer',
    tells: 'the hub sets each route in one replica alone, by its usual proxy class',
    series: {
      [pod(1, 'sluice_routes_api_routes')]: '60x60',
      [pod(2, 'sluice_routes_api_routes')]: '40x60',
    },
    moments: [
      quiet('4m'),
      fires('30m', {
        severity: 'warning',
        value: '20',
        summary: 'apps/sluice: the replicas have different routes',
      }),
    ],
  },
  {
    alert: 'SluiceHubReplicasDiffer',
    tells: 'many users come in the morning, and replicas are scraped one after the other',
    series: {
      [pod(1, 'sluice_routes_api_routes')]: '10+10x60',
      [pod(2, 'sluice_routes_api_routes')]: '12+10x60',
    },
    moments: [quiet('20m'), quiet('60m')],
  },
  {
    alert: 'SluiceErrorPagesFailing',
    tells: 'the hub is gone, and people come to servers that are not there',
    series: { [pod(1, 'sluice_error_page_failures_total')]: '0x10 0+10x20 200x30' },
    moments: [
      quiet('10m'),
      fires('20m', {
        severity: 'warning',
        value: '50',
        summary: 'apps/sluice: error pages do not come from the hub',
      }),
      quiet('45m'),
    ],
  },
];
