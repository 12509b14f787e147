import { expect, test } from 'vitest';
import { checkMemory } from '../../../src/admission/memory.ts';

test('admits a connection while there is room', () => {
  expect(checkMemory({ usedBytes: 74, limitBytes: 100, pressed: false })).toBeNull();
});

test('refuses one when what is left is needed by those that are open', () => {
  expect(checkMemory({ usedBytes: 75, limitBytes: 100, pressed: true })).toEqual({
    outcome: 'memory',
    detail: 'buffers hold 75 of memory.max_buffered 100 bytes',
  });
});
