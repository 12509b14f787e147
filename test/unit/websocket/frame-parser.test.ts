import { describe, expect, test } from 'vitest';
import { Event, FrameParser } from '../../../src/websocket/frame-parser.ts';
import { hex, readAll } from '../../helpers/parser-events.ts';

const fromClient = (bytes: string) => readAll(new FrameParser(true), [hex(bytes)]);
const fromServer = (bytes: string) => readAll(new FrameParser(false), [hex(bytes)]);

/** Reads one header and returns the parser, which stands behind it. */
function headerOf(bytes: string, masked = false): FrameParser {
  const parser = new FrameParser(masked);
  const chunk = hex(bytes);
  parser.feed(chunk, 0, chunk.length);
  expect(parser.next()).toBe(Event.frame);
  return parser;
}

describe('the examples of RFC 6455 §5.7', () => {
  test('a single-frame unmasked text message', () => {
    expect(fromServer('81 05 48 65 6c 6c 6f')).toEqual([
      { frame: '8105', fin: true, opcode: 1, length: 5 },
      { payload: '48656c6c6f' },
      'end',
    ]);
  });

  test('a single-frame masked text message, whose payload stays masked', () => {
    expect(fromClient('81 85 37 fa 21 3d 7f 9f 4d 51 58')).toEqual([
      { frame: '818537fa213d', fin: true, opcode: 1, length: 5 },
      { payload: '7f9f4d5158' },
      'end',
    ]);
  });

  test('a fragmented unmasked text message', () => {
    expect(fromServer('01 03 48 65 6c 80 02 6c 6f')).toEqual([
      { frame: '0103', fin: false, opcode: 1, length: 3 },
      { payload: '48656c' },
      'end',
      { frame: '8002', fin: true, opcode: 0, length: 2 },
      { payload: '6c6f' },
      'end',
    ]);
  });

  test('an unmasked ping and its masked answer', () => {
    expect(fromServer('89 05 48 65 6c 6c 6f')).toEqual([{ control: 9, payload: '48656c6c6f' }]);
    expect(fromClient('8a 85 37 fa 21 3d 7f 9f 4d 51 58')).toEqual([{ control: 10, payload: '48656c6c6f' }]);
  });

  test('256 bytes of binary with a 16-bit length', () => {
    expect(fromServer(`82 7e 0100 ${'ab'.repeat(256)}`)).toEqual([
      { frame: '827e0100', fin: true, opcode: 2, length: 256 },
      { payload: 'ab'.repeat(256) },
      'end',
    ]);
  });

  test('64 KiB of binary with a 64-bit length', () => {
    expect(fromServer(`82 7f 0000000000010000 ${'cd'.repeat(65_536)}`)).toEqual([
      { frame: '827f0000000000010000', fin: true, opcode: 2, length: 65_536 },
      { payload: 'cd'.repeat(65_536) },
      'end',
    ]);
  });
});

describe('frames', () => {
  test('of no bytes have a header and an end', () => {
    expect(fromServer('82 00 81 00')).toEqual([
      { frame: '8200', fin: true, opcode: 2, length: 0 },
      'end',
      { frame: '8100', fin: true, opcode: 1, length: 0 },
      'end',
    ]);
  });

  test('let control frames in between fragments (§5.4)', () => {
    expect(fromServer('02 01 aa 89 01 70 00 00 8a 00 80 01 bb')).toEqual([
      { frame: '0201', fin: false, opcode: 2, length: 1 },
      { payload: 'aa' },
      'end',
      { control: 9, payload: '70' },
      { frame: '0000', fin: false, opcode: 0, length: 0 },
      'end',
      { control: 10, payload: '' },
      { frame: '8001', fin: true, opcode: 0, length: 1 },
      { payload: 'bb' },
      'end',
    ]);
  });

  test('may carry a control payload of 125 bytes, not of 126 (§5.5)', () => {
    expect(fromServer(`89 7d ${'11'.repeat(125)}`)).toEqual([{ control: 9, payload: '11'.repeat(125) }]);
    expect(fromServer(`89 7e 007e ${'11'.repeat(126)}`)).toEqual([
      { fault: 'a control frame is longer than 125 bytes' },
    ]);
  });

  test('are read the same with their bytes one by one', () => {
    const bytes = hex('01 83 01020304 aabbcc 89 82 05060708 6c6d 00 80 0a0b0c0d 80 fe 0080 11121314').toString('hex');
    const payload = 'ee'.repeat(128);
    const whole = fromClient(bytes + payload);
    const single = [...hex(bytes + payload)].map((byte) => Buffer.of(byte));
    expect(whole.at(-1)).toBe('end');
    expect(whole).toHaveLength(9);
    expect(readAll(new FrameParser(true), single)).toEqual(whole);
  });

  test('close frames are control frames whose payload is unmasked', () => {
    expect(fromClient('88 82 01020304 02ea')).toEqual([{ control: 8, payload: '03e8' }]);
  });
});

