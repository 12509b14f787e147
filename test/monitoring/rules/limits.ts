import { fires, pod, quiet, type Story } from './story.ts';

const panel = { route: 'panel' };
const tooBig = pod(
  1,
  'sluice_limit_violations_total',
  'route="panel", sender="client", limit="max_message_size", action="close"',
);
const closedByClients = pod(
  1,
  'sluice_connections_closed_total',
  'route="panel", closed_by="client", reason="client_closed"',
);
const slow = pod(1, 'sluice_connections_closed_total', 'route="panel", closed_by="sluice", reason="slow_receiver"');
const active = pod(1, 'sluice_connections_active', 'route="panel"');
const pausedByBuffer = pod(1, 'sluice_paused_seconds_total', 'route="panel", sender="upstream", cause="buffer"');
const pausedByRate = pod(1, 'sluice_paused_seconds_total', 'route="panel", sender="client", cause="rate"');

export const limits: readonly Story[] = [
  {
    alert: 'SluiceMessagesRefused',
    tells: 'users upload files that are too large',
    series: { [tooBig]: '0+1x20 20x40' },
    moments: [
      quiet('3m'),
      fires('20m', {
        severity: 'warning',
        labels: { ...panel, sender: 'client', limit: 'max_message_size' },
        value: '15',
        summary: 'apps/sluice, route panel: connections closed by max_message_size of the client',
      }),
      quiet('45m'),
    ],
  },
  {
    alert: 'SluiceMessagesRefused',
    tells: 'one user tries twice; a route that only reports counts many, and limits with other alerts too',
    series: {
      [tooBig]: '0x5 2x40',
      [tooBig.replace('close', 'report')]: '0+10x40',
      [tooBig.replace('max_message_size', 'max_pause')]: '0+10x40',
      [tooBig.replace('max_message_size', 'memory.max_buffered')]: '0+10x40',
    },
    moments: [quiet('10m'), quiet('20m'), quiet('35m')],
  },
  {
    alert: 'SluiceSlowReceivers',
    tells: 'many clients stop reading',
    series: { [slow]: '0+1x20 20x40', [closedByClients]: '0+3x60' },
    moments: [
      quiet('3m'),
      fires('20m', {
        severity: 'warning',
        labels: { ...panel, reason: 'slow_receiver' },
        value: '15',
        summary: 'apps/sluice, route panel: connections ended because the receiver stopped reading',
      }),
      quiet('45m'),
    ],
  },
  {
    alert: 'SluiceSlowReceivers',
    tells: 'a few laptops fall asleep among thousands of users',
    series: { [slow]: '0+1x40', [closedByClients]: '0+100x40' },
    moments: [quiet('20m'), quiet('35m')],
  },
  {
    alert: 'SluiceConnectionsPaused',
    tells: 'receivers are too slow for what is sent',
    series: { [pausedByBuffer]: '0+240x40 9600x40', [active]: '10x80' },
    moments: [
      quiet('10m'),
      fires('30m', {
        severity: 'warning',
        labels: { ...panel, sender: 'upstream' },
        value: '40%',
        summary: 'apps/sluice, route panel: 40% of the connections wait for a slow receiver',
      }),
      quiet('60m'),
    ],
  },
  {
    alert: 'SluiceConnectionsPaused',
    tells: 'a rate limit makes senders wait, and one of two connections is slow',
    series: {
      [pausedByRate]: '0+110x60',
      [pausedByBuffer]: '0+55x60',
      [active]: '2x60',
    },
    moments: [quiet('30m'), quiet('50m')],
  },
];
