import { describe, expect, test } from 'vitest';
import { encodeControl } from '../../../src/websocket/control-frame.ts';
import { Opcode } from '../../../src/websocket/opcodes.ts';
import { hex } from '../../helpers/parser-events.ts';

describe('a control frame', () => {
  test('to a client is unmasked (RFC 6455 §5.7: a ping with "Hello")', () => {
    expect(encodeControl(Opcode.ping, Buffer.from('Hello'), null)).toEqual(hex('89 05 48656c6c6f'));
  });

  test('to a server is masked (RFC 6455 §5.7: its pong)', () => {
    expect(encodeControl(Opcode.pong, Buffer.from('Hello'), hex('37fa213d'))).toEqual(hex('8a 85 37fa213d 7f9f4d5158'));
  });

  test('may be empty', () => {
    expect(encodeControl(Opcode.close, Buffer.alloc(0), null)).toEqual(hex('88 00'));
    expect(encodeControl(Opcode.close, Buffer.alloc(0), hex('01020304'))).toEqual(hex('88 80 01020304'));
  });

  test('carries up to 125 bytes (§5.5)', () => {
    const payload = Buffer.alloc(125, 0x5a);
    expect(encodeControl(Opcode.close, payload, null)).toEqual(hex(`88 7d ${'5a'.repeat(125)}`));
    expect(() => encodeControl(Opcode.close, Buffer.alloc(126), null)).toThrow('control payload of 126 bytes');
  });

  test('leaves the payload that it was given as it was', () => {
    const payload = Buffer.from('Hello');
    encodeControl(Opcode.pong, payload, hex('ffffffff'));
    expect(payload.toString()).toBe('Hello');
  });
});

test('a frame that waits keeps 4 KiB at most, and no two share a byte', () => {
  const frames = Array.from({ length: 300 }, (_, i) => encodeControl(Opcode.pong, Buffer.alloc(i % 126, i), null));
  for (const [i, frame] of frames.entries()) {
    expect(frame.buffer.byteLength).toBe(4096);
    expect(frame.subarray(2)).toEqual(Buffer.alloc(i % 126, i));
  }
});
