/** Who is let in. */
import { type AlertGroup, releaseRoute } from '../alert.ts';

export const auth: AlertGroup = {
  name: 'sluice.auth',
  title: 'Who is let in',
  alerts: [
    {
      name: 'SluiceAuthUnavailable',
      when: 'of more than 5 % of the requests with credentials nobody can tell for 5 minutes whether these are good; of half of them for 2',
      levels: [
        { severity: 'warning', expr: unavailable(0.05), threshold: '> 0.05', for: '5m' },
        { severity: 'critical', expr: unavailable(0.5), threshold: '> 0.5', for: '2m' },
      ],
      summary: `${releaseRoute}: {{ $value | humanizePercentage }} of those who sign in by {{ $labels.kind }} are turned away unjudged`,
      description:
        'Of {{ $value | humanizePercentage }} of the requests that bring credentials of {{ $labels.kind }} on this route nobody can tell whether they are good. Clients get 503, or the 5xx of the service.',
      means:
        'Nobody comes in whom Sluice cannot judge: the service of `forward`, the hub, the keys of the issuer or the file of users cannot be had. Connections that are open stay.',
      look: [
        'The log, event `refused`, flag `AU`: `detail` has the service or the file, and why.',
        '`auth_keys_failed` (the keys of `jwt`) and `auth_file_rejected` (files of users, tokens and keys) have the problem in words.',
        'The pods of that service, the NetworkPolicy between, and its certificate (`ca` of the kind).',
      ],
      change: [
        'Bring the service back, or correct its address: everybody is judged again at once.',
        'Where passwords are compared more slowly than they come, `detail` says that too many wait: lower the cost of the hashes, or bound `rates.requests_per_address`.',
      ],
    },
  ],
};

function unavailable(share: number): string {
  const by = 'sum by (cluster, namespace, job, route, kind)';
  const unjudged = 'sluice_auth_total{result="unavailable"}';
  return `${by} (rate(${unjudged}[5m]))
/ (${by} (rate(sluice_auth_total[5m])) > 0) > ${share}
and on (cluster, namespace, job, route, kind)
  ${by} (increase(${unjudged}[10m])) >= 5`;
}
