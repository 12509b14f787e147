import { describe, expect, test } from 'vitest';
import { belowLowMark, highMark } from '../../../src/limits/watermarks.ts';
import { senderLimits } from '../../helpers/relay.ts';

const limits = senderLimits({ maxBufferBytes: 1000, maxQueue: 8 });

describe('the high mark', () => {
  test('is reached at the limit, not below it', () => {
    expect(highMark(999, 7, limits)).toBeNull();
    expect(highMark(1000, 7, limits)).toBe('buffer');
    expect(highMark(999, 8, limits)).toBe('queue');
  });

  test('names the buffer where both are reached', () => {
    expect(highMark(1001, 9, limits)).toBe('buffer');
  });
});

describe('the low mark', () => {
  test('is a quarter of both', () => {
    expect(belowLowMark(250, 2, limits)).toBe(true);
    expect(belowLowMark(251, 2, limits)).toBe(false);
    expect(belowLowMark(250, 3, limits)).toBe(false);
  });

  test('can be reached with a queue of one', () => {
    const one = senderLimits({ maxBufferBytes: 1000, maxQueue: 1 });
    expect(belowLowMark(0, 0, one)).toBe(true);
    expect(belowLowMark(0, 1, one)).toBe(false);
  });
});
