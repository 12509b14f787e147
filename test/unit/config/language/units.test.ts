import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  formatCount,
  formatDuration,
  formatFileSize,
  formatMemory,
  formatRate,
  formatShare,
  formatSize,
} from '../../../../src/config/language/format.ts';
import type { Result } from '../../../../src/config/language/result.ts';
import * as units from '../../../../src/config/language/units.ts';

const KiB = 1024;
const MiB = 1024 * KiB;
const GiB = 1024 * MiB;

function problemOf(parsed: Result<unknown>): string {
  if (!('problem' in parsed)) throw new Error(`parsed to ${JSON.stringify(parsed.value)}`);
  return parsed.problem;
}

describe('sizes', () => {
  test.each([
    ['20MiB', 20 * MiB],
    ['20MB', 20_000_000],
    ['64KiB', 64 * KiB],
    ['1kB', 1000],
    ['1KB', 1000],
    ['3GiB', 3 * GiB],
    ['3GB', 3e9],
    ['1TiB', 1024 * GiB],
    ['1TB', 1e12],
    ['12B', 12],
    [1, 1],
    [20_971_520, 20 * MiB],
    [Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER],
  ])('%s is %d bytes', (text, bytes) => {
    expect(units.parseSize(text)).toEqual({ value: bytes });
  });

  test.each([
    ['20 MiBs', 'is not a size; write 20MiB, 20MB or bytes'],
    ['20 MiB', 'is not a size; write 20MiB, 20MB or bytes'],
    ['5Mi', 'is not a size; write 5MiB, 5MB or bytes'],
    ['64k', 'is not a size; write 64KiB, 64KB or bytes'],
    ['2Kib', 'is not a size; write 2KiB, 2KB or bytes'],
    ['1.5GiB', 'is not a size; write 1GiB, 1GB or bytes'],
    ['20mib', 'is not a size; write 20MiB, 20MB or bytes'],
    ['1.5MiB', 'is not a size; write 1MiB, 1MB or bytes'],
    ['-5MiB', 'is not a size; write 20MiB, 20MB or bytes'],
    ['big', 'is not a size; write 20MiB, 20MB or bytes'],
    ['7constructor', 'is not a size; write 7MiB, 7MB or bytes'],
    ['', 'is not a size; write 20MiB, 20MB or bytes'],
    [1.5, 'is not a size; write 1MiB, 1MB or bytes'],
    [Number.NaN, 'is not a size; write 20MiB, 20MB or bytes'],
    [true, 'is not a size; write 20MiB, 20MB or bytes'],
    [[1], 'is not a size; write 20MiB, 20MB or bytes'],
    [{ toString: 0 }, 'is not a size; write 20MiB, 20MB or bytes'],
    [-5, 'is negative; write 20MiB, 20MB or bytes'],
    [0, 'is no usable size; write at least 1B, or remove the line for the default'],
    ['0MiB', 'is no usable size; write at least 1B, or remove the line for the default'],
    [2 ** 60, 'is too large for a size; write at most 8191TiB'],
    ['8192TiB', 'is too large for a size; write at most 8191TiB'],
    [`${'9'.repeat(400)}TiB`, 'is too large for a size; write at most 8191TiB'],
    ['unlimited', 'is not a size; write 20MiB, 20MB or bytes'],
  ])('refuses %s', (text, problem) => {
    expect(problemOf(units.parseSize(text))).toBe(problem);
  });

  test('unlimited is infinite where it is allowed, and 0 is not a way to write it', () => {
    expect(units.parseSizeOrUnlimited('unlimited')).toEqual({ value: Number.POSITIVE_INFINITY });
    expect(units.parseSizeOrUnlimited('1KiB')).toEqual({ value: KiB });
    expect(problemOf(units.parseSizeOrUnlimited(0))).toContain('or unlimited');
  });

  test('every size survives being formatted and parsed', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }), (bytes) => {
        expect(units.parseSize(formatSize(bytes))).toEqual({ value: bytes });
      }),
    );
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 4000 }),
        fc.constantFrom('B', 'kB', 'MB', 'GB', 'TB', 'KiB', 'MiB', 'GiB', 'TiB'),
        (n, unit) => {
          const parsed = units.parseSize(`${n}${unit}`) as { value: number };
          expect(units.parseSize(formatSize(parsed.value))).toEqual(parsed);
        },
      ),
    );
  });
});

