import { expect, test } from 'vitest';
import { newConnectionId } from '../../../src/front/connection-id.ts';

test('no two connections have the same name', () => {
  const ids = Array.from({ length: 2000 }, newConnectionId);
  expect(new Set(ids).size).toBe(2000);
  for (const id of ids) expect(id).toMatch(/^[\da-f]{12}$/);
});
