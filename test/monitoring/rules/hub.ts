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
    tells: 'the hub has not come yet',
    series: { [pod(1, 'sluice_routes_api_last_request_timestamp_seconds')]: '0x60' },
    moments: [quiet('30m')],
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