describe('durations', () => {
  test.each([
    ['500ms', 500],
    ['30s', 30_000],
    ['5m', 300_000],
    ['1h', 3_600_000],
    ['596h', 596 * 3_600_000],
    ['0s', 0],
    ['0', 0],
    [0, 0],
    ['off', 0],
  ])('%s is %d ms', (text, ms) => {
    expect(units.parseDuration(text)).toEqual({ value: ms });
  });

  test.each([
    [30, 'has no unit; write 30s, 30m or 30ms'],
    ['30', 'is not a duration; write 30s, 30m, 30ms, or off'],
    ['30 s', 'is not a duration; write 30s, or off'],
    ['30sec', 'is not a duration; write 30s, or off'],
    ['2 Hours', 'is not a duration; write 2h, or off'],
    ['1d', 'is not a duration; write 24h, or off'],
    ['90d', 'is not a duration; write 90s, 90m, 90ms, or off'],
    ['1w', 'is not a duration; write 1s, 1m, 1ms, or off'],
    ['1.5s', 'is not a duration; write 1s, 1m, 1ms, or off'],
    ['unlimited', 'is not a duration; write 30s, 30m, 30ms, or off'],
    [false, 'is not a duration; write 30s, 30m, 30ms, or off'],
    [-1, 'is negative; write a duration such as 30s, or off'],
  ])('refuses %s', (text, problem) => {
    expect(problemOf(units.parseDuration(text))).toBe(problem);
  });

  test('refuses what a timer of Node cannot hold, because it would fire at once', () => {
    expect(problemOf(units.parseDuration('597h'))).toBe('is too long; write at most 596h, or off');
    const longest = units.parseDuration('596h') as { value: number };
    expect(longest.value).toBeLessThan(2 ** 31);
  });

  test('a finite duration refuses off, and does not propose it', () => {
    expect(units.parseFiniteDuration('10s')).toEqual({ value: 10_000 });
    expect(problemOf(units.parseFiniteDuration('off'))).toContain('would wait for ever');
    expect(problemOf(units.parseFiniteDuration(0))).toContain('would wait for ever');
    expect(problemOf(units.parseFiniteDuration('ten'))).not.toContain('off');
  });

  test('every duration survives being formatted and parsed', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 596 * 3_600_000 }), (ms) => {
        expect(units.parseDuration(formatDuration(ms))).toEqual({ value: ms });
      }),
    );
  });
});

describe('counts', () => {
  test('a whole number from 1', () => {
    expect(units.parseCount(64)).toEqual({ value: 64 });
    expect(units.parsePrefixLength(1)).toEqual({ value: 1 });
    expect(units.parsePrefixLength(128)).toEqual({ value: 128 });
    expect(units.parseCountOrUnlimited('unlimited')).toEqual({ value: Number.POSITIVE_INFINITY });
    expect(units.parseCountOrUnlimited(3)).toEqual({ value: 3 });
  });

  test.each([
    [0, 'is no usable count; write 1 or more'],
    [-4, 'is negative; write 1 or more'],
    [1.5, 'is not a count; write a whole number such as 1'],
    ['64', 'is not a count; write a whole number such as 64'],
    [null, 'is not a count; write a whole number such as 64'],
    [2 ** 60, 'is too large for a count; write at most 1000000000'],
  ])('refuses %s', (value, problem) => {
    expect(problemOf(units.parseCount(value))).toBe(problem);
  });
});

