import { fires, pod, quiet, type Story } from './story.ts';

const up1 = pod(1, 'up');
const up2 = pod(2, 'up');
const build1 = pod(1, 'sluice_build_info', 'version="1.0.0"');
const build2 = pod(2, 'sluice_build_info', 'version="1.0.0"');
const start1 = pod(1, 'process_start_time_seconds');
const start2 = pod(2, 'process_start_time_seconds');

/** The same release in two clusters of one ruler. */
export function inCluster(cluster: string, name: string, labels = ''): string {
  return pod(1, name, `cluster="${cluster}"${labels === '' ? '' : `, ${labels}`}`);
}

export const availability: readonly Story[] = [
  {
    alert: 'SluiceDown',
    tells: 'the only pod of a release is gone while another release is there',
    series: {
      [build1]: '1x10 stale _x20 1x30',
      'sluice_build_info{namespace="other", job="sluice", instance="10.1.0.1:9090"}': '1x60',
    },
    moments: [
      quiet('10m'),
      quiet('14m'),
      fires('20m', { severity: 'critical', summary: 'apps/sluice: no pod answers Prometheus' }),
      quiet('40m'),
    ],
  },
  {
    alert: 'SluiceDown',
    tells: 'one of two clusters is down, whose releases have the same name, and its pods are still targets',
    series: {
      [inCluster('east', 'up')]: '1x10 0x400 1x30',
      [inCluster('east', 'sluice_build_info')]: '1x10 stale _x399 1x30',
      [inCluster('west', 'up')]: '1x440',
      [inCluster('west', 'sluice_build_info')]: '1x440',
    },
    moments: [
      quiet('14m'),
      fires('20m', {
        severity: 'critical',
        labels: { cluster: 'east' },
        summary: 'east/apps/sluice: no pod answers Prometheus',
      }),
      fires('400m', {
        severity: 'critical',
        labels: { cluster: 'east' },
        summary: 'east/apps/sluice: no pod answers Prometheus',
      }),
      quiet('430m'),
    ],
  },
  {
    alert: 'SluiceDown',
    tells: 'a release was renamed, or moved to another namespace',
    series: {
      [build1]: '1x10 stale',
      [up1]: '1x10 stale',
      'sluice_build_info{namespace="apps", job="new-name", instance="10.0.0.9:9090"}': '1x400',
      'up{namespace="apps", job="new-name", instance="10.0.0.9:9090"}': '1x400',
    },
    moments: [quiet('14m'), quiet('27m'), quiet('300m')],
  },
  {
    alert: 'SluiceDown',
    tells: 'no pod is left of a release whose Service still stands',
    series: {
      [build1]: '1x10 stale',
      [up1]: '1x10 stale',
      'sluice_build_info{namespace="other", job="sluice", instance="10.1.0.1:9090"}': '1x400',
      'kube_service_info{namespace="apps", service="sluice", job="kube-state-metrics"}': '1x310 stale',
    },
    moments: [
      quiet('14m'),
      fires('300m', { severity: 'critical', summary: 'apps/sluice: no pod answers Prometheus' }),
      quiet('320m'),
    ],
  },
  {
    alert: 'SluiceDown',
    tells: 'Prometheus knows of no Sluice at all',
    series: { 'up{job="node"}': '1x500', [build1]: '_x420 1x40' },
    moments: [
      quiet('3m'),
      fires('400m', { severity: 'critical', labels: null, summary: 'Sluice: no pod answers Prometheus' }),
      quiet('430m'),
    ],
  },
  {
    alert: 'SluiceTargetDown',
    tells: 'one of two pods does not answer',
    series: { [up1]: '1x5 0x29 1x20', [build1]: '1x5 stale _x28 1x20', [up2]: '1x60', [build2]: '1x60' },
    moments: [
      quiet('12m'),
      fires('20m', { severity: 'warning', value: '1', summary: 'apps/sluice: 1 pod(s) do not answer Prometheus' }),
      quiet('45m'),
    ],
  },
  {
    alert: 'SluiceTargetDown',
    tells: 'something else in the same job is down',
    series: {
      'up{namespace="apps", job="sluice", instance="10.0.0.9:8000"}': '0x40',
      [up1]: '1x40',
      [build1]: '1x40',
    },
    moments: [quiet('30m')],
  },
  {
    alert: 'SluiceRestarting',
    tells: 'a process restarts once, then again and again',
    series: { [start1]: '100x5 200x3 300x3 400x60', [build1]: '1x80' },
    moments: [
      quiet('5m'),
      fires('8m', { severity: 'warning', value: '1', summary: 'apps/sluice: the process restarted 1 time(s)' }),
      fires(
        '15m',
        { severity: 'warning', value: '3', summary: 'apps/sluice: the process restarted 3 time(s)' },
        { severity: 'critical', value: '3', summary: 'apps/sluice: the process restarted 3 time(s)' },
      ),
      quiet('60m'),
    ],
  },
  {
    alert: 'SluiceRestarting',
    tells: 'a rollout replaces pods',
    series: {
      [start1]: '100x10 stale',
      [build1]: '1x10 stale',
      [start2]: '_x8 700x40',
      [build2]: '_x8 1x40',
    },
    moments: [quiet('10m'), quiet('12m'), quiet('20m')],
  },
];
