import { expect, test } from 'vitest';
import { encodeText } from '../../../src/websocket/text-frame.ts';
import { parseFrame } from '../../helpers/frames.ts';

test('a text is one whole frame, masked towards a server, in the shortest form of its length', () => {
  expect(encodeText(Buffer.from('Hello'), null).toString('hex')).toBe('810548656c6c6f');
  // RFC 6455 §5.7.
  expect(encodeText(Buffer.from('Hello'), Buffer.from('37fa213d', 'hex')).toString('hex')).toBe(
    '818537fa213d7f9f4d5158',
  );
  for (const length of [0, 125, 126, 127, 65_535]) {
    for (const key of [null, Buffer.from('01020304', 'hex')]) {
      const bytes = encodeText(Buffer.alloc(length, 'x'), key);
      const frame = parseFrame(bytes)!;
      expect(frame).toMatchObject({ fin: true, opcode: 1, masked: key !== null, size: bytes.length });
      expect(frame.payload).toEqual(Buffer.alloc(length, 'x'));
      expect(bytes[1]! & 0x7f).toBe(length < 126 ? length : 126);
    }
  }
  expect(() => encodeText(Buffer.alloc(65_536), null)).toThrow(RangeError);
});