describe('lengths (§5.2)', () => {
  const lengths: [string, string, number][] = [
    ['125 in 7 bits', '82 7d', 125],
    ['126 in 16 bits', '82 7e 007e', 126],
    ['2^16 - 1 in 16 bits', '82 7e ffff', 65_535],
    ['2^16 in 64 bits', '82 7f 0000000000010000', 65_536],
    ['2^32', '82 7f 0000000100000000', 2 ** 32],
    ['2^53 - 1', '82 7f 001fffffffffffff', Number.MAX_SAFE_INTEGER],
  ];
  test.each(lengths)('%s is exact', (_, bytes, length) => {
    expect(headerOf(bytes).length).toBe(length);
  });

  const beyond: [string, string, bigint][] = [
    ['2^53', '82 7f 0020000000000000', 2n ** 53n],
    ['2^53 + 1', '82 7f 0020000000000001', 2n ** 53n + 1n],
    ['2^63 - 1', '82 7f 7fffffffffffffff', 2n ** 63n - 1n],
  ];
  test.each(beyond)('%s is Infinity as a number and exact as a bigint', (_, bytes, length) => {
    const parser = headerOf(bytes);
    expect(parser.length).toBe(Number.POSITIVE_INFINITY);
    expect(parser.announced()).toBe(length);
    parser.holdHeader();
    expect(parser.announced()).toBe(length);
  });

  test('beyond 2^53 - 1 are exact in a masked header that was split, too', () => {
    const parser = new FrameParser(true);
    const [one, two] = [hex('82 ff 0020 0000'), hex('0000 0001 01020304')];
    parser.feed(one, 0, one.length);
    expect(parser.next()).toBe(Event.starved);
    parser.feed(two, 0, two.length);
    expect(parser.next()).toBe(Event.frame);
    expect(parser.announced()).toBe(2n ** 53n + 1n);
  });

  test('2^32 and 2^53 - 1 can be told as a bigint too', () => {
    expect(headerOf('82 7f 0000000100000000').announced()).toBe(2n ** 32n);
    expect(headerOf('82 7f 001fffffffffffff').announced()).toBe(2n ** 53n - 1n);
  });

  test('beyond 2^53 - 1 still let their payload be read', () => {
    const [, payload] = fromServer('82 7f 7fffffffffffffff aabb');
    expect(payload).toEqual({ payload: 'aabb' });
  });
});

describe('breaks of the protocol', () => {
  const notShortest = 'a length is not in its shortest form';
  const tooLong = 'a control frame is longer than 125 bytes';
  const faults: [string, 'client' | 'server', string, string][] = [
    ['an unmasked client frame (§5.1)', 'client', '81 00', 'the client sent an unmasked frame'],
    ['an unmasked client control frame (§5.1)', 'client', '89 00', 'the client sent an unmasked frame'],
    ['a masked server frame (§5.1)', 'server', '81 80 01020304', 'the server sent a masked frame'],
    ['a masked server control frame (§5.1)', 'server', '8a 80 01020304', 'the server sent a masked frame'],
    ['RSV1 (§5.2)', 'server', 'c1 00', 'reserved bits are set but no extension was negotiated'],
    ['RSV2 (§5.2)', 'server', 'a1 00', 'reserved bits are set but no extension was negotiated'],
    ['RSV3 (§5.2)', 'client', '91 80 01020304', 'reserved bits are set but no extension was negotiated'],
    ['RSV1 on a control frame (§5.2)', 'server', 'c9 00', 'reserved bits are set but no extension was negotiated'],
    ['opcode 3 (§5.2)', 'server', '83 00', 'opcode 3 is unknown'],
    ['opcode 7 (§5.2)', 'client', '87 80 01020304', 'opcode 7 is unknown'],
    ['opcode 11 (§5.2)', 'server', '8b 00', 'opcode 11 is unknown'],
    ['opcode 15 (§5.2)', 'client', '8f 80 01020304', 'opcode 15 is unknown'],
    ['a control frame of 126 bytes (§5.5)', 'client', '8a fe 007e 01020304', tooLong],
    ['a control frame with a 64-bit length (§5.5)', 'server', '88 7f 0000000000010000', tooLong],
    ['a fragmented ping (§5.5)', 'server', '09 00', 'a control frame is fragmented'],
    ['a fragmented close (§5.5)', 'client', '08 80 01020304', 'a control frame is fragmented'],
    ['a continuation without a start (§5.4)', 'server', '80 00', 'a continuation frame continues no message'],
    [
      'a non-final continuation without a start',
      'client',
      '00 80 01020304',
      'a continuation frame continues no message',
    ],
    ['a 16-bit length of 0 (§5.2)', 'server', '82 7e 0000', notShortest],
    ['a 16-bit length of 125 (§5.2)', 'client', '82 fe 007d 01020304', notShortest],
    ['a 64-bit length of 0 (§5.2)', 'server', '82 7f 0000000000000000', notShortest],
    ['a 64-bit length of 2^16 - 1 (§5.2)', 'client', '82 ff 000000000000ffff 01020304', notShortest],
    ['a 64-bit length of 2^63 (§5.2)', 'server', '82 7f 8000000000000000', 'a 64-bit length has its top bit set'],
    ['a 64-bit length of 2^64 - 1', 'client', '82 ff ffffffffffffffff 01020304', 'a 64-bit length has its top bit set'],
  ];

  test.each(faults)('%s', (_, sender, bytes, fault) => {
    const parser = new FrameParser(sender === 'client');
    expect(readAll(parser, [hex(bytes)])).toEqual([{ fault }]);
  });

  test.each(faults)('%s, with its bytes one by one', (_, sender, bytes, fault) => {
    const parser = new FrameParser(sender === 'client');
    const single = [...hex(bytes)].map((byte) => Buffer.of(byte));
    expect(readAll(parser, single)).toEqual([{ fault }]);
  });

  test('a new message inside another (§5.4)', () => {
    expect(fromServer('01 00 82 00')).toEqual([
      { frame: '0100', fin: false, opcode: 1, length: 0 },
      'end',
      { fault: 'a new message began inside another' },
    ]);
  });

  test('a continuation after the final frame (§5.4)', () => {
    expect(fromServer('81 00 80 00').at(-1)).toEqual({ fault: 'a continuation frame continues no message' });
  });

  test('are final: nothing is read any more', () => {
    const parser = new FrameParser(false);
    readAll(parser, [hex('83 00')]);
    const good = hex('81 00');
    parser.feed(good, 0, good.length);
    expect([parser.next(), parser.next(), parser.position]).toEqual([Event.fault, Event.fault, 0]);
    expect(parser.fault).toBe('opcode 3 is unknown');
  });
});

