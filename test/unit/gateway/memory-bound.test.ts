/** What bounds the process. */
import { expect, test } from 'vitest';
import { containerBytes } from '../../../src/gateway/memory-bound.ts';

const MiB = 1024 * 1024;

test('a container bounds the process where it has a limit that is below the machine', () => {
  expect(containerBytes(512 * MiB, 8192 * MiB)).toBe(512 * MiB);
  expect(containerBytes(0, 8192 * MiB)).toBe(Number.POSITIVE_INFINITY);
  // Without a limit cgroups tell a number that no machine has.
  expect(containerBytes(2 ** 64, 8192 * MiB)).toBe(Number.POSITIVE_INFINITY);
});
