import { expect, test } from 'vitest';
import { FirstWrite } from '../../../../src/front/fast/first-write.ts';
import { owned } from '../../../../src/relay/memory/read-buffers.ts';

test('a head and the spans behind it are one copy, in their order', () => {
  const first = new FirstWrite(Buffer.from('head,'));
  const chunk = Buffer.from('..body..');
  first.append(chunk, 2, 4, owned);
  first.append(chunk, 4, 6, owned);
  const joined = first.joined();
  chunk.fill('x');
  expect(joined.toString()).toBe('head,body');
});

test('bytes without a keeper may change as soon as they are there', () => {
  const first = new FirstWrite(Buffer.from('head,'));
  const line = Buffer.from('5\r\n');
  first.append(line, 0, 3, null);
  line.write('6');
  first.append(line, 0, 3, null);
  expect(first.joined().toString()).toBe('head,5\r\n6\r\n');
});

test('is bare until something has come behind the head', () => {
  const first = new FirstWrite(Buffer.from('head'));
  expect(first.isBare).toBe(true);
  first.append(Buffer.from('body'), 0, 4, owned);
  expect(first.isBare).toBe(false);
});
