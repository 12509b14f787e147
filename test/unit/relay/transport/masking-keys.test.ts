import { expect, test } from 'vitest';
import { newMaskingKey } from '../../../../src/relay/transport/masking-keys.ts';

test('keys have four bytes and do not come again', () => {
  const keys = Array.from({ length: 2000 }, () => Buffer.from(newMaskingKey()).toString('hex'));
  for (const key of keys) expect(key).toMatch(/^[\da-f]{8}$/);
  // Two of 2 000 are equal once in 2 000 runs; three hardly ever.
  expect(new Set(keys).size).toBeGreaterThan(1998);
});
