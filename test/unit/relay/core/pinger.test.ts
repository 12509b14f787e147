import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Histogram } from '../../../../src/observe/metrics/counters.ts';
import { Pinger } from '../../../../src/relay/core/pinger.ts';
import { BlockingSocket } from '../../../helpers/blocking-socket.ts';
import { type Frame, parseFrame } from '../../../helpers/frames.ts';
import { legWriter } from '../../../helpers/leg-writer.ts';
import { budgetOf } from '../../../helpers/memory.ts';

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['performance'] });
});
afterEach(() => {
  vi.useRealTimers();
});

function setUp(room = Number.MAX_SAFE_INTEGER) {
  const socket = new BlockingSocket(room);
  const writer = legWriter(socket.asSocket, false, budgetOf());
  const rtt = new Histogram([0.1, 1]);
  const pinger = new Pinger(writer, 1000, 500, rtt, performance.now());
  const start = performance.now();
  /** Advances to `ms` after the start and ticks. */
  const tick = (ms: number, received = 0, held = false) => {
    vi.advanceTimersByTime(start + ms - performance.now());
    return pinger.tick(performance.now(), received, held);
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
  expect([tick(999), tick(1000), tick(1100, 6), tick(2000, 6)]).toEqual([false, false, false, false]);
  const sent = pings(socket);
  expect(sent.map(({ opcode }) => opcode)).toEqual([9, 9]);
  expect(sent[0]!.payload).not.toEqual(sent[1]!.payload);
});

test('measures how long a pong takes, once', () => {
  const { socket, pinger, rtt, tick } = setUp();
  tick(1000);
  const { payload } = pings(socket)[0]!;
  vi.advanceTimersByTime(250);
  pinger.onPong(Buffer.from('else'), performance.now());
  expect(rtt.sum).toBe(0);
  pinger.onPong(payload, performance.now());
  pinger.onPong(payload, performance.now());
  expect([...rtt.counts]).toEqual([0, 1, 0]);
  expect(rtt.sum).toBeCloseTo(0.25);
});

test('takes no notice of pongs that nobody asked for', () => {
  const { pinger, rtt } = setUp();
  pinger.onPong(Buffer.alloc(4), performance.now());
  pinger.onPong(Buffer.alloc(0), performance.now());
  expect([...rtt.counts]).toEqual([0, 0, 0]);
});

test('says that the pong of a peer is overdue which answers nothing, and awaits it until it does', () => {
  const { tick, pinger } = setUp();
  expect([tick(999), pinger.awaits]).toEqual([false, false]);
  expect([tick(1000), tick(1250), tick(1750), tick(1751)]).toEqual([false, false, false, true]);
  expect(pinger.awaits).toBe(true);
  expect([tick(1800, 6), pinger.awaits]).toEqual([false, false]);
});

test('gives a peer its time only from when the ping has left', () => {
  const { socket, tick, pinger } = setUp(0);
  expect([tick(1000), tick(1250), tick(9000)]).toEqual([false, false, false]);
  expect(pinger.awaits).toBe(false);
  socket.accept(100);
  expect([tick(9250), tick(9750), tick(9751)]).toEqual([false, false, true]);
});
