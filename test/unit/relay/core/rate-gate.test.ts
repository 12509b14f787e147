import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { RateGate } from '../../../../src/relay/core/rate-gate.ts';
import { globalClock } from '../../../helpers/clock.ts';
import { senderLimits } from '../../../helpers/relay.ts';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

const rate = (perSecond: number, burst = perSecond) => ({ perSecond, burst, action: 'pause' }) as const;
const kib = 1024;
/** Its alarms are those of the fake timers; the time itself is an argument of each test. */
const clock = { ...globalClock, now: () => 0 };

function gate(limits: Parameters<typeof senderLimits>[0]) {
  const onPass = vi.fn();
  return { gate: new RateGate(senderLimits(limits), clock, onPass), onPass };
}

describe('without rates', () => {
  test('everything passes', () => {
    const { gate: open } = gate({});
    for (let i = 0; i < 10_000; i++) expect(open.takeMessage(0)).toBe(true);
    expect(open.chargeBytes(1e12, 0)).toBe(false);
    expect(open.byteDebt(0)).toBe(0);
    expect(open.maxReadBytes).toBe(Number.POSITIVE_INFINITY);
  });

  test('whoever waits all the same goes on at once', () => {
    const { gate: open, onPass } = gate({});
    open.awaitMessage(0);
    vi.advanceTimersByTime(1);
    open.awaitBytes(0);
    vi.advanceTimersByTime(1);
    expect(onPass).toHaveBeenCalledTimes(2);
  });
});

describe('a message rate', () => {
  test('calls back when the next message may pass, and then it may', () => {
    const { gate: limited, onPass } = gate({ messageRate: rate(3, 2) });
    expect([limited.takeMessage(0), limited.takeMessage(0), limited.takeMessage(0)]).toEqual([true, true, false]);
    limited.awaitMessage(0);
    vi.advanceTimersByTime(333);
    expect(onPass).not.toHaveBeenCalled();
    vi.advanceTimersByTime(1);
    expect(onPass).toHaveBeenCalledTimes(1);
    expect(limited.takeMessage(334)).toBe(true);
  });
});

describe('a byte rate', () => {
  test('calls back when what has passed is paid for', () => {
    const { gate: limited, onPass } = gate({ byteRate: rate(10_000) });
    expect(limited.chargeBytes(10_000, 0)).toBe(false);
    expect(limited.chargeBytes(5000, 0)).toBe(true);
    expect(limited.byteDebt(0)).toBeCloseTo(5000);
    limited.awaitBytes(0);
    vi.advanceTimersByTime(499);
    expect(onPass).not.toHaveBeenCalled();
    vi.advanceTimersByTime(1);
    expect(onPass).toHaveBeenCalledTimes(1);
    expect(limited.byteDebt(500)).toBe(0);
  });

  test('holds nobody for longer than a second at a time', () => {
    const { gate: limited, onPass } = gate({ byteRate: rate(1000) });
    limited.chargeBytes(1_000_000, 0);
    limited.awaitBytes(0);
    vi.advanceTimersByTime(999);
    expect(onPass).not.toHaveBeenCalled();
    vi.advanceTimersByTime(1);
    expect(onPass).toHaveBeenCalledTimes(1);
  });

  test('makes reads no larger than what one second pays for', () => {
    expect(gate({ byteRate: rate(100 * kib, 1) }).gate.maxReadBytes).toBe(100 * kib);
    expect(gate({ byteRate: rate(1) }).gate.maxReadBytes).toBe(kib);
  });
});

describe('waiting', () => {
  test('has one timer: the last wait counts', () => {
    const { gate: limited, onPass } = gate({ messageRate: rate(2, 1), byteRate: rate(1000) });
    limited.takeMessage(0);
    limited.chargeBytes(1100, 0);
    limited.awaitMessage(0);
    limited.awaitBytes(0);
    vi.advanceTimersByTime(100);
    expect(onPass).toHaveBeenCalledTimes(1);
    vi.advanceTimersByTime(10_000);
    expect(onPass).toHaveBeenCalledTimes(1);
  });

  test('ends with stop', () => {
    const { gate: limited, onPass } = gate({ messageRate: rate(1) });
    limited.stop();
    limited.takeMessage(0);
    limited.awaitMessage(0);
    expect(vi.getTimerCount()).toBe(1);
    limited.stop();
    expect(vi.getTimerCount()).toBe(0);
    vi.advanceTimersByTime(10_000);
    expect(onPass).not.toHaveBeenCalled();
  });
});

test('control frames have a rate of their own', () => {
  const controlRate = { perSecond: 1, burst: 3, action: 'close' } as const;
  const { gate: limited } = gate({ controlRate, messageRate: rate(1) });
  limited.takeMessage(0);
  expect([0, 0, 0, 0, 1000].map((now) => limited.takeControl(now))).toEqual([true, true, true, false, true]);
});

test('goes on under new rates', () => {
  const { gate: limited } = gate({ messageRate: rate(1, 5) });
  limited.change(senderLimits({ messageRate: rate(1, 2), byteRate: rate(5 * kib) }), 0);
  expect([limited.takeMessage(0), limited.takeMessage(0), limited.takeMessage(0)]).toEqual([true, true, false]);
  expect(limited.maxReadBytes).toBe(5 * kib);
  expect(limited.chargeBytes(5 * kib + 1, 0)).toBe(true);
  limited.change(senderLimits({ controlRate: { perSecond: 1, burst: 1, action: 'close' } }), 0);
  expect([limited.takeMessage(0), limited.chargeBytes(1e9, 0)]).toEqual([true, false]);
  expect([limited.takeControl(0), limited.takeControl(0)]).toEqual([true, false]);
});
