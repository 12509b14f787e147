import { expect, test } from 'vitest';
import { MessageMeter } from '../../../src/limits/message-meter.ts';
import { senderLimits } from '../../helpers/relay.ts';

/** What a meter says of a message's frames. */
function verdicts(limits: Parameters<typeof senderLimits>[0], lengths: number[]) {
  const meter = new MessageMeter(senderLimits(limits));
  return lengths.map((length) => meter.frame(length));
}

test('a limit is inclusive', () => {
  const limits = { maxMessageBytes: 1000 };
  expect([999, 1000, 1001].map((length) => verdicts(limits, [length])[0])).toEqual([null, null, 'max_message_size']);
});

test('refuses the fragment that crosses the limit at its header', () => {
  expect(verdicts({ maxMessageBytes: 1000 }, [400, 600, 0, 1])).toEqual([null, null, null, 'max_message_size']);
});

test('the frame limit binds a single frame', () => {
  expect(verdicts({ maxFrameBytes: 100 }, [100, 100, 101])).toEqual([null, null, 'max_frame_size']);
});

test('counts empty fragments', () => {
  expect(verdicts({ maxFragments: 3 }, [0, 0, 0, 0])).toEqual([null, null, null, 'max_fragments']);
});

test('names the message size first, then the frame size, then the fragments', () => {
  expect(verdicts({ maxMessageBytes: 10, maxFrameBytes: 10, maxFragments: 0 }, [11])).toEqual(['max_message_size']);
  expect(verdicts({ maxFrameBytes: 10, maxFragments: 0 }, [11])).toEqual(['max_frame_size']);
  expect(verdicts({ maxFragments: 0 }, [11])).toEqual(['max_fragments']);
});

test('what is unlimited still ends where numbers are no longer exact', () => {
  const max = Number.MAX_SAFE_INTEGER;
  expect(verdicts({}, [max])).toEqual([null]);
  expect(verdicts({}, [max - 1, 1, 1])).toEqual([null, null, 'max_message_size']);
  expect(verdicts({}, [Number.POSITIVE_INFINITY])).toEqual(['max_message_size']);
  expect(verdicts({}, [2 ** 32])).toEqual([null]);
});

test('starts from zero with each message', () => {
  const limits = senderLimits({ maxMessageBytes: 10, maxFragments: 2 });
  const meter = new MessageMeter(limits);
  expect([meter.frame(10), meter.frame(0)]).toEqual([null, null]);
  expect([meter.bytes, meter.fragments]).toEqual([10, 2]);
  meter.begin(limits);
  expect([meter.bytes, meter.fragments]).toEqual([0, 0]);
  expect([meter.frame(10), meter.frame(0)]).toEqual([null, null]);
});

test('holds a message to the limits that it began with', () => {
  const meter = new MessageMeter(senderLimits({ maxMessageBytes: 1 }));
  const wider = senderLimits({ maxMessageBytes: 10 });
  meter.begin(wider);
  expect(meter.limits).toBe(wider);
  expect(meter.frame(10)).toBeNull();
  meter.begin(senderLimits({ maxMessageBytes: 5 }));
  expect(meter.frame(10)).toBe('max_message_size');
});
