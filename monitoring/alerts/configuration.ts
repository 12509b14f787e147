/** Configuration and rollout. */
import { type AlertGroup, release, releaseRoute } from '../alert.ts';

/** The files on disk would not start a pod. */
const refusesFiles = 'count by (cluster, namespace, job) (sluice_config_last_reload_successful == 0)';

export const configuration: AlertGroup = {
  name: 'sluice.configuration',
  title: 'Configuration and rollout',
  alerts: [
    {
      name: 'SluiceConfigReloadFailed',
      when: 'a pod has refused a changed configuration for 5 minutes, for 15',
      levels: [
        { severity: 'warning', expr: refusesFiles, for: '5m' },
        { severity: 'critical', expr: refusesFiles, for: '15m' },
      ],
      summary: `${release}: {{ $value }} pod(s) refuse the new configuration`,
      description:
        '{{ $value }} pod(s) could not load the last change of the configuration. They go on with the one before; a restarted pod would not start.',
      means:
        'Nobody is hurt yet: the old limits are in force. But no pod would start with the files as they are: a node that goes, a crash or a rollout takes pods away for good. Left so, it is `critical`.',
      look: [
        'The log, event `config_rejected`: each mistake with file, line, column, what was found and what was expected.',
        '`sluice check FILE` prints the same, all mistakes at once.',
      ],
      change: ['Correct the file, or roll the ConfigMap back; pods load it by themselves within a minute or two.'],
    },
    {
      name: 'SluiceFilesRejected',
      when: 'for 5 minutes a pod has had a file of users, tokens, certificates or schemas that it cannot use',
      levels: [
        {
          severity: 'warning',
          expr: 'count by (cluster, namespace, job) (sluice_files_rejected > 0)',
          for: '5m',
        },
      ],
      summary: `${release}: {{ $value }} pod(s) cannot use a file that the configuration names`,
      description:
        'On {{ $value }} pod(s) a file of users, tokens, keys, certificates, revocations or schemas says something that cannot be used. What it said before stays in use.',
      means:
        'What was changed is not in force: a user who was taken out or shut out still comes in, a renewed certificate is not shown. A restarted pod would not start.',
      look: [
        'The log, events `auth_file_rejected`, `tls_rejected`, `upstream_tls_rejected` and `schema_rejected`: key, file, line and remedy.',
        '`sluice check FILE` prints the same.',
      ],
      change: [
        'Correct the file, or the Secret or ConfigMap that it is mounted from; it is read again when it changes.',
      ],
    },
    {
      name: 'SluiceConfigDiffers',
      when: 'pods of a release have had different configurations in force for 15 minutes',
      levels: [
        {
          severity: 'warning',
          // A pod that drains keeps what it had.
          expr: `count by (cluster, namespace, job) (
  count_values by (cluster, namespace, job) (
    "config_hash",
    sluice_config_hash and on (cluster, namespace, job, instance) (sluice_draining == 0)
  )
) > 1`,
          for: '15m',
        },
      ],
      summary: `${release}: pods run with {{ $value }} different configurations`,
      description:
        'For 15 minutes the pods of one job have had {{ $value }} different configurations in force, so what a user may send depends on the pod.',
      means: 'The same upload passes on one pod and is refused on another.',
      look: [
        '`sluice_config_hash` by pod, and `sluice_config_last_reload_successful`: did some refuse the change?',
        'A rollout that is stuck half-way: `kubectl rollout status`.',
        'A ConfigMap mounted with `subPath` is never updated in a running pod.',
      ],
      change: ['Finish or undo the rollout; restart pods that did not take the change.'],
    },
    {
      name: 'SluiceDrainHanging',
      when: 'a pod still drains a minute after its deadline',
      levels: [
        {
          severity: 'warning',
          // Per pod, because a long rollout has always one that drains; and by its own deadline, which may be hours.
          expr: `count by (cluster, namespace, job) (
  time() - sluice_drain_deadline_timestamp_seconds > 60 and sluice_draining == 1
)`,
          threshold: '> 60',
          for: '1m',
        },
      ],
      summary: `${release}: {{ $value }} pod(s) still drain after their deadline`,
      description:
        '{{ $value }} pod(s) have been shutting down for longer than `drain.deadline` allows. They take no new connections and hold up the rollout.',
      means:
        'A rollout or a node drain waits for these pods. At the deadline Sluice cuts whatever is left, so a pod that is still there hangs: by a bug, or because it gets no CPU.',
      look: [
        "The pod's last log lines, and its events.",
        '`sluice_connections_active`, and CPU and event loop lag on the dashboard.',
      ],
      change: ['Delete the pod with `--grace-period=0`. If it had CPU, please report it with its last log lines.'],
    },
    {
      name: 'SluiceUntrustedForwardingHeaders',
      when: 'more than 10 % of the requests have forwarding headers from a proxy that is not trusted',
      levels: [
        {
          severity: 'warning',
          expr: `sum by (cluster, namespace, job, route) (rate(sluice_untrusted_forwarding_headers_total[5m]))
/ (namespace_job_route:sluice_requests:rate5m > 0) > 0.1
and on (cluster, namespace, job, route)
  sum by (cluster, namespace, job, route) (increase(sluice_untrusted_forwarding_headers_total[15m])) >= 10`,
          threshold: '> 0.1',
          for: '5m',
        },
      ],
      summary: `${releaseRoute}: forwarding headers of an untrusted proxy are ignored`,
      description:
        '{{ $value | humanizePercentage }} of the requests carry X-Forwarded-* headers from a peer that `trusted_proxies` does not name. Backends see http instead of https, and the address of the proxy for every client.',
      means:
        'Login redirects go to http and fail, secure cookies get lost, Origin checks of backends fail, and `connections.max_per_address` counts the whole ingress as one client.',
      look: ["The log, event `untrusted_forwarding_headers`: `peer` is the proxy's address. One line for each peer."],
      change: [
        'Add the network of the ingress or load balancer to `listen.trusted_proxies`. Never name networks that clients come from.',
      ],
    },
  ],
};
