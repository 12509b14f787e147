import type { IncomingMessage } from 'node:http';
import { expect, test } from 'vitest';
import { JoinedBody } from '../../../src/front/careful/joined-body.ts';

/** A message whose stream takes what it is given until it has had `room` buffers. */
function message(room = Number.POSITIVE_INFINITY) {
  const pushed: (string | null)[] = [];
  const stops: number[] = [];
  const fake = {
    push(chunk: Buffer | null) {
      pushed.push(chunk === null ? null : chunk.toString());
      return pushed.length < room;
    },
  };
  const body = new JoinedBody(fake as unknown as IncomingMessage, () => stops.push(pushed.length));
  const parse = (...chunks: (string | null)[]) =>
    chunks.map((chunk) => fake.push(chunk === null ? null : Buffer.from(chunk)));
  return { pushed, stops, body, parse };
}

test('the chunks of one piece become one buffer when it has been parsed', () => {
  const { pushed, body, parse } = message();
  expect(parse('a', 'b', 'c')).toEqual([true, true, true]);
  expect(pushed).toEqual([]);
  expect(body.passOn()).toBe(3);
  expect(pushed).toEqual(['abc']);
  expect(body.passOn()).toBe(0);
  expect(pushed).toEqual(['abc']);
});

test('the end comes behind the chunks before it, and they are counted', () => {
  const { pushed, body, parse } = message();
  parse('a', 'b', null);
  expect(pushed).toEqual(['ab', null]);
  expect(body.passOn()).toBe(2);
  expect(pushed).toEqual(['ab', null]);
});

test('the reading stops when the stream is full', () => {
  const { pushed, stops, body, parse } = message(2);
  parse('a');
  body.passOn();
  expect(stops).toEqual([]);
  parse('b', 'c');
  body.passOn();
  expect(stops).toEqual([2]);
  expect(pushed).toEqual(['a', 'bc']);
});
