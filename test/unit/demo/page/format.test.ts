import { expect, test } from 'vitest';
import { bytes, number } from '../../../../src/demo/page/format.js';

test.each([
  [12, '12 B'],
  [1024, '1 KiB'],
  [1100, '1.1 KiB'],
  [24 * 2 ** 20, '24 MiB'],
  [1.5 * 2 ** 20, '1.5 MiB'],
])('%d bytes are %s', (value, text) => {
  expect(bytes(value)).toBe(text);
});

test('numbers are grouped', () => {
  expect(number(65_536)).toBe('65,536');
});
