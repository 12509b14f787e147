import { expect, test } from 'vitest';
import { MemoryBudget } from '../../../../src/relay/memory/memory-budget.ts';
import { Chunk, type Lease, ReadBuffers } from '../../../../src/relay/memory/read-buffers.ts';
import { buffersOf } from '../../../helpers/memory.ts';

const kib = 1024;

/** Leases until the budget is spent. */
function leaseAll(buffers: ReadBuffers): Lease[] {
  const leases: Lease[] = [];
  for (let lease = buffers.lease(); lease !== null; lease = buffers.lease()) leases.push(lease);
  return leases;
}

test('lends large buffers up to half of the budget, then smaller ones, then none', () => {
  const buffers = buffersOf(1024 * kib);
  const sizes = leaseAll(buffers).map((lease) => lease.buffer.length / kib);
  expect(sizes).toEqual([256, 256, ...new Array(8).fill(64)]);
  expect(buffers.lentBytes).toBe(1024 * kib);
});

test('never lends more than the budget, however small that is', () => {
  expect(leaseAll(buffersOf(64 * kib - 1))).toEqual([]);
  expect(leaseAll(buffersOf(200 * kib)).map((lease) => lease.buffer.length / kib)).toEqual([64, 64, 64]);
});

test('a smaller budget says how much too much is lent', () => {
  const budget = new MemoryBudget(4096 * kib, () => {});
  const buffers = new ReadBuffers(budget);
  const leases = leaseAll(buffers);
  expect([buffers.lentBytes / kib, buffers.overlentBytes]).toEqual([1024, 0]);
  budget.limitBytes = 1024 * kib;
  expect(buffers.overlentBytes / kib).toBe(768);
  expect(buffers.lease()).toBeNull();
  for (const lease of leases) lease.giveBack();
  expect(buffers.overlentBytes).toBe(0);
});

test('lends again what has come back', () => {
  const buffers = buffersOf(1024 * kib);
  const leases = leaseAll(buffers);
  leases[0]!.giveBack();
  expect(buffers.lentBytes).toBe(768 * kib);
  // More than half of the budget is out: a small one.
  expect(buffers.lease()!.buffer).toHaveLength(64 * kib);
  for (const lease of leases.slice(1)) lease.giveBack();
  expect(buffers.lentBytes).toBe(64 * kib);
  expect(buffers.lease()!.buffer).toBe(leases[1]!.buffer);
});

test('gives no two sockets the same buffer', () => {
  const buffers = buffersOf(4096 * kib);
  for (const lease of leaseAll(buffers)) lease.giveBack();
  const leased = leaseAll(buffers).map((lease) => lease.buffer);
  expect(new Set(leased).size).toBe(leased.length);
  expect(new Set(leased.map((buffer) => buffer.buffer)).size).toBe(leased.length);
  expect(leased).not.toContain(buffers.shared);
});

test('takes a buffer back once, however often it is given', () => {
  const buffers = buffersOf(1024 * kib);
  const lease = buffers.lease()!;
  buffers.lease();
  lease.giveBack();
  lease.giveBack();
  expect(buffers.lentBytes).toBe(256 * kib);
  expect(buffers.lease()!.buffer).not.toBe(buffers.lease()!.buffer);
});

test('shows each part of what was read where it stands, and makes no new view for a read of the same length', () => {
  const lease = buffersOf(1024 * kib).lease()!;
  const { buffer } = lease;
  const place = (start: number, end: number) => {
    const view = lease.view(buffer, start, end);
    expect(view.buffer).toBe(buffer.buffer);
    return [view.byteOffset - buffer.byteOffset, view.length];
  };
  expect(place(0, 100)).toEqual([0, 100]);
  expect(place(0, 100)).toEqual([0, 100]);
  expect(place(7, 100)).toEqual([7, 93]);
  expect(place(0, 99)).toEqual([0, 99]);
  expect(place(0, buffer.length)).toEqual([0, buffer.length]);
  expect(lease.view(buffer, 0, 50)).toBe(lease.view(buffer, 0, 50));
});

test('has a pinned buffer back only when no write reads from it any more', () => {
  const buffers = buffersOf(1024 * kib);
  const lease = buffers.lease()!;
  expect(lease.pinned).toBe(false);
  lease.pin();
  lease.pin();
  expect(lease.pinned).toBe(true);
  lease.giveBack();
  lease.unpin();
  expect([lease.pinned, buffers.lentBytes]).toEqual([true, 256 * kib]);
  expect(buffers.lease()!.buffer).not.toBe(lease.buffer);
  lease.unpin();
  expect([lease.pinned, buffers.lentBytes]).toEqual([false, 256 * kib]);
  expect(buffers.lease()!.buffer).toBe(lease.buffer);
});

test('stays lent when a pin ends before it is given back', () => {
  const buffers = buffersOf(1024 * kib);
  const lease = buffers.lease()!;
  lease.pin();
  lease.unpin();
  expect(buffers.lentBytes).toBe(256 * kib);
  lease.giveBack();
  expect(buffers.lentBytes).toBe(0);
});

test('keeps only a few buffers that nobody uses', () => {
  const buffers = buffersOf(64 * 256 * kib);
  const first = Array.from({ length: 20 }, () => buffers.lease()!);
  for (const lease of first) lease.giveBack();
  expect(buffers.lentBytes).toBe(0);
  const second = new Set(Array.from({ length: 20 }, () => buffers.lease()!.buffer));
  expect(first.filter((lease) => second.has(lease.buffer))).toHaveLength(8);
});

test('a chunk of somebody is freed when it has been read, and no write reads from it', () => {
  const bytes = Buffer.allocUnsafeSlow(1000);
  const chunk = new Chunk(bytes);
  chunk.pin();
  chunk.unpin();
  expect(bytes.buffer.detached).toBe(false);
  chunk.pin();
  // The read is over.
  chunk.unpin();
  expect(bytes.buffer.detached).toBe(false);
  chunk.unpin();
  expect(bytes.buffer.detached).toBe(true);
});

test('a small one is left to the collector: it costs less than that', () => {
  const bytes = Buffer.allocUnsafeSlow(10);
  new Chunk(bytes).unpin();
  expect(bytes.buffer.detached).toBe(false);
});
