/** Sluice in the place of JupyterHub's proxy. */
import { type AlertGroup, release } from '../alert.ts';

export const hub: AlertGroup = {
  name: 'sluice.hub',
  title: "In the place of JupyterHub's proxy",
  alerts: [
    {
      name: 'SluiceHubSilent',
      when: 'the hub has not asked the API of routes for 5 minutes, and goes on so for 2 more',
      levels: [
        {
          severity: 'warning',
          // The hub asks every five minutes, or more often: what is older only for a moment is no silence.
          expr: `time() - max by (cluster, namespace, job) (sluice_routes_api_last_request_timestamp_seconds > 0) > 300`,
          for: '2m',
        },
      ],
      summary: `${release}: the hub has been silent for {{ $value | humanizeDuration }}`,
      description:
        'No request has come to the API of routes for {{ $value | humanizeDuration }}. JupyterHub asks at least every five minutes.',
      means:
        'Servers that run are reached as before. Nobody can log in or start a server, and no route is set or taken away.',
      look: [
        'Does the hub run, and does it reach the API? Its log names failed requests to the proxy.',
        'The log, event `routes_api_refused`: a hub with another token is refused.',
      ],
      change: [
        'Start the hub again; the routes that are there serve meanwhile, and its first check repairs the table.',
        'Give both the same `CONFIGPROXY_AUTH_TOKEN`.',
        'Where `c.JupyterHub.last_activity_interval` is longer than five minutes, mute this alert.',
      ],
    },
    {
      name: 'SluiceErrorPagesFailing',
      when: 'for 5 minutes pages for 404 and 503 have not come from where they should',
      levels: [
        {
          severity: 'warning',
          expr: 'sum by (cluster, namespace, job) (increase(sluice_error_page_failures_total[5m])) > 0',
          for: '5m',
        },
      ],
      summary: `${release}: error pages do not come from the hub`,
      description: '{{ $value | humanize }} pages for 404 and 503 did not come in the last 5 minutes.',
      means: "Users whose server is not there see Sluice's own words in the place of the hub's page.",
      look: ['The log, event `error_page_failed`: its detail says what the hub answered, or that it did not.'],
      change: ['Correct `--error-target` (`routes_api.error_target`), or start the hub again.'],
    },
  ],
};
