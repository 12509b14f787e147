/** Sluice in the place of JupyterHub's proxy. */
import { type AlertGroup, release } from '../alert.ts';

const by = (how: 'max' | 'min', of: string) => `${how} by (cluster, namespace, job) (${of})`;
const routes = 'avg_over_time(sluice_routes_api_routes[15m])';
const most = by('max', routes);

export const hub: AlertGroup = {
  name: 'sluice.hub',
  title: "In the place of JupyterHub's proxy",
  alerts: [
    {
      name: 'SluiceHubSilent',
      when: 'the hub has not asked the API of routes for 5 minutes, or since Sluice started, and goes on so for 2 more',
      levels: [
        {
          severity: 'warning',
          // The hub asks every five minutes, or more often: what is older only for a moment is no silence. One that has
          // not come since Sluice started is silent from then on.
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
      name: 'SluiceHubReplicasDiffer',
      when: "for 20 minutes the hub's checks find routes missing in a replica, or replicas have a different number of them",
      levels: [
        {
          severity: 'warning',
          // A replica that has just started lacks all of them until its first check; and replicas are scraped one after
          // the other.
          expr: `${by('max', 'min_over_time(sluice_routes_api_differing[15m])')} > 0 or ${most} - ${by('min', routes)} > 2 + 0.05 * ${most}`,
          for: '5m',
        },
      ],
      summary: `${release}: the replicas have different routes`,
      description: '{{ $value | humanize }} routes are missing in a replica, or lead elsewhere than in the others.',
      means:
        'Users whose connection comes to that replica are sent to the hub in the place of their server, and back, until the hub gives up.',
      look: [
        'The log, event `route_refused`: a replica that is full, or has other `routes_api.targets`, refuses what others take.',
        "The hub's log names replicas that it does not reach, or that refuse a route.",
        'Does the hub use config/jupyterhub/sluice_proxy.py? Its usual proxy class sets each route in one replica alone.',
      ],
      change: [
        'Give all replicas the same configuration.',
        'Give the hub the proxy class and `c.SluiceProxy.api_url` with the name of a headless Service, as docs/jupyterhub.md has it.',
        'Let the hub reach every replica: NetworkPolicies, and a Service with `publishNotReadyAddresses`.',
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
