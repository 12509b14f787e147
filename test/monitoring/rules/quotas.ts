import { fires, pod, quiet, type Story } from './story.ts';

export const quotas: readonly Story[] = [
  {
    alert: 'SluiceQuotaStoreDown',
    tells: 'the store is restarted in a minute, and later is gone for twenty',
    series: {
      [pod(1, 'sluice_quota_store_up')]: '1x9 0 1x19 0x20 1x20',
      [pod(2, 'sluice_quota_store_up')]: '1x9 0 1x19 0x20 1x20',
    },
    moments: [
      quiet('12m'),
      quiet('29m'),
      fires('40m', { severity: 'warning', value: '2', summary: 'apps/sluice: 2 pod(s) count caps and rates alone' }),
      quiet('60m'),
    ],
  },
  {
    alert: 'SluiceQuotaStoreDown',
    tells: 'one pod loses it again and again',
    series: {
      [pod(1, 'sluice_quota_store_up')]: '1x9 0 1 0 1 0 1 0 1 0 1 0 1 0 1 0 1 1x20',
      [pod(2, 'sluice_quota_store_up')]: '1x50',
    },
    moments: [
      quiet('10m'),
      fires('20m', { severity: 'warning', value: '1', summary: 'apps/sluice: 1 pod(s) count caps and rates alone' }),
      quiet('40m'),
    ],
  },
  {
    alert: 'SluiceQuotaStoreDown',
    tells: 'no store is named',
    series: { [pod(1, 'sluice_build_info')]: '1x30' },
    moments: [quiet('20m')],
  },
];
