import { isUtf8 } from 'node:buffer';
import { describe, expect, test } from 'vitest';
import {
  closePayload,
  closeWith,
  foldCloseCode,
  isLegalCode,
  noStatus,
  readClose,
} from '../../../src/websocket/close.ts';
import { hex } from '../../helpers/parser-events.ts';

const legal = [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3999, 4000, 4999];
const illegal = [0, 999, 1004, 1005, 1006, 1015, 1016, 2000, 2999, 5000, 10_000, 10_001, 65_535];

describe('close codes (RFC 6455 §7.4)', () => {
  test.each(legal)('%i may stand in a close frame', (code) => {
    expect(isLegalCode(code)).toBe(true);
    const payload = Buffer.alloc(2);
    payload.writeUInt16BE(code);
    expect(readClose(payload)).toEqual({ code, reason: Buffer.alloc(0) });
  });

  test.each(illegal)('%i may not', (code) => {
    expect(isLegalCode(code)).toBe(false);
    const payload = Buffer.alloc(2);
    payload.writeUInt16BE(code);
    expect(readClose(payload)).toEqual({ code, fault: `close code ${code} is not allowed` });
  });
});

describe('a close frame that was received (§5.5.1)', () => {
  test('has no status when it is empty', () => {
    expect(readClose(hex(''))).toEqual({ code: noStatus, reason: Buffer.alloc(0) });
  });

  test('is bad with one byte', () => {
    expect(readClose(hex('03'))).toEqual({ code: null, fault: 'a close frame has a payload of one byte' });
  });

  test('keeps its reason byte for byte', () => {
    expect(readClose(hex('03f1 746f6f20 626967 20 e282ac'))).toEqual({
      code: 1009,
      reason: Buffer.from('too big €'),
    });
  });

  test('may have a reason of 123 bytes', () => {
    const payload = Buffer.concat([hex('0fa0'), Buffer.alloc(123, 'r')]);
    expect(readClose(payload)).toEqual({ code: 4000, reason: Buffer.alloc(123, 'r') });
  });

  const bad: [string, string][] = [
    ['a lone continuation byte', '80'],
    ['a character cut short', 'e282'],
    ['a surrogate', 'eda080'],
    ['an overlong form', 'c080'],
    ['a code point beyond U+10FFFF', 'f4908080'],
  ];
  test.each(bad)('is bad with %s in its reason (§8.1)', (_, bytes) => {
    expect(readClose(hex(`03e8 61 ${bytes}`))).toEqual({ code: null, fault: 'a close reason is not UTF-8' });
  });

  test('does not keep the bytes that it was read from', () => {
    const payload = hex('03e8 6f6b');
    const close = readClose(payload);
    payload.fill(0);
    expect(close).toEqual({ code: 1000, reason: Buffer.from('ok') });
  });
});

describe('a close frame to send', () => {
  test('has a code and a reason', () => {
    expect(closePayload({ code: 1012, reason: Buffer.from('bye') })).toEqual(hex('03f4 627965'));
    expect(closePayload({ code: 4999, reason: Buffer.alloc(0) })).toEqual(hex('1387'));
  });

  test('is empty for "no status": 1005 is never on the wire (§7.4.1)', () => {
    expect(closePayload({ code: noStatus, reason: Buffer.alloc(0) })).toHaveLength(0);
  });

  test('keeps a reason of 123 bytes and cuts one of 124', () => {
    expect(closeWith(1009, 'a'.repeat(123)).reason.toString()).toBe('a'.repeat(123));
    expect(closeWith(1009, 'a'.repeat(124)).reason.toString()).toBe('a'.repeat(123));
    expect(closeWith(1009, '')).toEqual({ code: 1009, reason: Buffer.alloc(0) });
  });

  const characters: [string, number][] = [
    ['é', 2],
    ['€', 3],
    ['🙂', 4],
  ];
  test.each(characters)('never cuts through %s', (character, size) => {
    for (let lead = 123 - size; lead <= 123; lead++) {
      const { reason } = closeWith(1011, 'a'.repeat(lead) + character.repeat(3));
      const whole = Math.floor((123 - lead) / size);
      expect(reason.toString()).toBe('a'.repeat(lead) + character.repeat(whole));
      expect(isUtf8(reason)).toBe(true);
    }
  });
});

test('received codes are folded into few label values', () => {
  const folded = [noStatus, 1000, 1012, 3000, 3999, 4000, 4404, 4999, 999, 1006, 1015, 2999, 5000, 10_000];
  expect(folded.map(foldCloseCode)).toEqual([
    ...['none', '1000', '1012', '3xxx', '3xxx', '4xxx', '4xxx', '4xxx'],
    ...['illegal', 'illegal', 'illegal', 'illegal', 'illegal', 'illegal'],
  ]);
});
