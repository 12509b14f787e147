import { expect, test } from 'vitest';
import { FirstWrite } from '../../../../src/front/fast/first-write.ts';

test('a head and the spans behind it are one copy, in their order', () => {
  const first = new FirstWrite(Buffer.from('head,'));
  const chunk = Buffer.from('..body..');
  first.append(chunk, 2, 4);
  first.append(chunk, 4, 6);
  const joined = first.joined();
  chunk.fill('x');
  expect(joined.toString()).toBe('head,body');
});

test('is bare until something has come behind the head', () => {
  const first = new FirstWrite(Buffer.from('head'));
  expect(first.isBare).toBe(true);
  first.append(Buffer.from('body'), 0, 4);
  expect(first.isBare).toBe(false);
});
