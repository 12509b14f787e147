/** Whether Sluice runs at all. */
import { type AlertGroup, release } from '../alert.ts';

export const availability: AlertGroup = {
  name: 'sluice.availability',
  title: 'Availability',
  alerts: [
    {
      name: 'SluiceDown',
      when: 'no pod of a release has answered Prometheus for 5 minutes',
      levels: [
        {
          severity: 'critical',
          // A pod that does not answer is still a target, so `up` says for a day that it should be there. Where the
          // targets themselves are gone, nobody knows whether that was wanted: kube-state-metrics does, where it is
          // asked, by the Service; without it the last quarter of an hour counts, so that a release that was renamed is
          // soon forgotten. Where no Sluice is left at all, absent() goes on.
          expr: `(
  (
    group by (cluster, namespace, job) (
      up == 0 and on (cluster, namespace, job, instance) max_over_time(sluice_build_info[1d])
    )
    or group by (cluster, namespace, job) (max_over_time(sluice_build_info[15m]))
    or (
      group by (cluster, namespace, job) (max_over_time(sluice_build_info[1d]))
      and on (cluster, namespace, job)
        group by (cluster, namespace, job) (label_replace(kube_service_info, "job", "$1", "service", "(.+)"))
    )
  )
  unless on (cluster, namespace, job) sluice_build_info
)
or on () absent(sluice_build_info)`,
          for: '5m',
        },
      ],
      summary: `{{ with $labels.job }}${release}{{ else }}Sluice{{ end }}: no pod answers Prometheus`,
      description:
        'Prometheus gets no metrics from any pod. Either none runs, and every WebSocket and page behind it is unreachable, or Prometheus does not find or reach the admin port.',
      means:
        'Nobody can reach what stands behind this Sluice, or nobody would see it: Prometheus has lost its last target. After a planned uninstall or renaming beside other releases it comes once and goes within a quarter of an hour.',
      look: [
        '`kubectl get pods` and `kubectl describe pod`: are pods there, do they start, are they ready?',
        '`kubectl logs --previous`: a wrong configuration is printed with file, line and what was expected, and ends the process with code 2.',
        "Prometheus's page Status → Targets: is the job listed, and with which error? A job that is not listed has a ServiceMonitor whose labels Prometheus does not select.",
      ],
      change: [
        'Roll back the last change of the release or its configuration.',
        'Where pods run and only the scrape fails: let the NetworkPolicy admit Prometheus to the admin port, and give the ServiceMonitor the labels that Prometheus selects.',
      ],
    },
    {
      name: 'SluiceTargetDown',
      when: 'some pods have not answered Prometheus for 10 minutes',
      levels: [
        {
          severity: 'warning',
          expr: `count by (cluster, namespace, job) (
  up == 0
  and on (cluster, namespace, job, instance) max_over_time(sluice_build_info[6h])
  and on (cluster, namespace, job) sluice_build_info
)`,
          for: '10m',
        },
      ],
      summary: `${release}: {{ $value }} pod(s) do not answer Prometheus`,
      description:
        'Scrapes of {{ $value }} pod(s) have failed for 10 minutes while others of the same job answer. The event loop of such a pod may hang, or its admin port is not reachable.',
      means: 'Connections on these pods may be stuck, and new ones only go there if their probes still pass.',
      look: [
        '`up == 0` in Prometheus names the pods; Status → Targets has the error.',
        'Probes and restarts of these pods, and their last log lines.',
      ],
      change: [
        'Delete a pod that hangs: others take over, and its clients reconnect.',
        'Where scrapes time out on a busy pod, see SluiceCpuSaturated.',
      ],
    },
    {
      name: 'SluiceRestarting',
      when: 'a process was restarted inside its pod: once within 15 minutes, three times within 30',
      levels: [
        { severity: 'warning', expr: restarts('15m', 1), threshold: '>= 1', for: '0m' },
        { severity: 'critical', expr: restarts('30m', 3), threshold: '>= 3', for: '0m' },
      ],
      summary: `${release}: the process restarted {{ printf "%.0f" $value }} time(s)`,
      description:
        'The process ended and was started again inside the same pod {{ printf "%.0f" $value }} time(s) within the last quarter or half of an hour. Each time all its connections were cut. Rollouts do not count.',
      means: 'Every restart cuts all connections of the pod; Panel and Bokeh sessions are lost with them.',
      look: [
        '`kubectl describe pod`: "Last State" says OOMKilled, or the exit code and when.',
        "`kubectl logs --previous`: an uncaught exception is a bug of Sluice's; please report it with the stack.",
        'Failed liveness probes in the events: the event loop hung.',
      ],
      change: [
        'OOMKilled: raise the memory limit of the container, or lower `memory.max_buffered`.',
        'Liveness: see SluiceCpuSaturated.',
      ],
    },
  ],
};

/** Restarts of one process; a new pod is a new instance, so a rollout is none. */
function restarts(window: string, atLeast: number): string {
  return `sum by (cluster, namespace, job) (
  changes(process_start_time_seconds[${window}])
  and on (cluster, namespace, job, instance) sluice_build_info
) >= ${atLeast}`;
}
