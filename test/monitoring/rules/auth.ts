import { fires, pod, quiet, type Story } from './story.ts';

const labels = { route: 'panel', kind: 'forward' };
const series = (result: string) => pod(1, 'sluice_auth_total', `route="panel", kind="forward", result="${result}"`);

export const auth: readonly Story[] = [
  {
    alert: 'SluiceAuthUnavailable',
    tells: 'a service that signs people in is overloaded, then down, then back',
    series: {
      [series('unavailable')]: '0+1x20 29+9x20 209x40',
      [series('admitted')]: '0+9x20 181+1x20 201+9x40',
    },
    moments: [
      quiet('4m'),
      fires('18m', {
        severity: 'warning',
        labels,
        value: '10%',
        summary: 'apps/sluice, route panel: 10% of those who sign in by forward are turned away unjudged',
      }),
      fires(
        '38m',
        {
          severity: 'warning',
          labels,
          value: '90%',
          summary: 'apps/sluice, route panel: 90% of those who sign in by forward are turned away unjudged',
        },
        {
          severity: 'critical',
          labels,
          value: '90%',
          summary: 'apps/sluice, route panel: 90% of those who sign in by forward are turned away unjudged',
        },
      ),
      quiet('60m'),
    ],
  },
  {
    alert: 'SluiceAuthUnavailable',
    tells: 'the only two requests of the night meet a service that starts, and others bring wrong credentials',
    series: {
      [series('unavailable')]: '0x5 2x30',
      [pod(1, 'sluice_auth_total', 'route="api", kind="jwt", result="expired"')]: '0+30x35',
    },
    moments: [quiet('7m'), quiet('9m'), quiet('12m'), quiet('30m')],
  },
];
