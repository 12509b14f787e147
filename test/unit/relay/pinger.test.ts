import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Histogram } from '../../../src/metrics/counters.ts';
import { LegWriter } from '../../../src/relay/leg-writer.ts';
import { Pinger } from '../../../src/relay/pinger.ts';
import { BlockingSocket } from '../../helpers/blocking-socket.ts';
import { type Frame, parseFrame } from '../../helpers/frames.ts';
import { budgetOf } from '../../helpers/memory.ts';

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['performance'] });
});
afterEach(() => {
  vi.useRealTimers();
});

function setUp(room = Number.MAX_SAFE_INTEGER) {
  const socket = new BlockingSocket(room);
  const writer = new LegWriter(socket.asSocket, false, budgetOf(), () => {});
  const rtt = new Histogram([0.1, 1]);
  const pinger = new Pinger(writer, 1000, 500, rtt);
  const start = performance.now();
  /** Advances to `ms` after the start and ticks. */
  const tick = (ms: number, received = 0, held = false, kernelBytes: number | null = null) => {
    vi.advanceTimersByTime(start + ms - performance.now());
    const now = performance.now();
    return pinger.tick(now, received, held, () => (kernelBytes === null ? null : { bytes: kernelBytes, at: now }));
  };
  return { socket, pinger, rtt, tick };
}

function pings(socket: BlockingSocket): Frame[] {
  const found: Frame[] = [];
  for (let at = 0; at < socket.output.length; at += found.at(-1)!.size) {
    found.push(parseFrame(socket.output.subarray(at))!);
  }
  return found;
}

test('pings at the interval, each with another payload', () => {
  const { socket, tick } = setUp();
  expect([tick(999), tick(1000), tick(1100, 6), tick(2000, 6)]).toEqual([null, null, null, null]);
  const sent = pings(socket);
  expect(sent.map(({ opcode }) => opcode)).toEqual([9, 9]);
  expect(sent[0]!.payload).not.toEqual(sent[1]!.payload);
});

test('measures how long a pong takes, once', () => {
  const { socket, pinger, rtt, tick } = setUp();
  tick(1000);
  const { payload } = pings(socket)[0]!;
  vi.advanceTimersByTime(250);
  pinger.onPong(Buffer.from('else'));
  expect(rtt.sum).toBe(0);
  pinger.onPong(payload);
  pinger.onPong(payload);
  expect([...rtt.counts]).toEqual([0, 1, 0]);
  expect(rtt.sum).toBeCloseTo(0.25);
});

test('takes no notice of pongs that nobody asked for', () => {
  const { pinger, rtt } = setUp();
  pinger.onPong(Buffer.alloc(4));
  pinger.onPong(Buffer.alloc(0));
  expect([...rtt.counts]).toEqual([0, 0, 0]);
});

test('says that a peer is dead which answers nothing', () => {
  const { tick } = setUp();
  expect([tick(1000), tick(1250), tick(1750), tick(1751)]).toEqual([null, null, null, 'dead']);
});

test('gives a peer its time only from when the ping has left', () => {
  const { socket, tick } = setUp(0);
  expect([tick(1000), tick(1250), tick(9000)]).toEqual([null, null, null]);
  socket.accept(100);
  expect([tick(9250), tick(9750), tick(9751)]).toEqual([null, null, 'dead']);
});

test('a slow reader is alive while the kernel gets rid of what stands before the ping', () => {
  const { tick } = setUp();
  for (let ms = 1000; ms < 20_000; ms += 100) expect(tick(ms, 0, false, 4_000_000 - ms)).toBeNull();
  // Then nothing moves any more.
  const endings = Array.from({ length: 10 }, (_, i) => tick(20_000 + i * 100, 0, false, 3_000_000));
  expect(endings).toContain('dead');
});
