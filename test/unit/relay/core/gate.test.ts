import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { Violation } from '../../../../src/observe/report.ts';
import { Gate } from '../../../../src/relay/core/gate.ts';
import { Event, FrameParser } from '../../../../src/websocket/frame-parser.ts';
import { globalClock } from '../../../helpers/clock.ts';
import { frame } from '../../../helpers/frames.ts';
import { type RouteOverrides, testRoute } from '../../../helpers/relay.ts';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

const pausing = (perSecond: number) => ({ perSecond, burst: perSecond, action: 'pause' }) as const;
const closing = (perSecond: number) => ({ perSecond, burst: perSecond, action: 'close' }) as const;

/** A gate for an upstream's frames, and what it said. */
function setUp(limits: RouteOverrides['upstreamLimits'], mode: RouteOverrides['mode'] = 'enforce') {
  const exceeded: Violation[] = [];
  const noted: Violation[] = [];
  const events = { exceeded: (one: Violation) => exceeded.push(one), noted: (one: Violation) => noted.push(one) };
  const onRate = vi.fn();
  const route = testRoute({ mode, ...(limits && { upstreamLimits: limits }) });
  const gate = new Gate({ sender: 'upstream', route, clock: globalClock, events, onRate });
  /** Offers the header of a frame, as it stands in a stream of its own. */
  const header = (length: number | bigint, { opcode = 2, fin = true, held = false } = {}) => {
    const parser = new FrameParser(false);
    parser.inMessage = opcode === 0;
    const bytes = frame('', { opcode, fin, length });
    parser.feed(bytes, 0, bytes.length);
    expect(parser.next()).toBe(Event.frame);
    gate.beginRead();
    const pass = gate.frame(parser);
    if (gate.open) gate.time(held);
    return pass;
  };
  return { gate, header, exceeded, noted, onRate };
}

describe('sizes', () => {
  test('pass at the limit and end the connection beyond it, with both numbers', () => {
    const { header, exceeded } = setUp({ maxMessageBytes: 1000 });
    expect([header(999), header(1000), header(1001)]).toEqual(['pass', 'pass', 'refused']);
    const numbers = { configured: 1000, observed: 1001, partial: false };
    expect(exceeded).toEqual([{ sender: 'upstream', limit: 'max_message_size', ...numbers, action: 'close' }]);
  });

  test('count over the fragments of a message', () => {
    const { header, exceeded } = setUp({ maxMessageBytes: 1000 });
    expect(header(600, { fin: false })).toBe('pass');
    expect(header(400, { opcode: 0, fin: false })).toBe('pass');
    expect(header(1, { opcode: 0 })).toBe('refused');
    expect(exceeded[0]!.observed).toBe(1001);
  });

  test('have a limit of frames and one of fragments', () => {
    const { header, exceeded } = setUp({ maxFrameBytes: 10, maxFragments: 2 });
    expect(header(11)).toBe('refused');
    expect(header(1, { fin: false })).toBe('pass');
    expect(header(0, { opcode: 0, fin: false })).toBe('pass');
    expect(header(0, { opcode: 0 })).toBe('refused');
    expect(exceeded.map(({ limit, configured, observed }) => [limit, configured, observed])).toEqual([
      ['max_frame_size', 10, 11],
      ['max_fragments', 2, 3],
    ]);
  });

  test('beyond 2^53 - 1 are told exactly', () => {
    const { header, exceeded } = setUp({ maxMessageBytes: 1000 });
    expect(header(2n ** 63n - 1n)).toBe('refused');
    expect(exceeded[0]!.observed).toBe(2n ** 63n - 1n);
  });

  test('have the limits with which their message began', () => {
    const { gate, header } = setUp({ maxMessageBytes: 1000 });
    expect(header(600, { fin: false })).toBe('pass');
    gate.reconfigure(testRoute({ upstreamLimits: { maxMessageBytes: 10 } }));
    expect(header(400, { opcode: 0 })).toBe('pass');
    expect(header(11)).toBe('refused');
  });

  test('are enforced or reported as when their message began', () => {
    const { gate, header } = setUp({ maxMessageBytes: 10 }, 'report');
    expect(header(600, { fin: false })).toBe('pass');
    gate.reconfigure(testRoute({ upstreamLimits: { maxMessageBytes: 10 } }));
    expect(header(400, { opcode: 0 })).toBe('pass');
    expect(header(11)).toBe('refused');
  });
});

