/** What all pods count together. */
import { type AlertGroup, release } from '../alert.ts';

export const quotas: AlertGroup = {
  name: 'sluice.quotas',
  title: 'Caps and rates over all pods',
  alerts: [
    {
      name: 'SluiceQuotaStoreDown',
      when: 'a pod has counted alone for more than two of the last 5 minutes, in a row or again and again',
      levels: [
        {
          severity: 'warning',
          expr: 'count by (cluster, namespace, job) (avg_over_time(sluice_quota_store_up[5m]) < 0.6)',
          for: '1m',
        },
      ],
      summary: `${release}: {{ $value }} pod(s) count caps and rates alone`,
      description:
        'On {{ $value }} pod(s) the store of `quotas` has not answered for minutes, or is lost again and again. Each of these pods counts alone.',
      means:
        'Nobody is refused or waits for it. Until it is back one user, one address and one route may have up to as many times their caps and rates as there are pods.',
      look: [
        'The log, event `quota_store_lost`: the problem, in words.',
        '`sluice_quota_store_up` by pod: where one pod alone has 0, look at its way to the store (DNS, NetworkPolicy, certificates).',
        '`sluice_quota_store_duration_seconds` before it: a store that becomes slow is given up after `quotas.timeout` (250 ms).',
      ],
      change: [
        'Start the store again, or name another in `quotas.store` (a restart of the pods takes it). Pods find it by themselves within 5 seconds and tell it what they have.',
        'Where the problem names a password or an ACL, correct the file of `quotas.password_file`: it is read again at once.',
      ],
    },
  ],
};
