/** Handshakes and the backends behind them. */
import { type AlertGroup, releaseRoute } from '../alert.ts';

/**
 * Errors that whoever reaches the public port can bring about, with the right path: nobody is called at night for
 * those.
 */
const byRequests = 'bad_handshake|bad_response|reset|response_timeout|subprotocol';

export const upstreams: AlertGroup = {
  name: 'sluice.upstreams',
  title: 'Handshakes and upstreams',
  alerts: [
    {
      name: 'SluiceUpstreamErrors',
      when: 'more than 5 % of the requests fail at the upstream for 5 minutes; half of them for 2, for a reason that is no request of anybody',
      levels: [
        { severity: 'warning', expr: upstreamErrors(0.05), threshold: '> 0.05', for: '5m' },
        { severity: 'critical', expr: upstreamGone(0.5), threshold: '> 0.5', for: '2m' },
      ],
      summary: `${releaseRoute}: {{ $value | humanizePercentage }} of the requests fail at the upstream`,
      description:
        'Of the handshakes and HTTP requests of this route {{ $value | humanizePercentage }} fail because the upstream cannot be reached, does not answer in time or answers with nonsense. Clients get 502 or 504.',
      means:
        'The backend is down, starting, overloaded, or `upstream` is not its address. `critical` leaves out what a stranger can bring about: a WebSocket where the backend has a page (`bad_handshake`), a request on which it breaks (`reset`, `bad_response`), one that it never answers (`response_timeout`).',
      look: [
        '`sluice_upstream_errors_total` by `error`: `connect_refused` (nobody listens), `connect_timeout` (network or NetworkPolicy), `dns` (the name), `tls` (a certificate: `detail` in the log names the key of `upstream_tls` to write), `loop` (`upstream` is a name of Sluice itself), `handshake_timeout` and `response_timeout` (it hangs), `bad_handshake` (no WebSocket server).',
        'The log, events `refused` and `http_failed`: the upstream and the detail.',
        "The backend's pods, their readiness and their log.",
      ],
      change: [
        'Bring the backend back, or correct `upstream`.',
        'Where it is only slow to start a session, raise `timeouts.handshake`.',
      ],
    },
    {
      name: 'SluiceUpstreamLost',
      when: 'the upstream cut five or more connections within 15 minutes, a fifth of all that ended',
      levels: [
        {
          severity: 'warning',
          expr: shareOfEnded('reason=~"upstream_vanished|upstream_heartbeat|upstream_protocol_error"', 'reason', 0.2),
          threshold: '> 0.2',
          for: '1m',
        },
      ],
      summary: `${releaseRoute}: connections cut by the upstream, {{ $labels.reason }}`,
      description:
        'About {{ printf "%.0f" $value }} connections ended within 15 minutes because the upstream went away or broke the protocol ({{ $labels.reason }}), and they are no small part of all that ended.',
      means:
        'Users lost their session: the backend crashed, was killed, hung, or something between it and Sluice cuts connections.',
      look: [
        "The backend's restarts (OOMKilled?), its log, and its rollouts at that time.",
        '`upstream_heartbeat`: it was busy for longer than `ping.timeout`; Python code that computes in the event loop does that.',
      ],
      change: [
        'Give the backend the memory it needs, or limit what one message may bring (`max_message_size`).',
        'Raise `ping.timeout` of the route for a backend that computes long, or turn `ping.upstream` off.',
      ],
    },
    {
      name: 'SluiceHandshakesSlow',
      when: 'one in twenty handshakes takes more than 2.5 s, for 10 minutes',
      levels: [
        {
          severity: 'warning',
          expr: `histogram_quantile(
  0.95,
  namespace_job_route_le:sluice_handshake_duration_seconds_bucket:rate5m
) > 2.5
and on (cluster, namespace, job, route)
  sum by (cluster, namespace, job, route) (increase(sluice_handshake_duration_seconds_count[10m])) >= 10`,
          threshold: '> 2.5',
          for: '10m',
        },
      ],
      summary: `${releaseRoute}: one in twenty handshakes takes {{ $value | humanizeDuration }} or more`,
      description:
        "The 95th percentile of the time from a client's handshake to its answer is {{ $value | humanizeDuration }}. Sluice answers when the upstream has answered.",
      means: 'Pages stay empty for seconds after they have loaded.',
      look: [
        '`sluice_upstream_connect_duration_seconds`: high too, then the network or a full accept queue; low, then the backend itself takes so long.',
        'SluiceCpuSaturated, and CPU and sessions of the backend.',
      ],
      change: ['Add backends or give them CPU; move work out of the handshake and out of the event loop.'],
    },
    {
      name: 'SluiceOriginsRefused',
      when: 'more than 10 % of the handshakes have an origin that is not allowed, for 5 minutes',
      levels: [
        {
          severity: 'warning',
          expr: `namespace_job_route_result:sluice_handshakes:rate5m{result="origin_refused"}
/ on (cluster, namespace, job, route) sum by (cluster, namespace, job, route) (namespace_job_route_result:sluice_handshakes:rate5m > 0)
> 0.1
and on (cluster, namespace, job, route)
  sum by (cluster, namespace, job, route) (increase(sluice_handshakes_total{result="origin_refused"}[15m])) >= 5`,
          threshold: '> 0.1',
          for: '5m',
        },
      ],
      summary: `${releaseRoute}: {{ $value | humanizePercentage }} of the handshakes have an origin that is not allowed`,
      description:
        '{{ $value | humanizePercentage }} of the handshakes of this route are refused with 403, because `origins` does not name the page that they come from.',
      means:
        'A page has moved to a new address, or is embedded in another, and its WebSocket is refused. Or somebody tries.',
      look: ['The log, event `refused`, flag `OR`: `origin` has the address that was refused.'],
      change: ["Add the page's origin to `origins`, with scheme and port, if it is yours."],
    },
  ],
};

function upstreamErrors(share: number): string {
  return `namespace_job_route:sluice_upstream_errors:ratio_rate5m > ${share}
and on (cluster, namespace, job, route)
  sum by (cluster, namespace, job, route) (increase(sluice_upstream_errors_total[10m])) >= 5`;
}

/** The same for errors that no request brings about. */
function upstreamGone(share: number): string {
  const errors = `sluice_upstream_errors_total{error!~"${byRequests}"}`;
  return `sum by (cluster, namespace, job, route) (rate(${errors}[5m]))
/ (namespace_job_route:sluice_requests:rate5m > 0) > ${share}
and on (cluster, namespace, job, route)
  sum by (cluster, namespace, job, route) (increase(${errors}[10m])) >= 5`;
}

/** How many connections ended so within 15 minutes, where that is at least five and a share of all that ended. */
export function shareOfEnded(selector: string, label: string, share: number): string {
  return `sum by (cluster, namespace, job, route, ${label}) (increase(sluice_connections_closed_total{${selector}}[15m])) >= 5
and on (cluster, namespace, job, route)
  sum by (cluster, namespace, job, route) (increase(sluice_connections_closed_total{${selector}}[15m]))
  / (namespace_job_route:sluice_connections_closed:increase15m > 0) > ${share}`;
}
