import { fires, pod, quiet, type Story } from './story.ts';

const panel = { route: 'panel' };

export const configuration: readonly Story[] = [
  {
    alert: 'SluiceConfigReloadFailed',
    tells: 'one of two pods refuses a change',
    series: {
      [pod(1, 'sluice_config_last_reload_successful')]: '1x5 0x24 1x20',
      [pod(2, 'sluice_config_last_reload_successful')]: '1x60',
    },
    moments: [
      quiet('8m'),
      fires('15m', {
        severity: 'warning',
        value: '1',
        summary: 'apps/sluice: 1 pod(s) refuse the new configuration',
      }),
      // No pod would start with these files: whoever is called has them before the next node goes.
      fires(
        '25m',
        { severity: 'warning', value: '1', summary: 'apps/sluice: 1 pod(s) refuse the new configuration' },
        { severity: 'critical', value: '1', summary: 'apps/sluice: 1 pod(s) refuse the new configuration' },
      ),
      quiet('40m'),
    ],
  },
  {
    alert: 'SluiceFilesRejected',
    tells: 'a Secret with a broken line reaches two pods, and is mended',
    series: {
      [pod(1, 'sluice_files_rejected')]: '0x5 1x20 0x20',
      [pod(2, 'sluice_files_rejected')]: '0x6 2x19 0x20',
      [pod(3, 'sluice_files_rejected')]: '0x45',
    },
    moments: [
      quiet('8m'),
      fires('15m', {
        severity: 'warning',
        value: '2',
        summary: 'apps/sluice: 2 pod(s) cannot use a file that the configuration names',
      }),
      quiet('35m'),
    ],
  },
  {
    alert: 'SluiceConfigDiffers',
    tells: 'a rollout is stuck half-way',
    series: {
      [pod(1, 'sluice_config_hash')]: '111x60',
      [pod(2, 'sluice_config_hash')]: '111x5 222x29 111x30',
      [pod(1, 'sluice_draining')]: '0x60',
      [pod(2, 'sluice_draining')]: '0x60',
    },
    moments: [
      quiet('15m'),
      fires('25m', {
        severity: 'warning',
        value: '2',
        summary: 'apps/sluice: pods run with 2 different configurations',
      }),
      quiet('45m'),
    ],
  },
  {
    alert: 'SluiceConfigDiffers',
    tells: 'two clusters of one ruler have configurations of their own',
    series: {
      [pod(1, 'sluice_config_hash', 'cluster="east"')]: '111x60',
      [pod(1, 'sluice_config_hash', 'cluster="west"')]: '222x60',
      [pod(1, 'sluice_draining', 'cluster="east"')]: '0x60',
      [pod(1, 'sluice_draining', 'cluster="west"')]: '0x60',
    },
    moments: [quiet('50m')],
  },
  {
    alert: 'SluiceConfigDiffers',
    tells: 'a pod drains for an hour with the configuration it had',
    series: {
      [pod(1, 'sluice_config_hash')]: '111x60',
      [pod(2, 'sluice_config_hash')]: '222x60',
      [pod(1, 'sluice_draining')]: '1x60',
      [pod(2, 'sluice_draining')]: '0x60',
    },
    moments: [quiet('50m')],
  },
  {
    alert: 'SluiceDrainHanging',
    tells: 'a pod does not come to its end',
    series: {
      [pod(1, 'sluice_draining')]: '0x5 1x30 stale',
      [pod(1, 'sluice_drain_deadline_timestamp_seconds')]: '0x5 600x30 stale',
      [pod(2, 'sluice_draining')]: '0x60',
      [pod(2, 'sluice_drain_deadline_timestamp_seconds')]: '0x60',
    },
    moments: [
      quiet('10m'),
      fires('14m', {
        severity: 'warning',
        value: '1',
        summary: 'apps/sluice: 1 pod(s) still drain after their deadline',
      }),
      quiet('40m'),
    ],
  },
  {
    alert: 'SluiceDrainHanging',
    tells: 'a pod drains for an hour, as it is told to',
    series: {
      [pod(1, 'sluice_draining')]: '0x5 1x55',
      [pod(1, 'sluice_drain_deadline_timestamp_seconds')]: '0x5 3900x55',
    },
    moments: [quiet('30m'), quiet('60m')],
  },
  {
    alert: 'SluiceUntrustedForwardingHeaders',
    tells: 'the ingress is not trusted',
    series: {
      [pod(1, 'sluice_untrusted_forwarding_headers_total', 'route="panel"')]: '0+10x30 300x60',
      [pod(1, 'sluice_handshakes_total', 'route="panel", result="opened"')]: '0+5x90',
      [pod(1, 'sluice_http_requests_total', 'route="panel", method="GET", code="2xx"')]: '0+15x90',
    },
    moments: [
      quiet('3m'),
      fires('20m', {
        severity: 'warning',
        labels: panel,
        value: '50%',
        summary: 'apps/sluice, route panel: forwarding headers of an untrusted proxy are ignored',
      }),
      quiet('60m'),
    ],
  },
  {
    alert: 'SluiceUntrustedForwardingHeaders',
    tells: 'a few clients send such headers themselves',
    series: {
      [pod(1, 'sluice_untrusted_forwarding_headers_total', 'route="panel"')]: '0+1x60',
      [pod(1, 'sluice_handshakes_total', 'route="panel", result="opened"')]: '0+50x60',
    },
    moments: [quiet('30m')],
  },
];
