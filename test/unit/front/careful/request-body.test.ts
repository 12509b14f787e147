import type { IncomingMessage } from 'node:http';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { PieceSize } from '../../../../src/front/careful/piece-size.ts';
import { bodyOf } from '../../../../src/front/careful/request-body.ts';

const chunked = { 'transfer-encoding': 'chunked' };
const make = (headers: Record<string, string>) =>
  bodyOf({ headers, push: () => true } as unknown as IncomingMessage, new PieceSize(), () => {});

test.each([
  ['of chunks', chunked, '1\r\na\r\n2;x=y\r\nbc\r\n0\r\nX: 1\r\n\r\n'],
  ['with a length', { 'content-length': '12' }, 'a'.repeat(12)],
])('a body %s ends at the same byte however it is cut, and its parser gets nothing behind that', (_, headers, text) => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 20 }), { minLength: 1 }), (cuts) => {
      const body = make(headers);
      const all = Buffer.from(`${text}GET / HTTP/1.1\r\n`);
      let passed = 0;
      let chunks = 0;
      for (let i = 0; body.state === 'open'; i++) {
        const length = body.next(all.subarray(passed, passed + cuts[i % cuts.length]!));
        expect(length).toBeGreaterThan(0);
        passed += length;
        chunks += body.chunks;
      }
      expect([body.state, passed, chunks]).toEqual(['whole', text.length, headers === chunked ? 3 : 0]);
    }),
  );
});

test('a body is broken at the byte that cannot stand where it does', () => {
  const body = make(chunked);
  expect([body.next(Buffer.from('1\r\na!')), body.state]).toEqual([5, 'broken']);
});

test('what has no body is whole', () => {
  expect(make({}).state).toBe('whole');
});
