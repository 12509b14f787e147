import { expect, test, vi } from 'vitest';
import { stolenSeconds, undisturbed } from '../../../bench/steal.ts';

test('what the host has taken stands in the eighth column, in hundredths of a second', () => {
  const stat = [
    'cpu  9 9 9 9 9 3 9 312299 0 0',
    'cpu0 1 2 3 4 5 6 7 800 9 10',
    'cpu1 0 0 0 0 0 0 0 90 0 0',
    'intr 5',
    '',
  ];
  const stolen = (proxy: string, load: string) => stolenSeconds({ proxy, load, backend: load }, stat.join('\n'));
  expect([stolen('0', '1'), stolen('1', '1'), stolenSeconds(null, stat.join('\n'))]).toEqual([8.9, 0.9, 3122.99]);
});

/** The host's count before and after each measurement. */
function host(...counts: number[]): () => number {
  return () => counts.shift()!;
}

test('a measurement that the host left alone is the first', async () => {
  const measure = vi.fn(async () => 'a');
  expect(await undisturbed(measure, host(7, 7.01))).toEqual({ value: 'a', repeats: 0 });
});

test('what the host has disturbed is measured again', async () => {
  const measure = vi.fn<() => Promise<string>>().mockResolvedValueOnce('slow').mockResolvedValueOnce('slower');
  measure.mockResolvedValueOnce('usual');
  expect(await undisturbed(measure, host(7, 7.02, 7.02, 9, 9, 9))).toEqual({ value: 'usual', repeats: 2 });
});

test('a host that is never quiet is measured as it is', async () => {
  let stolen = 0;
  const measure = vi.fn(async () => stolen);
  const { repeats } = await undisturbed(measure, () => ++stolen);
  expect([measure.mock.calls.length, repeats]).toEqual([5, 4]);
});
