import { describe, expect, test, vi } from 'vitest';
import type { KernelQueue } from '../../../src/relay/kernel-queue.ts';
import { StallWatch } from '../../../src/relay/stall.ts';

const limitMs = 30_000;
const unknown = () => null;

describe('a stalled receiver', () => {
  test('is one from which no waiting byte is taken', () => {
    const watch = new StallWatch();
    const at = (now: number) => watch.stalledMs(now, 0, limitMs, unknown);
    expect([1000, 2000, 30_999, 31_000, 40_000].map(at)).toEqual([0, 1000, 29_999, 30_000, 39_000]);
  });

  test('is none while waiting bytes are taken', () => {
    const watch = new StallWatch();
    watch.stalledMs(0, 0, limitMs, unknown);
    expect(watch.stalledMs(29_000, 1, limitMs, unknown)).toBe(0);
    expect(watch.stalledMs(58_000, 1, limitMs, unknown)).toBe(29_000);
    expect(watch.stalledMs(58_500, 2, limitMs, unknown)).toBe(0);
    expect(watch.stalledMs(59_500, 2, limitMs, unknown)).toBe(1000);
  });

  test('has a new time after it owed nothing', () => {
    const watch = new StallWatch();
    watch.stalledMs(0, 7, limitMs, unknown);
    watch.stalledMs(29_000, 7, limitMs, unknown);
    watch.rest();
    expect(watch.stalledMs(31_000, 7, limitMs, unknown)).toBe(0);
    expect(watch.stalledMs(32_000, 7, limitMs, unknown)).toBe(1000);
  });
});

describe("the kernel's send queue", () => {
  test('is asked for after a quarter of the limit and at its end, not at every tick', () => {
    const watch = new StallWatch();
    const kernel = vi.fn(() => ({ bytes: 4000, at: 1 }));
    const ask = (now: number) => {
      kernel.mockClear();
      watch.stalledMs(now, 0, limitMs, kernel);
      return kernel.mock.calls.length;
    };
    expect([0, 7499, 7500, 7750, 29_999, 30_000].map(ask)).toEqual([0, 0, 1, 0, 0, 1]);
  });

  test('proves progress where it has fallen', () => {
    const watch = new StallWatch();
    let kernel = 4000;
    const at = (now: number) => watch.stalledMs(now, 0, limitMs, () => ({ bytes: kernel, at: now }));
    at(0);
    at(15_000);
    kernel = 3999;
    expect(at(30_000)).toBe(0);
    expect(at(31_000)).toBe(1000);
  });

  test('proves it again and again, as for a reader of 20 KB/s before a full send buffer', () => {
    const watch = new StallWatch();
    const at = (now: number) => watch.stalledMs(now, 0, limitMs, () => ({ bytes: 4_000_000 - now * 20, at: now }));
    for (let now = 0; now <= 120_000; now += 250) expect(at(now)).toBeLessThan(limitMs);
  });

  test('proves progress where it has grown: room that was not there has been filled again', () => {
    const watch = new StallWatch();
    watch.stalledMs(0, 0, limitMs, unknown);
    watch.stalledMs(15_000, 0, limitMs, () => ({ bytes: 4000, at: 1 }));
    expect(watch.stalledMs(30_000, 0, limitMs, () => ({ bytes: 5000, at: 2 }))).toBe(0);
  });

  test('proves nothing where it stands still or cannot be read', () => {
    const first = { bytes: 4000, at: 1 };
    for (const [one, other] of [
      [first, { bytes: 4000, at: 2 }],
      [null, null],
      [first, null],
    ]) {
      const watch = new StallWatch();
      watch.stalledMs(0, 0, limitMs, unknown);
      watch.stalledMs(15_000, 0, limitMs, () => one!);
      expect(watch.stalledMs(30_000, 0, limitMs, () => other!)).toBe(30_000);
    }
  });

  test('decides nothing until there are two readings to compare', () => {
    const watch = new StallWatch();
    let reading: KernelQueue = 'pending';
    const at = (now: number) => watch.stalledMs(now, 0, limitMs, () => reading);
    expect([0, 15_000, 30_000].map(at)).toEqual([0, 15_000, 29_999]);
    reading = { bytes: 4000, at: 30_000 };
    expect([30_250, 30_500].map(at)).toEqual([29_999, 29_999]);
    reading = { bytes: 4000, at: 30_750 };
    expect(at(30_750)).toBe(30_750);
  });

  test('that stands still after it has fallen is a stall', () => {
    const watch = new StallWatch();
    let kernel = 4000;
    const at = (now: number) => watch.stalledMs(now, 0, limitMs, () => ({ bytes: kernel, at: now }));
    at(0);
    at(15_000);
    kernel = 1000;
    expect(at(30_000)).toBe(0);
    expect(at(60_000)).toBe(30_000);
  });
});
