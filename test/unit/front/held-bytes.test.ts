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

/** Takes the first `count` bytes, as whoever reads them at once. */
function read(held: HeldBytes, count: number): string {
  let text = '';
  held.pass(count, (bytes) => {
    text = bytes.toString('latin1');
  });
  return text;
}

test('what has been taken stays as it was, whatever comes then', () => {
  const held = new HeldBytes();
  held.append(Buffer.from('abcdef'));
  expect(read(held, 3)).toBe('abc');
  const taken = held.take();
  expect([held.length, held.capacity]).toEqual([0, 0]);
  held.append(Buffer.from('x'.repeat(5000)));
  expect(taken.toString()).toBe('def');
  expect(held.take().toString()).toBe('x'.repeat(5000));
});

test('a chunk that is nobody else’s is not copied, and never written to', () => {
  const held = new HeldBytes();
  const chunk = Buffer.alloc(2000, 'a');
  held.appendOwned(chunk);
  expect(held.bytes.buffer).toBe(chunk.buffer);
  read(held, 1999);
  held.append(Buffer.alloc(0));
  expect(chunk.every((byte) => byte === 97)).toBe(true);
  held.appendOwned(Buffer.from('b'));
  expect(held.take().toString()).toBe('ab');
});

test('a buffer is freed when everything in it has been read, or stands elsewhere', () => {
  const held = new HeldBytes();
  const [first, second, third] = [1, 2, 3].map(() => Buffer.alloc(2000, 'a'));
  held.appendOwned(first!);
  held.appendOwned(second!);
  expect([first!.length, second!.length]).toEqual([0, 0]);
  read(held, 4000);
  held.appendOwned(third!);
  read(held, 1999);
  expect(third).toHaveLength(2000);
  read(held, 1);
  expect(third).toHaveLength(0);
});

test('a buffer that is being read from is not freed, whatever comes meanwhile', () => {
  for (const meanwhile of [(held: HeldBytes) => held.append(Buffer.alloc(5000)), (held: HeldBytes) => held.clear()]) {
    const held = new HeldBytes();
    const chunk = Buffer.alloc(2000, 'a');
    held.appendOwned(chunk);
    held.pass(1000, (bytes) => {
      meanwhile(held);
      expect(bytes.toString()).toBe('a'.repeat(1000));
    });
    expect(chunk).toHaveLength(0);
  }
});

test('whatever comes and is read, the bytes and their order stay', () => {
  const step = fc.oneof(
    fc.record({ add: fc.uint8Array({ maxLength: 3000 }), owned: fc.boolean() }),
    fc.record({ read: fc.nat(4000) }),
    fc.constant('take' as const),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const held = new HeldBytes();
      let came = '';
      let left = '';
      for (const one of steps) {
        if (one === 'take') left += held.take().toString('latin1');
        else if ('read' in one) left += read(held, one.read);
        else {
          const chunk = Buffer.from(one.add);
          came += chunk.toString('latin1');
          if (one.owned) held.appendOwned(chunk);
          else held.append(chunk);
        }
      }
      left += held.take().toString('latin1');
      expect(left).toBe(came);
    }),
  );
});
