/** The whole of one direction: parser, gate, stage and writer, in front of a kernel that takes what it likes. */
import fc from 'fast-check';
import { test, vi } from 'vitest';
import { RouteCounters } from '../../../../src/observe/metrics/counters.ts';
import { Direction, framesPerRound } from '../../../../src/relay/core/direction.ts';
import { RoundBudget } from '../../../../src/relay/core/round-budget.ts';
import { verbatim } from '../../../../src/relay/core/stage.ts';
import { frames, type KnownFrame } from '../../../helpers/arbitrary-frames.ts';
import { BlockingSocket } from '../../../helpers/blocking-socket.ts';
import { globalClock } from '../../../helpers/clock.ts';
import { legWriter } from '../../../helpers/leg-writer.ts';
import { budgetOf } from '../../../helpers/memory.ts';
import { expectSame } from '../../../helpers/often.ts';
import { testRoute } from '../../../helpers/relay.ts';

const rates = {
  none: null,
  plenty: { perSecond: 1e9, burst: 1e9, action: 'pause' as const },
  scarce: { perSecond: 1000, burst: 1, action: 'pause' as const },
};

/** Without close frames, behind which nothing is read. */
const streams = frames(true, 6).map((stream) => stream.filter(({ opcode }) => opcode !== 8));

/** Feeds a stream in pieces, each in a buffer that is overwritten as soon as the direction has returned. */
function relayed(stream: readonly KnownFrame[], cuts: readonly number[], rate: keyof typeof rates): Buffer {
  const masked = true;
  const sender = { maxMessageBytes: 1e9, messageRate: rates[rate] };
  const kernel = new BlockingSocket(Number.POSITIVE_INFINITY);
  const direction = new Direction({
    frameBudget: new RoundBudget(() => {}, framesPerRound),
    id: 'test',
    sender: 'client',
    route: testRoute({ client: sender }),
    counters: new RouteCounters().client,
    stage: verbatim,
    memory: budgetOf(),
    clock: globalClock,
    source: { maxReadBytes: Number.POSITIVE_INFINITY, pause() {}, resume() {}, reset() {} },
    out: legWriter(kernel.asSocket, masked, budgetOf(), () => direction.resumeIfCaughtUp()),
    onRate: () => look(direction.rateOver()),
    onAnswers: () => look(direction.answersOver()),
  });
  const controls = stream.filter(({ opcode }) => opcode >= 8).length;
  let seen = 0;
  const look = (_: unknown, happened = direction.happened()) => {
    for (const one of happened ?? []) {
      if (one.what === 'fault') throw new Error(one.detail);
      if (one.what === 'violation') expectSame(one.violation.action, 'pause');
      else seen++;
    }
  };
  const bytes = Buffer.concat(stream.map((frame) => frame.bytes));
  const shared = Buffer.alloc(bytes.length + 1);
  const bounds = [0, ...cuts.map((cut) => cut % (bytes.length + 1)), bytes.length].sort((a, b) => a - b);
  for (let i = 1; i < bounds.length; i++) {
    // A paused sender is not read: time passes until its rate lets it go on.
    while (direction.paused) vi.advanceTimersByTime(10);
    const length = bytes.copy(shared, 0, bounds[i - 1], bounds[i]);
    if (length > 0) look(null, direction.read(shared, 0, length, null));
    shared.fill(0xee);
  }
  while (direction.paused) vi.advanceTimersByTime(10);
  direction.finish();
  expectSame(seen, controls);
  return kernel.output;
}

test.each(['none', 'plenty', 'scarce'] as const)(
  'what comes out is what came in, however it was cut (rate: %s)',
  (rate) => {
    vi.useFakeTimers();
    fc.assert(
      fc.property(streams, fc.array(fc.nat(), { maxLength: 40 }), (stream, cuts) => {
        const data = stream.filter(({ opcode }) => opcode < 8).map(({ bytes }) => bytes);
        expectSame(relayed(stream, cuts, rate).equals(Buffer.concat(data)), true);
      }),
      { numRuns: 300 },
    );
    vi.useRealTimers();
  },
);
