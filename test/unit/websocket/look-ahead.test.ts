import { describe, expect, test } from 'vitest';
import { holdsWholeMessage } from '../../../src/websocket/look-ahead.ts';
import { hex } from '../../helpers/parser-events.ts';

/** Looks into bytes that stand between others, as in a read buffer. */
function holds(bytes: string, masked = false): boolean {
  const chunk = Buffer.concat([hex('8100'), hex(bytes), hex('8100')]);
  return holdsWholeMessage(chunk, 2, chunk.length - 2, masked);
}

describe('bytes that hold a whole message', () => {
  const whole: [string, string, boolean][] = [
    ['an empty one', '81 00', false],
    ['one of a client', '82 82 01020304 aabb', true],
    ['one in two fragments, a ping between them', '02 01 aa 89 00 80 01 bb', false],
    ['one behind a pong', '8a 00 81 01 61', false],
    ['one before the beginning of another', '81 01 61 01 05 62', false],
    ['a close frame, which counts as one', '88 00', false],
    ['a close frame inside a message', '01 01 61 88 02 03e8', false],
  ];
  test.each(whole)('%s', (_, bytes, masked) => {
    expect(holds(bytes, masked)).toBe(true);
  });
});

describe('bytes that hold none', () => {
  const none: [string, string, boolean][] = [
    ['no bytes', '', false],
    ['half a header', '81', false],
    ['a message that lacks a byte', '81 02 61', false],
    ['a fragment without its end', '01 01 61', false],
    ['a ping and a pong', '89 00 8a 01 61', false],
    ['half a close frame', '88 02 03', false],
    ['an unmasked frame of a client', '81 00', true],
    ['a broken frame before a message', '83 00 81 00', false],
  ];
  test.each(none)('%s', (_, bytes, masked) => {
    expect(holds(bytes, masked)).toBe(false);
  });
});