describe('a report', () => {
  test('notes one violation per message and lets it pass', () => {
    const { header, exceeded, noted } = setUp({ maxMessageBytes: 10, maxFragments: 1 }, 'report');
    expect(header(11, { fin: false })).toBe('pass');
    expect(header(11, { opcode: 0 })).toBe('pass');
    expect(header(12)).toBe('pass');
    expect(noted.map(({ observed, action }) => [observed, action])).toEqual([
      [11, 'report'],
      [12, 'report'],
    ]);
    expect(exceeded).toEqual([]);
  });

  test('refuses what cannot be counted and a control flood all the same', () => {
    const controlRate = closing(1);
    const { gate, header, exceeded } = setUp({ controlRate }, 'report');
    expect(header(2n ** 53n)).toBe('refused');
    expect([gate.control(), gate.control()]).toEqual(['pass', 'refused']);
    expect(exceeded.map(({ limit }) => limit)).toEqual(['max_message_size', 'max_control_rate']);
  });

  test('neither pauses nor closes for a rate', () => {
    for (const rate of [pausing, closing]) {
      const { gate, header, noted, onRate } = setUp({ messageRate: rate(1), byteRate: rate(10) }, 'report');
      expect([header(1), header(1), gate.payload(11)]).toEqual(['pass', 'pass', 'pass']);
      expect(noted.map(({ limit, action }) => [limit, action])).toEqual([['max_message_rate', 'report']]);
      vi.advanceTimersByTime(5000);
      expect(onRate).not.toHaveBeenCalled();
    }
  });
});

describe('a rate', () => {
  test('of messages makes the header wait until its time', () => {
    const { header, noted, exceeded, onRate } = setUp({ messageRate: pausing(2) });
    expect([header(1), header(1), header(1)]).toEqual(['pass', 'pass', 'wait']);
    expect(noted.map(({ limit, configured, action }) => [limit, configured, action])).toEqual([
      ['max_message_rate', 2, 'pause'],
    ]);
    vi.advanceTimersByTime(499);
    expect(onRate).not.toHaveBeenCalled();
    vi.advanceTimersByTime(1);
    expect(onRate).toHaveBeenCalledTimes(1);
    expect(header(1)).toBe('pass');
    expect(exceeded).toEqual([]);
  });

  test('is violated once by a message that must wait, however often its header is offered', () => {
    const { gate, header, noted, onRate } = setUp({ messageRate: pausing(1), byteRate: pausing(1000) });
    expect([header(1), header(1)]).toEqual(['pass', 'wait']);
    // The read that ends at that header has brought more bytes than their rate allows: their wait is shorter.
    expect(gate.payload(1100)).toBe('wait');
    vi.advanceTimersByTime(100);
    expect(onRate).toHaveBeenCalledTimes(1);
    expect(header(1)).toBe('wait');
    expect(noted).toHaveLength(1);
    vi.advanceTimersByTime(900);
    expect([header(1), header(1)]).toEqual(['pass', 'wait']);
    expect(noted).toHaveLength(2);
  });

  test('of messages takes no token for a continuation', () => {
    const { header } = setUp({ messageRate: pausing(1) });
    expect([header(1, { fin: false }), header(1, { opcode: 0, fin: false }), header(1, { opcode: 0 })]).toEqual([
      ...['pass', 'pass', 'pass'],
    ]);
  });

  test('of bytes makes the sender wait until they are paid for', () => {
    const { gate, onRate } = setUp({ byteRate: pausing(1000) });
    expect([gate.payload(1000), gate.payload(500)]).toEqual(['pass', 'wait']);
    vi.advanceTimersByTime(499);
    expect(onRate).not.toHaveBeenCalled();
    vi.advanceTimersByTime(1);
    expect(onRate).toHaveBeenCalledTimes(1);
  });

  test('may end the connection instead', () => {
    const { gate, header, exceeded } = setUp({ messageRate: closing(1), byteRate: closing(10) });
    expect([header(1), header(1), gate.payload(25)]).toEqual(['pass', 'refused', 'refused']);
    expect(exceeded.map(({ limit, configured, observed }) => [limit, configured, observed])).toEqual([
      ['max_message_rate', 1, 2],
      ['max_byte_rate', 10, 25],
    ]);
  });

  test('that comes with new limits binds a sender that had none, and one that is lifted binds nobody', () => {
    const { gate, header } = setUp({});
    const all = () => [header(1), header(1), gate.payload(25), gate.control(), gate.control()];
    expect(all()).toEqual(Array(5).fill('pass'));
    const limits = { messageRate: closing(1), byteRate: closing(10), controlRate: closing(1) };
    gate.reconfigure(testRoute({ upstreamLimits: limits }));
    expect(all()).toEqual(['pass', 'refused', 'refused', 'pass', 'refused']);
    gate.reconfigure(testRoute({}));
    vi.advanceTimersByTime(1000);
    expect(all()).toEqual(Array(5).fill('pass'));
  });

  test('that is not set is none', () => {
    const { gate } = setUp({});
    expect(gate.payload(1e12)).toBe('pass');
  });
});

