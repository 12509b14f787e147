import { isUtf8 } from 'node:buffer';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { closePayload, closeWith, isLegalCode, readClose } from '../../../src/websocket/close.ts';
import { expectEqual, expectSame } from '../../helpers/often.ts';

const code = fc.integer({ min: 1000, max: 4999 }).filter(isLegalCode);

test('a close that was made is read as it was made, and its reason fits and is a beginning of the text', () => {
  fc.assert(
    fc.property(code, fc.string({ unit: 'binary', maxLength: 200 }), (code, text) => {
      const close = closeWith(code, text);
      const payload = closePayload(close);
      expect(payload.length).toBeLessThanOrEqual(125);
      expectEqual(readClose(payload), close);
      expectSame(text.startsWith(close.reason.toString()), true);
      // At most one character short of the limit.
      if (Buffer.byteLength(text) > 123) expect(close.reason.length).toBeGreaterThan(119);
      else expectSame(close.reason.toString(), text);
    }),
    { numRuns: 300 },
  );
});

test('any payload is a close with a legal code and a UTF-8 reason, or a fault', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 125 }), (bytes) => {
      const payload = Buffer.from(bytes);
      const close = readClose(payload);
      const good =
        payload.length === 0 ||
        (payload.length > 1 && isLegalCode(payload.readUInt16BE()) && isUtf8(payload.subarray(2)));
      expectSame('reason' in close, good);
      if ('reason' in close) expectEqual(closePayload(close), payload);
    }),
    { numRuns: 300 },
  );
});
