import { expect, test } from 'vitest';
import { ReadBuffers } from '../../../../src/relay/memory/read-buffers.ts';
import { ReadTarget } from '../../../../src/relay/memory/read-target.ts';
import { budgetOf } from '../../../helpers/memory.ts';

const open = { destroyed: false };
const large = 4096;

function setUp() {
  const buffers = new ReadBuffers(budgetOf());
  return { buffers, target: new ReadTarget(buffers) };
}

/** A target whose reads have been large. */
function leasing() {
  const { buffers, target } = setUp();
  const buffer = target.advance(large, open)!;
  return { buffers, target, buffer };
}

test('small reads go into the shared buffer and are to be copied, a large one earns a buffer to be kept', () => {
  const { buffers, target } = setUp();
  expect(target.advance(large - 1, open)).toBe(undefined);
  expect([target.buffer, target.keeper, target.leases]).toEqual([buffers.shared, null, false]);
  const own = target.advance(large, open)!;
  expect(own).not.toBe(buffers.shared);
  expect([target.buffer === own, target.leases, target.keeper === null]).toEqual([true, true, false]);
  expect(buffers.lentBytes).toBe(own.length);
});

test('a socket that is destroyed, or whose reads are thrown away, earns none', () => {
  const { buffers, target } = setUp();
  target.advance(large, { destroyed: true });
  target.mayLease = false;
  target.advance(large, open);
  expect(buffers.lentBytes).toBe(0);
});

test('sixteen small reads give it back, or one when the socket has been quiet', () => {
  const first = leasing();
  for (let i = 0; i < 15; i++) expect(first.target.advance(100, open)).toBe(undefined);
  expect(first.target.advance(100, open)).toBe(first.buffers.shared);
  const second = leasing();
  second.buffers.now = 1001;
  expect(second.target.isIdle).toBe(true);
  expect(second.target.advance(100, open)).toBe(second.buffers.shared);
  expect([second.target.leases, second.target.isIdle, second.buffers.lentBytes]).toEqual([false, false, 0]);
});

test('while a write reads from it, it is not read into', () => {
  const { buffers, target, buffer } = leasing();
  const keeper = target.keeper!;
  keeper.pin();
  expect(target.advance(large, open)).toBe(buffers.shared);
  expect([target.keeper, target.leases]).toEqual([null, true]);
  keeper.unpin();
  expect(target.advance(large, open)).toBe(buffer);
});

test('it goes back when the next read is to go elsewhere', () => {
  const { buffers, target, buffer } = leasing();
  target.share();
  expect([target.buffer, target.leases, buffers.lentBytes]).toEqual([buffers.shared, true, buffer.length]);
  target.giveBack();
  expect([target.leases, buffers.lentBytes]).toEqual([false, 0]);
});

test('a read takes no more than its bound, whatever it goes into', () => {
  const { buffers, target } = setUp();
  target.maxBytes = 5000;
  expect([target.buffer.length, target.buffer.buffer]).toEqual([5000, buffers.shared.buffer]);
  const own = target.advance(5000, open)!;
  expect([own.length, target.buffer]).toEqual([5000, own]);
  target.maxBytes = Number.POSITIVE_INFINITY;
  expect(target.buffer.length).toBe(buffers.lentBytes);
});
