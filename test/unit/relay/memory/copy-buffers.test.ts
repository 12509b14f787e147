import { expect, test } from 'vitest';
import {
  copyBytes,
  freeBuffer,
  giveBuffer,
  joinBuffers,
  ownBuffer,
  takeBuffer,
  takeExactBuffer,
  trimBuffers,
} from '../../../../src/relay/memory/copy-buffers.ts';

const kib = 1024;

test('a buffer has the smallest of three sizes that holds what is wanted, or just that size', () => {
  const sizes = [1, 4 * kib, 4 * kib + 1, 32 * kib, 32 * kib + 1, 64 * kib, 64 * kib + 1, 100 * kib];
  expect(sizes.map((size) => takeBuffer(size).length)).toEqual([
    ...[4 * kib, 4 * kib, 32 * kib, 32 * kib, 64 * kib, 64 * kib],
    ...[64 * kib + 1, 100 * kib],
  ]);
});

test('what is given back is taken again, and by one only', () => {
  const buffer = takeBuffer(10);
  giveBuffer(buffer);
  expect(takeBuffer(4 * kib)).toBe(buffer);
  expect(takeBuffer(4 * kib)).not.toBe(buffer);
});

test('no two that are out share memory', () => {
  const out = Array.from({ length: 50 }, (_, i) => takeBuffer(i % 2 === 0 ? 10 : 64 * kib));
  expect(new Set(out.map((buffer) => buffer.buffer)).size).toBe(50);
});

test('keeps what is given, and frees at once what has another size', () => {
  const given = Array.from({ length: 30 }, () => Buffer.allocUnsafeSlow(32 * kib));
  for (const buffer of given) giveBuffer(buffer);
  const again = new Set(Array.from({ length: 30 }, () => takeBuffer(32 * kib)));
  expect(given.filter((buffer) => again.has(buffer))).toHaveLength(30);
  const odd = Buffer.allocUnsafeSlow(100);
  giveBuffer(odd);
  expect(odd.buffer.detached).toBe(true);
});

test('keeps no more than 32 of a size: what has waited for many slow receivers is free when they have gone', () => {
  trimBuffers();
  trimBuffers();
  const given = Array.from({ length: 100 }, () => Buffer.allocUnsafeSlow(64 * kib));
  for (const buffer of given) giveBuffer(buffer);
  expect(given.filter(({ buffer }) => !buffer.detached)).toHaveLength(32);
});

test('what is a part of something larger is never freed', () => {
  const whole = Buffer.allocUnsafeSlow(200);
  for (const part of [whole.subarray(0, 100), whole.subarray(100)]) freeBuffer(part);
  expect(whole).toHaveLength(200);
  const pooled = Buffer.from('from the pool of Node');
  giveBuffer(pooled);
  expect(pooled.toString()).toBe('from the pool of Node');
});

test('what stands in memory of others is copied into some of its own', () => {
  const pooled = Buffer.from('from the pool of Node');
  const own = ownBuffer(pooled);
  expect([own.toString(), own.buffer.byteLength]).toEqual(['from the pool of Node', own.length]);
  expect(ownBuffer(own)).toBe(own);
});

test('takes exactly what is wanted, from the same store', () => {
  const given = Buffer.allocUnsafeSlow(32 * kib);
  giveBuffer(given);
  expect(takeExactBuffer(32 * kib)).toBe(given);
  expect([1, 4096, 5000, 65_536].map((size) => takeExactBuffer(size).length)).toEqual([1, 4096, 5000, 65_536]);
});

test('a trim drops what nobody wanted since the last one', () => {
  trimBuffers();
  trimBuffers();
  const given = Array.from({ length: 10 }, () => Buffer.allocUnsafeSlow(64 * kib));
  for (const buffer of given) giveBuffer(buffer);
  trimBuffers();
  // Three are wanted at once: seven have been idle all the time.
  const wanted = [takeBuffer(64 * kib), takeBuffer(64 * kib), takeBuffer(64 * kib)];
  for (const buffer of wanted) giveBuffer(buffer);
  trimBuffers();
  const left = Array.from({ length: 10 }, () => takeBuffer(64 * kib));
  expect(left.filter((buffer) => (given as Buffer[]).includes(buffer))).toHaveLength(3);
  expect(given.filter(({ buffer }) => buffer.detached)).toHaveLength(7);
});

test('a copy is a buffer of its own, however small', () => {
  const copy = copyBytes(Buffer.from('abcdef'), 1, 3);
  expect([copy.toString(), copy.buffer.byteLength]).toEqual(['bc', 2]);
});

test('where many become one the large ones are freed', () => {
  const parts = [1000, 10, 2000].map((size, i) => Buffer.allocUnsafeSlow(size).fill(`${i}`));
  const joined = joinBuffers(parts);
  expect(joined.toString()).toBe('0'.repeat(1000) + '1'.repeat(10) + '2'.repeat(2000));
  expect(parts.map(({ buffer }) => buffer.detached)).toEqual([true, false, true]);
});

test('what was freed may be freed again', () => {
  const buffer = Buffer.allocUnsafeSlow(100);
  freeBuffer(buffer);
  freeBuffer(buffer);
  freeBuffer(Buffer.alloc(0));
  expect(buffer.buffer.detached).toBe(true);
});
