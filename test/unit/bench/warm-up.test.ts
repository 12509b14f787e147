import { describe, expect, test } from 'vitest';
import { isWarm } from '../../../bench/warm-up.ts';

const warmth = { cpuSeconds: 1.5, steady: true };
const falling = (windows: number) => Array.from({ length: windows }, (_, i) => 400 * 0.95 ** i);

describe('a process', () => {
  test('is not warm while its work gets cheaper', () => {
    for (let windows = 1; windows < 40; windows++)
      expect(isWarm(warmth, falling(windows), 10), `${windows}`).toBe(false);
  });

  test('is warm when four windows were no cheaper than the best before', () => {
    expect(isWarm(warmth, [400, 300, 202, 206, 200, 210], 10)).toBe(false);
    expect(isWarm(warmth, [400, 300, 202, 206, 200, 210, 199], 10)).toBe(true);
  });

  test('is taken for warm after 40 windows', () => {
    expect(isWarm(warmth, falling(40), 10)).toBe(true);
  });

  test('is not warm before it has worked', () => {
    const even = Array.from({ length: 7 }, () => 200);
    expect(isWarm(warmth, even, 1.5)).toBe(false);
    expect(isWarm(warmth, even, 1.6)).toBe(true);
  });

  test('that is idle even under load is warm after eight windows', () => {
    expect(isWarm(warmth, falling(8), 0.2)).toBe(true);
  });

  test('need not be steady for a quick look', () => {
    expect(isWarm({ cpuSeconds: 0.3, steady: false }, [400], 0.4)).toBe(true);
  });
});
