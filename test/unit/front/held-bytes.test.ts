import fc from 'fast-check';
import { expect, test } from 'vitest';
import { HeldBytes } from '../../../src/front/held-bytes.ts';

test('bytes that come one at a time stand in one buffer, which is at most twice as large', () => {
  const held = new HeldBytes();
  let buffers = 0;
  let capacity = 0;
  for (let i = 0; i < 65_536; i++) {
    held.append(Buffer.of(i & 255));
    if (held.capacity !== capacity) buffers++;
    capacity = held.capacity;
  }
  expect([held.length, held.capacity, buffers]).toEqual([65_536, 65_536, 7]);
  expect(held.bytes.every((byte, i) => byte === (i & 255))).toBe(true);
});

test('what has been taken stays as it was, whatever comes then', () => {
  const held = new HeldBytes();
  held.append(Buffer.from('abcdef'));
  const taken = held.take(3);
  held.append(Buffer.from('x'.repeat(5000)));
  held.append(Buffer.from('y'));
  expect(taken.toString()).toBe('abc');
  expect(held.take().toString()).toBe(`def${'x'.repeat(5000)}y`);
  expect([held.length, held.capacity]).toEqual([0, 0]);
});

test('a chunk that nobody else writes to is not copied, and never written to', () => {
  const held = new HeldBytes();
  const chunk = Buffer.alloc(2000, 'a');
  held.appendOwned(chunk);
  expect(held.bytes.buffer).toBe(chunk.buffer);
  held.take(1999);
  held.appendOwned(Buffer.from('b'));
  expect(held.take().toString()).toBe('ab');
  expect(chunk.every((byte) => byte === 97)).toBe(true);
});

test('whatever comes and is taken, the bytes and their order stay', () => {
  const step = fc.oneof(
    fc.record({ add: fc.uint8Array({ maxLength: 3000 }), owned: fc.boolean() }),
    fc.record({ take: fc.nat(4000) }),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const held = new HeldBytes();
      const came: Uint8Array[] = [];
      const left: Uint8Array[] = [];
      for (const one of steps) {
        if ('take' in one) left.push(held.take(one.take));
        else {
          came.push(one.add);
          if (one.owned) held.appendOwned(Buffer.from(one.add));
          else held.append(Buffer.from(one.add));
        }
      }
      left.push(held.take());
      expect(Buffer.concat(left).equals(Buffer.concat(came))).toBe(true);
    }),
  );
});
