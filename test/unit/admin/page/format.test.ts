import { expect, test } from 'vitest';
import {
  bytes,
  compact,
  count,
  duration,
  exactBytes,
  moment,
  number,
  time,
} from '../../../../src/admin/page/format.js';

test.each([
  [0, '0 B'],
  [1023, '1023 B'],
  [1024, '1 KiB'],
  [1536, '1.5 KiB'],
  [10_900, '10.6 KiB'],
  [2 ** 20 - 1, '1 MiB'],
  [2 ** 20 * 123.4, '123 MiB'],
  [2 ** 60, '1024 PiB'],
])('%d bytes are %s', (value, text) => {
  expect(bytes(value)).toBe(text);
});

test.each<[number | string, string]>([
  [1024, '1 KiB'],
  [1025, '1,025 B'],
  [20 * 2 ** 20, '20 MiB'],
  [1536, '1,536 B'],
  ['9007199254740993', '9007199254740993 B'],
])('%s bytes, to the byte, are %s', (value, text) => {
  expect(exactBytes(value)).toBe(text);
});

test.each([
  [-5, '0 s'],
  [999, '0 s'],
  [73_000, '1 min 13 s'],
  [3_600_000, '1 h'],
  [90_061_000, '1 d 1 h'],
])('%d ms are %s', (ms, text) => {
  expect(duration(ms)).toBe(text);
});

test('numbers are grouped, and short where there is little room', () => {
  expect([number(65_536), number(0.25), compact(9999), compact(65_536)]).toEqual(['65,536', '0.3', '9,999', '65.5K']);
  expect([count(1, 'connection'), count(0, 'connection')]).toEqual(['1 connection', '0 connections']);
});

test('a moment of today has its time, any other its day too', () => {
  const now = new Date();
  expect(moment(now.getTime())).toBe(time(now.getTime()));
  expect(moment(new Date(2020, 2, 5, 14, 30).getTime())).toBe('5 Mar, 14:30');
});