describe('a message that is begun and never finished', () => {
  const at = (ms: number) => vi.advanceTimersByTime(ms);

  test('ends the connection after its time, once', () => {
    const { gate, header, exceeded } = setUp({ messageTimeoutMs: 1000 });
    header(1, { fin: false });
    at(1000);
    gate.tick(performance.now());
    expect(exceeded).toEqual([]);
    at(1);
    gate.tick(performance.now());
    gate.tick(performance.now());
    expect(exceeded.map(({ limit, observed }) => [limit, observed])).toEqual([['message_timeout', 1001]]);
  });

  test('is none when it ended', () => {
    const { gate, header, exceeded } = setUp({ messageTimeoutMs: 1000 });
    header(1);
    gate.end();
    at(5000);
    gate.tick(performance.now());
    expect(exceeded).toEqual([]);
  });

  test('is not blamed for the time in which it was held up', () => {
    const { gate, header, exceeded } = setUp({ messageTimeoutMs: 1000 });
    header(1, { fin: false, held: true });
    at(5000);
    gate.tick(performance.now());
    gate.release(performance.now());
    at(900);
    gate.hold(performance.now());
    at(5000);
    gate.release(performance.now());
    at(100);
    gate.tick(performance.now());
    expect(exceeded).toEqual([]);
    at(1);
    gate.tick(performance.now());
    expect(exceeded).toHaveLength(1);
  });

  test('may take for ever without a limit', () => {
    const { gate, header, exceeded } = setUp({ messageTimeoutMs: 0 });
    header(1, { fin: false });
    at(1e9);
    gate.tick(performance.now());
    expect(exceeded).toEqual([]);
  });
});

test('a message is measured before its rate is asked', () => {
  const enforce = setUp({ maxMessageBytes: 1000, messageRate: pausing(1) });
  expect([enforce.header(1), enforce.header(1001)]).toEqual(['pass', 'refused']);
  expect(enforce.exceeded.map(({ limit }) => limit)).toEqual(['max_message_size']);
  const report = setUp({ maxMessageBytes: 1000, messageRate: closing(1) }, 'report');
  expect([report.header(1), report.header(1001)]).toEqual(['pass', 'pass']);
  expect(report.noted.map(({ limit }) => limit)).toEqual(['max_message_size']);
});