describe('between calls', () => {
  test('knows whether it stands between two frames and inside a message', () => {
    const parser = new FrameParser(false);
    const standing = (bytes: string) => {
      readAll(parser, [hex(bytes)]);
      return [parser.betweenFrames, parser.inMessage];
    };
    expect(standing('')).toEqual([true, false]);
    expect(standing('01')).toEqual([false, false]);
    expect(standing('02')).toEqual([false, true]);
    expect(standing('aa')).toEqual([false, true]);
    expect(standing('bb')).toEqual([true, true]);
    expect(standing('89 01')).toEqual([false, true]);
    expect(standing('cc')).toEqual([true, true]);
    expect(standing('80')).toEqual([false, true]);
    expect(standing('00')).toEqual([true, false]);
  });

  test('reports a header in the chunk where it stands, without copying it', () => {
    const chunk = hex('dead 82 01 ff');
    const parser = new FrameParser(false);
    parser.feed(chunk, 2, chunk.length);
    parser.next();
    expect(parser.header).toBe(chunk);
    expect([parser.headerStart, parser.headerEnd, parser.position]).toEqual([2, 4, 4]);
    parser.next();
    expect(parser.chunk).toBe(chunk);
    expect([parser.spanStart, parser.spanEnd]).toEqual([4, 5]);
  });

  test('holds a header, so that its chunk may be overwritten', () => {
    const chunk = hex('dead 82 fe 0102 0a0b0c0d');
    const parser = new FrameParser(true);
    parser.feed(chunk, 2, chunk.length);
    parser.next();
    parser.holdHeader();
    chunk.fill(0);
    const held = () => parser.header.subarray(parser.headerStart, parser.headerEnd);
    expect(held()).toEqual(hex('82 fe 0102 0a0b0c0d'));
    parser.holdHeader();
    expect(held()).toEqual(hex('82 fe 0102 0a0b0c0d'));
  });

  test('overwrites the payload of one control frame with the next', () => {
    const chunk = hex('89 02 6161 89 01 62');
    const parser = new FrameParser(false);
    parser.feed(chunk, 0, chunk.length);
    expect(parser.next()).toBe(Event.control);
    expect(parser.control().toString()).toBe('aa');
    expect(parser.next()).toBe(Event.control);
    expect(parser.control().toString()).toBe('b');
    expect(parser.next()).toBe(Event.starved);
  });
});

test('a control frame that comes in pieces is not changed by one of another connection in between', () => {
  const [slow, quick] = [new FrameParser(false), new FrameParser(false)];
  const [begin, end, whole] = [hex('89 04 6162'), hex('6364'), hex('89 04 71717171')];
  slow.feed(begin, 0, begin.length);
  expect(slow.next()).toBe(Event.starved);
  quick.feed(whole, 0, whole.length);
  expect(quick.next()).toBe(Event.control);
  expect(quick.control().toString()).toBe('qqqq');
  slow.feed(end, 0, end.length);
  expect(slow.next()).toBe(Event.control);
  expect(slow.control().toString()).toBe('abcd');
});

test('says how many of the fed bytes it has not read', () => {
  const parser = headerOf('81 05 48 65 6c 6c 6f');
  expect(parser.unread).toBe(5);
  expect(parser.next()).toBe(Event.payload);
  expect(parser.unread).toBe(0);
});
