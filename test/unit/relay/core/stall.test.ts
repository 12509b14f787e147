import { describe, expect, test, vi } from 'vitest';
import { type KernelQueue, StallWatch } from '../../../../src/relay/core/stall.ts';

const limitMs = 30_000;
const unknown = () => null;
const sent = (drainedBytes: number, handedBytes = 5000) => ({ drainedBytes, handedBytes });

describe('a stalled receiver', () => {
  test('is one from which no waiting byte is taken', () => {
    const watch = new StallWatch();
    const at = (now: number) => watch.stalledMs(now, limitMs, sent(0), unknown);
    expect([1000, 2000, 30_999, 31_000, 40_000].map(at)).toEqual([0, 1000, 29_999, 30_000, 39_000]);
  });

  test('is none while waiting bytes are taken', () => {
    const watch = new StallWatch();
    const at = (now: number, drained: number) => watch.stalledMs(now, limitMs, sent(drained), unknown);
    at(0, 0);
    expect(at(29_000, 1)).toBe(0);
    expect(at(58_000, 1)).toBe(29_000);
    expect(at(58_500, 2)).toBe(0);
    expect(at(59_500, 2)).toBe(1000);
  });

  test('has a new time after it owed nothing', () => {
    const watch = new StallWatch();
    const at = (now: number) => watch.stalledMs(now, limitMs, sent(7), unknown);
    at(0);
    at(29_000);
    watch.rest();
    expect(at(31_000)).toBe(0);
    expect(at(32_000)).toBe(1000);
  });

  test('keeps its time where another limit holds than before', () => {
    const watch = new StallWatch();
    const at = (now: number, limit: number) =>
      watch.stalledMs(now, limit, sent(0, 4000 + now), () => ({ bytes: 4000 + now, at: now }));
    for (let now = 0; now <= 70_000; now += 250) expect(at(now, 90_000)).toBe(now);
    // Its kernel is full now: it has taken nothing for longer than may be.
    expect(at(70_250, 60_000)).toBe(70_250);
  });
});

describe("the kernel's send queue", () => {
  test('is asked for after a quarter of the limit and at its end, not at every tick', () => {
    const watch = new StallWatch();
    const kernel = vi.fn(() => ({ bytes: 4000, at: 1e9 }));
    const ask = (now: number) => {
      kernel.mockClear();
      watch.stalledMs(now, limitMs, sent(0), kernel);
      return kernel.mock.calls.length;
    };
    expect([0, 7499, 7500, 7750, 29_999, 30_000].map(ask)).toEqual([0, 0, 1, 0, 0, 1]);
  });

  test('proves progress where it has fallen', () => {
    const watch = new StallWatch();
    let kernel = 4000;
    const at = (now: number) => watch.stalledMs(now, limitMs, sent(0), () => ({ bytes: kernel, at: now }));
    at(0);
    at(15_000);
    kernel = 3999;
    expect(at(30_000)).toBe(0);
    expect(at(31_000)).toBe(1000);
  });

  test('proves it again and again, as for a reader of 20 KB/s before a full send buffer', () => {
    const watch = new StallWatch();
    const at = (now: number) =>
      watch.stalledMs(now, limitMs, sent(0), () => ({ bytes: 4_000_000 - now * 20, at: now }));
    for (let now = 0; now <= 120_000; now += 250) expect(at(now)).toBeLessThan(limitMs);
  });

  test('proves nothing where it has grown by what was sent, however long that goes on', () => {
    const watch = new StallWatch();
    const at = (now: number) =>
      watch.stalledMs(now, limitMs, sent(0, 1000 + now), () => ({ bytes: 1000 + now, at: now }));
    for (let now = 0; now < 30_000; now += 250) expect(at(now)).toBe(now);
    expect(at(30_000)).toBe(30_000);
  });

  test('proves progress where more was sent than it has grown by', () => {
    const watch = new StallWatch();
    const at = (now: number) =>
      watch.stalledMs(now, limitMs, sent(0, 1000 + 2 * now), () => ({ bytes: 1000 + now, at: now }));
    for (let now = 0; now <= 120_000; now += 250) expect(at(now)).toBeLessThan(limitMs);
  });

  test('proves nothing where it stands still or cannot be read', () => {
    const first = { bytes: 4000, at: 15_000 };
    for (const [one, other] of [
      [first, { bytes: 4000, at: 30_000 }],
      [null, null],
      [first, null],
    ]) {
      const watch = new StallWatch();
      watch.stalledMs(0, limitMs, sent(0), unknown);
      watch.stalledMs(15_000, limitMs, sent(0), () => one!);
      expect(watch.stalledMs(30_000, limitMs, sent(0), () => other!)).toBe(30_000);
    }
  });

  test('decides nothing until there are two readings to compare, each newer than the question', () => {
    const watch = new StallWatch();
    let reading: KernelQueue = 'pending';
    const at = (now: number) => watch.stalledMs(now, limitMs, sent(0), () => reading);
    expect([0, 15_000, 30_000].map(at)).toEqual([0, 15_000, 29_999]);
    reading = { bytes: 4000, at: 14_750 };
    expect(at(30_250)).toBe(29_999);
    reading = { bytes: 4000, at: 30_250 };
    expect([30_500, 30_750].map(at)).toEqual([29_999, 29_999]);
    reading = { bytes: 4000, at: 30_750 };
    expect(at(31_000)).toBe(31_000);
  });

  test('that stands still after it has fallen is a stall', () => {
    const watch = new StallWatch();
    let kernel = 4000;
    const at = (now: number) => watch.stalledMs(now, limitMs, sent(0), () => ({ bytes: kernel, at: now }));
    at(0);
    at(15_000);
    kernel = 1000;
    expect(at(30_000)).toBe(0);
    expect(at(60_000)).toBe(30_000);
  });

  describe('read while more was sent', () => {
    /**
     * A watch at the end of its limit that has seen nothing taken, and what it says of a reading in a tick of 1000 sent
     * bytes.
     */
    function setUp() {
      const watch = new StallWatch();
      let handed = 4000;
      watch.stalledMs(0, limitMs, sent(0, handed), unknown);
      watch.stalledMs(15_000, limitMs, sent(0, handed), () => ({ bytes: 4000, at: 15_000 }));
      let now = 29_500;
      return (queueOf: (handedBefore: number) => number) => {
        now += 500;
        watch.stalledMs(now, limitMs, sent(0, handed), () => 'pending');
        const reading = { bytes: queueOf(handed), at: now };
        handed += 1000;
        return watch.stalledMs(now + 250, limitMs, sent(0, handed), () => reading);
      };
    }

    test('leaves it open a few times whether something was taken', () => {
      const look = setUp();
      const undecided = limitMs - 1;
      const stuck = (handed: number) => handed;
      expect([look(stuck), look(stuck), look(stuck), look(stuck)]).toEqual([undecided, undecided, undecided, 31_750]);
    });

    test('proves progress where more was taken than can have been sent meanwhile', () => {
      const look = setUp();
      expect(look((handed) => handed)).toBe(limitMs - 1);
      expect(look((handed) => handed - 500)).toBe(0);
    });
  });
});