describe('rates', () => {
  test('the plain form has a burst of one second and pauses', () => {
    expect(units.parseRate('100/s', 'messages')).toEqual({ value: { perSecond: 100, burst: 100, action: 'pause' } });
    expect(units.parseRate('10MiB/s', 'bytes')).toEqual({
      value: { perSecond: 10 * MiB, burst: 10 * MiB, action: 'pause' },
    });
    expect(units.parseRate('unlimited', 'bytes')).toEqual({ value: null });
  });

  test('the long form sets burst and action', () => {
    expect(units.parseRate({ rate: '100/s', burst: 200, action: 'close' }, 'messages')).toEqual({
      value: { perSecond: 100, burst: 200, action: 'close' },
    });
    expect(units.parseRate({ rate: '1MB/s', burst: '2MB' }, 'bytes')).toEqual({
      value: { perSecond: 1_000_000, burst: 2_000_000, action: 'pause' },
    });
    expect(units.parseRate({ rate: '5/s' }, 'messages')).toEqual({
      value: { perSecond: 5, burst: 5, action: 'pause' },
    });
  });

  test('control frames close, and their rate is always finite', () => {
    expect(units.parseControlRate('50/s')).toEqual({ value: { perSecond: 50, burst: 50, action: 'close' } });
    expect(units.parseControlRate({ rate: '50/s', burst: 200 })).toEqual({
      value: { perSecond: 50, burst: 200, action: 'close' },
    });
    expect(problemOf(units.parseControlRate('unlimited'))).toBe(
      'is not a rate per second; write 100/s or {rate, burst}',
    );
    expect(units.parseControlRate({ rate: '1/s', action: 'pause' })).toMatchObject({ key: 'action' });
  });

  test.each([
    [500, 'messages', undefined, 'is not a rate per second; write 500/s, {rate, burst, action} or unlimited'],
    ['100', 'messages', undefined, 'is not a rate per second; write 100/s, {rate, burst, action} or unlimited'],
    ['600/min', 'messages', undefined, 'is not a rate per second; write 10/s, {rate, burst, action} or unlimited'],
    ['10r/s', 'messages', undefined, 'is not a rate per second; write 10/s, {rate, burst, action} or unlimited'],
    ['0', 'messages', undefined, 'is not a rate per second; write 100/s, {rate, burst, action} or unlimited'],
    [5, 'bytes', undefined, 'is not a rate per second; write 5MiB/s, {rate, burst, action} or unlimited'],
    ['5MB', 'bytes', undefined, 'is not a rate per second; write 5MB/s, {rate, burst, action} or unlimited'],
    ['100/m', 'messages', undefined, 'is not a rate per second; write 2/s, {rate, burst, action} or unlimited'],
    ['1MiB/s', 'messages', undefined, 'is not a rate per second; write 100/s, {rate, burst, action} or unlimited'],
    ['0/s', 'messages', undefined, 'is no usable rate; write 100/s, {rate, burst, action} or unlimited'],
    ['100/s', 'bytes', undefined, 'is not a rate per second; write 100MiB/s, {rate, burst, action} or unlimited'],
    [{}, 'messages', undefined, 'has no rate; write {rate: 100/s}'],
    [{ rate: 'fast' }, 'bytes', 'rate', 'is not a rate per second; write 10MiB/s'],
    [{ rate: '1/s', burst: 0 }, 'messages', 'burst', 'is no usable count; write 1 or more'],
    [{ rate: '1B/s', burst: 'x' }, 'bytes', 'burst', 'is not a size; write 20MiB, 20MB or bytes'],
    [{ rate: '1/s', action: 'drop' }, 'messages', 'action', 'is not an action; write pause or close'],
    [{ rate: '1/s', brust: 3 }, 'messages', 'brust', 'is not a key of a rate; write {rate, burst, action}'],
    [['1/s'], 'messages', undefined, 'is not a rate per second; write 100/s, {rate, burst, action} or unlimited'],
  ] as const)('refuses %j of %s', (value, of, key, problem) => {
    expect(units.parseRate(value, of)).toEqual(key === undefined ? { problem } : { key, problem });
  });

  test('every plain rate survives being formatted and parsed', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 1_000_000_000 }),
        fc.constantFrom('messages' as const, 'bytes' as const),
        (n, of) => {
          const rate = { perSecond: n, burst: n, action: 'pause' as const };
          expect(units.parseRate(formatRate(rate, of), of)).toEqual({ value: rate });
        },
      ),
    );
  });
});

