/** Limits that were hit, and receivers that are too slow. */
import { type AlertGroup, releaseRoute } from '../alert.ts';
import { shareOfEnded } from './upstreams.ts';

export const limits: AlertGroup = {
  name: 'sluice.limits',
  title: 'Limits and backpressure',
  alerts: [
    {
      name: 'SluiceMessagesRefused',
      when: 'a limit closed five or more connections within 15 minutes',
      levels: [
        {
          severity: 'warning',
          // The other two have alerts of their own.
          expr: `sum by (cluster, namespace, job, route, sender, limit) (
  increase(sluice_limit_violations_total{action="close", limit!~"max_pause|memory[.]max_buffered"}[15m])
) >= 5`,
          threshold: '>= 5',
          for: '1m',
        },
      ],
      summary: `${releaseRoute}: connections closed by {{ $labels.limit }} of the {{ $labels.sender }}`,
      description:
        'About {{ printf "%.0f" $value }} connections were closed within 15 minutes because what the {{ $labels.sender }} sent exceeded {{ $labels.limit }}.',
      means:
        'Users do something that the limits forbid, mostly uploading a file that is too large. Their page loses its connection.',
      look: [
        'The log, event `violation`: `limit` has the configured and the observed value, and the client.',
        "The dashboard's heatmap of message sizes, with the percentiles beside the limit.",
      ],
      change: [
        'Raise the limit of this route and sender, here and in the backend (`sluice check` prints the setting), if the messages are wanted.',
        'Set `mode: report` on the route to count and log without closing while you find the right value.',
      ],
    },
    {
      name: 'SluiceSlowReceivers',
      when: 'five or more connections, and 5 % of all that ended, ended within 15 minutes because the receiver took nothing',
      levels: [
        {
          severity: 'warning',
          expr: shareOfEnded('reason="slow_receiver"', 'reason', 0.05),
          threshold: '> 0.05',
          for: '1m',
        },
      ],
      summary: `${releaseRoute}: connections ended because the receiver stopped reading`,
      description:
        'About {{ printf "%.0f" $value }} connections ended within 15 minutes because their receiver took nothing for `max_pause`, and they are no small part of all that ended.',
      means:
        'Clients (or the backend) stop reading: laptops asleep, tabs frozen by the browser, an application that sends more than a network carries.',
      look: [
        '`sluice_limit_violations_total{limit="max_pause"}` by `sender`: the sender `upstream` waited for clients, the sender `client` for the backend.',
        'The log, event `end`, flag `SR`: undelivered_bytes, and who the clients are.',
      ],
      change: [
        'Send less, or less often, from the application; throttle periodic updates.',
        'Raise `max_pause` of the sender where waiting is right. Longer than the backend itself waits (docs/presets.md) changes nothing.',
      ],
    },
    {
      name: 'SluiceConnectionsPaused',
      when: 'more than 20 % of the connections, and at least three, wait for a slow receiver, for 15 minutes',
      levels: [
        {
          severity: 'warning',
          expr: `namespace_job_route_sender:sluice_paused:ratio_rate5m > 0.2
and on (cluster, namespace, job, route, sender)
  namespace_job_route_sender:sluice_paused:ratio_rate5m * on (cluster, namespace, job, route) group_left ()
  namespace_job_route:sluice_connections_active:sum >= 3`,
          threshold: '> 0.2',
          for: '15m',
        },
      ],
      summary: `${releaseRoute}: {{ $value | humanizePercentage }} of the connections wait for a slow receiver`,
      description:
        'On average {{ $value | humanizePercentage }} of the connections of this route have had their {{ $labels.sender }} paused for 15 minutes, because the other side takes data more slowly than it is sent.',
      means: 'What users see lags behind. Backpressure does its work, and nothing is lost.',
      look: [
        '`sluice_paused_seconds_total` by `cause`: `buffer` and `queue` mean slow receivers, `memory` means that all buffers together are full.',
        'The sender `client` paused: the backend does not keep up with what is uploaded. The sender `upstream`: clients, or the network to them.',
      ],
      change: [
        'Send less from the application, or give the backend CPU.',
        'Raise `max_buffer_size` only for bursts: a receiver that is always slower fills any buffer.',
      ],
    },
  ],
};
