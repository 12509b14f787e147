/** The whole of one direction: parser, gate, stage and writer, in front of a kernel that takes what it likes. */
import fc from 'fast-check';
import { expect, test, vi } from 'vitest';
import { RouteCounters } from '../../../../src/metrics/counters.ts';
import { Direction } from '../../../../src/relay/core/direction.ts';
import { verbatim } from '../../../../src/relay/core/stage.ts';
import { LegWriter } from '../../../../src/relay/transport/leg-writer.ts';
import { frames, type KnownFrame } from '../../../helpers/arbitrary-frames.ts';
import { BlockingSocket } from '../../../helpers/blocking-socket.ts';
import { budgetOf } from '../../../helpers/memory.ts';
import { testRoute } from '../../../helpers/relay.ts';

// The gate imports its clock; fake timers replace the global one.
vi.mock('node:perf_hooks', () => ({ performance: { now: () => globalThis.performance.now() } }));

const rates = {
  none: null,
  plenty: { perSecond: 1e9, burst: 1e9, action: 'pause' as const },
  scarce: { perSecond: 1000, burst: 1, action: 'pause' as const },
};

/** Feeds a stream in pieces, each in a buffer that is overwritten as soon as the direction has returned. */
function relayed(stream: readonly KnownFrame[], cuts: readonly number[], rate: keyof typeof rates): Buffer {
  const masked = true;
  const sender = { maxMessageBytes: 1e9, messageRate: rates[rate] };
  const fail = (what: unknown) => expect.fail(JSON.stringify(what));
  const events = { control() {}, fault: fail, exceeded: fail, noted() {} };
  const direction = new Direction(
    {
      id: 'test',
      sender: 'client',
      route: testRoute({ client: sender }),
      counters: new RouteCounters().client,
      stage: verbatim,
      memory: budgetOf(),
    },
    events,
  );
  const kernel = new BlockingSocket(Number.POSITIVE_INFINITY);
  const writer = new LegWriter(kernel.asSocket, masked, budgetOf(), () => direction.relieve());
  const source = { maxReadBytes: Number.POSITIVE_INFINITY, paused: false, pause() {}, resume() {} };
  direction.connect(source, writer);
  const bytes = Buffer.concat(stream.map((frame) => frame.bytes));
  const shared = Buffer.alloc(bytes.length + 1);
  const bounds = [0, ...cuts.map((cut) => cut % (bytes.length + 1)), bytes.length].sort((a, b) => a - b);
  for (let i = 1; i < bounds.length; i++) {
    // A paused sender is not read: time passes until its rate lets it go on.
    while (direction.paused) vi.advanceTimersByTime(10);
    const length = bytes.copy(shared, 0, bounds[i - 1], bounds[i]);
    if (length > 0) direction.read(shared, 0, length, null);
    shared.fill(0xee);
  }
  while (direction.paused) vi.advanceTimersByTime(10);
  direction.finish();
  return kernel.output;
}

test.each(['none', 'plenty', 'scarce'] as const)(
  'what comes out is what came in, however it was cut (rate: %s)',
  (rate) => {
    vi.useFakeTimers();
    fc.assert(
      fc.property(frames(true, 6), fc.array(fc.nat(), { maxLength: 40 }), (stream, cuts) => {
        const data = stream.filter(({ opcode }) => opcode < 8).map(({ bytes }) => bytes);
        expect(relayed(stream, cuts, rate).equals(Buffer.concat(data))).toBe(true);
      }),
      { numRuns: 300 },
    );
    vi.useRealTimers();
  },
);