test('any value gives a result, never an exception, and every refusal says what to write', () => {
  const parsers = [
    units.parseSize,
    units.parseSizeOrUnlimited,
    units.parseDuration,
    units.parseFiniteDuration,
    units.parsePrefixLength,
    units.parseCount,
    units.parseCountOrUnlimited,
    (value: unknown) => units.parseRate(value, 'messages'),
    (value: unknown) => units.parseRate(value, 'bytes'),
    units.parseControlRate,
  ];
  fc.assert(
    fc.property(fc.anything(), (value) => {
      for (const parse of parsers) {
        const parsed = parse(value);
        if ('problem' in parsed) expect(parsed.problem).toMatch(/; write /);
      }
    }),
  );
});

test("the schema's patterns accept exactly the texts that the parsers accept", () => {
  const texts = fc.oneof(
    fc.stringMatching(/^\d{1,3}(ms|s|m|h|B|kB|KB|MB|GB|KiB|MiB|GiB|Mi|x)?(\/s)?$/),
    fc.constantFrom('off', '0', 'unlimited', '', '1 s'),
    fc.string({ maxLength: 8 }),
  );
  fc.assert(
    fc.property(texts, (text) => {
      // Of up to three digits; of more they may refuse some that nobody writes (test/property/config).
      const taken = (parsed: Result<unknown>) => 'value' in parsed;
      expect(new RegExp(units.sizePattern).test(text)).toBe(taken(units.parseSize(text)));
      expect(new RegExp(units.durationPattern).test(text)).toBe(taken(units.parseDuration(text)));
      expect(new RegExp(units.finiteDurationPattern).test(text)).toBe(taken(units.parseFiniteDuration(text)));
      expect(new RegExp(units.countRatePattern).test(text)).toBe(taken(units.parseControlRate(text)));
      expect(new RegExp(units.byteRatePattern).test(text)).toBe(
        text !== 'unlimited' && taken(units.parseRate(text, 'bytes')),
      );
    }),
    { numRuns: 1000 },
  );
});

test('formats for people', () => {
  expect(formatSize(Number.POSITIVE_INFINITY)).toBe('unlimited');
  expect(formatSize(1_048_577)).toBe('1048577B');
  expect(formatFileSize(15_728_640)).toBe('15.7 MB');
  expect(formatFileSize(999)).toBe('999 B');
  expect(formatFileSize(Number.POSITIVE_INFINITY)).toBe('any size');
  expect(formatMemory(1.5 * GiB)).toBe('1.5 GiB');
  expect(formatMemory(100)).toBe('100 B');
  expect(formatCount(Number.POSITIVE_INFINITY)).toBe('unlimited');
  expect(formatRate(null, 'bytes')).toBe('unlimited');
  expect(formatRate({ perSecond: 50, burst: 200, action: 'close' }, 'messages')).toBe('50/s, burst 200, close');
});

describe('shares', () => {
  test.each([
    ['all', 1],
    ['none', 0],
    ['10%', 0.1],
    ['0.5%', 0.005],
    ['0%', 0],
  ])('%s is %d', (text, share) => {
    expect(units.parseShare(text)).toEqual({ value: share });
  });

  test.each([1, 0.1, '100', '101%', '-1%', 'off', null])('%j is none', (value) => {
    expect(units.parseShare(value)).toEqual({
      problem: 'is not a share; write all, none or a percentage such as 10%',
    });
  });

  test('are written as they are read', () => {
    expect([1, 0, 0.1, 0.005, 0.07].map(formatShare)).toEqual(['all', 'none', '10%', '0.5%', '7%']);
  });
});

test('a rate of lines may be unlimited, and says so where it is wrong', () => {
  expect(units.parseLineRate('unlimited')).toEqual({ value: null });
  expect(units.parseLineRate('5/s')).toMatchObject({ value: { perSecond: 5, burst: 5 } });
  expect(units.parseLineRate({ rate: '5/s', burst: 50 })).toMatchObject({ value: { perSecond: 5, burst: 50 } });
  expect(units.parseLineRate('many')).toMatchObject({ problem: expect.stringContaining('or unlimited') });
  expect(units.parseLineRate({ rate: 'many' })).toMatchObject({ key: 'rate' });
});
