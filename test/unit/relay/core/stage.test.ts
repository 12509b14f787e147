import { expect, test } from 'vitest';
import type { FrameSink } from '../../../../src/relay/core/stage.ts';
import { verbatim } from '../../../../src/relay/core/stage.ts';
import { owned } from '../../../../src/relay/memory/read-buffers.ts';
import { Event, FrameParser } from '../../../../src/websocket/frame-parser.ts';
import { hex } from '../../../helpers/parser-events.ts';

/** Passes chunks through the stage, and writes down what the sink gets. */
function pass(...chunks: string[]): string[] {
  const seen: string[] = [];
  const sink: FrameSink = {
    beginFrame: () => seen.push('begin'),
    append: (chunk, start, end, keeper) => {
      seen.push(`${chunk.toString('hex', start, end)} ${keeper === owned ? 'kept' : 'to copy'}`);
    },
    endFrame: (endsMessage) => seen.push(endsMessage ? 'end of message' : 'end'),
    flush: () => {},
  };
  const parser = new FrameParser(true);
  for (const chunk of chunks.map(hex)) {
    parser.feed(chunk, 0, chunk.length);
    for (let event = parser.next(); event !== Event.starved; event = parser.next()) {
      if (event === Event.frame) verbatim.begin(parser, owned, sink);
      else if (event === Event.payload) verbatim.payload(parser, owned, sink);
      else verbatim.end(parser, sink);
    }
  }
  return seen;
}

test('passes header and payload on as they came, masked', () => {
  expect(pass('01 81 01020304 aa 80 82 05060708 bbcc')).toEqual([
    ...['begin', '018101020304 kept', 'aa kept', 'end'],
    ...['begin', '808205060708 kept', 'bbcc kept', 'end of message'],
  ]);
});

test('copies a header that was split, because the next one overwrites it, perhaps in the same read', () => {
  expect(pass('82 82 0102', '0304 aa', 'bb')).toEqual([
    ...['begin', '828201020304 kept', 'aa kept', 'bb kept', 'end of message'],
  ]);
  const parser = new FrameParser(true);
  const appended: Buffer[] = [];
  const sink = { beginFrame() {}, endFrame() {}, flush() {}, append: (chunk: Buffer) => appended.push(chunk) };
  for (const hex of ['8180aa', 'bbccdd8282', '01020304']) {
    const chunk = Buffer.from(hex, 'hex');
    parser.feed(chunk, 0, chunk.length);
    for (let event = parser.next(); event !== Event.starved; event = parser.next()) {
      if (event === Event.frame) verbatim.begin(parser, owned, sink);
    }
  }
  expect(appended.map((chunk) => chunk.toString('hex'))).toEqual(['8180aabbccdd', '828201020304']);
});
