import { expect, test } from 'vitest';
import { size, sizes, times } from '../../../src/limits/quantities.ts';

const MiB = 2 ** 20;

test.each([
  [150 * MiB, 20 * MiB, '150 MiB', '20 MiB'],
  [16_987_000, 10 * MiB, '16.2 MiB', '10 MiB'],
  [10 * MiB + 1, 10 * MiB, '10.000001 MiB', '10 MiB'],
  [2 ** 30 + 1, 2 ** 30, '1.000000001 GiB', '1 GiB'],
  [1536 * MiB, 1024 * MiB, '1.5 GiB', '1 GiB'],
  [25_000_001, 25_000_000, '25.000001 MB', '25 MB'],
  [1.5 * MiB, 1.5 * MiB - 1, '1572864 bytes', '1572863'],
  [65_537, 65_536, '65537 bytes', '65536'],
  [2n ** 63n - 1n, 10 * MiB, '8796093022208 MiB', '10 MiB'],
  [2n ** 63n - 1n, 1000, '9223372036854775807 bytes', '1000'],
])('%d bytes are told from a limit of %d', (observed, configured, seen, limit) => {
  expect(sizes(observed, configured)).toEqual({ observed: seen, configured: limit });
});

test('no two sizes that differ look equal', () => {
  for (const limit of [1, 2 ** 20, 10 * MiB, 25e6, 2 ** 30, 1e9, 8 * 2 ** 40, Number.MAX_SAFE_INTEGER - 1]) {
    for (const more of [1, 2, 999, 50_000, 1e6]) {
      const { observed, configured } = sizes(limit + more, limit);
      expect(observed.split(' ')[0]).not.toBe(configured.split(' ')[0]);
    }
  }
});

test('times are told in seconds where the limit is', () => {
  expect(times(30_250, 30_000)).toEqual({ observed: '30.3 s', configured: '30 s' });
  expect(times(30_001, 30_000)).toEqual({ observed: '30.001 s', configured: '30 s' });
  expect(times(501, 500)).toEqual({ observed: '501 ms', configured: '500' });
});

test('a size alone has its unit', () => {
  expect([size(10 * MiB), size(1000)]).toEqual(['10 MiB', '1000 bytes']);
});
