import { expect, test } from 'vitest';
import { CloseSearch } from '../../../../src/relay/core/close-search.ts';

test('a sender may have 50 000 frames on their way, and one more for each 256 bytes, from when it is told to close', () => {
  const search = new CloseSearch();
  expect([search.isInVain(50_000, 0), search.isInVain(50_001, 0), search.isInVain(50_001, 256)]).toEqual([
    ...[false, true, false],
  ]);
  search.begin(100_000, 1000);
  expect([search.isInVain(150_000, 1000), search.isInVain(150_001, 1000)]).toEqual([false, true]);
  expect([search.isInVain(150_002, 1512), search.isInVain(150_003, 1512)]).toEqual([false, true]);
});
