/** Whole sessions on recorded bytes and a given clock: no socket, no waiting, every end to the millisecond. */
import { describe, expect, test } from 'vitest';
import { RouteCounters } from '../../../src/observe/metrics/counters.ts';
import type { SessionReport } from '../../../src/observe/report.ts';
import { framesPerRound } from '../../../src/relay/core/direction.ts';
import { RoundBudget } from '../../../src/relay/core/round-budget.ts';
import { MemoryBudget } from '../../../src/relay/memory/memory-budget.ts';
import { Session } from '../../../src/relay/session.ts';
import { ManualClock } from '../../helpers/clock.ts';
import { clientFrame, closeFrame, type Frame, frame, parseFrame } from '../../helpers/frames.ts';
import { HeardMistakes } from '../../helpers/heard-mistakes.ts';
import { MemoryTransport } from '../../helpers/memory-transport.ts';
import { type RouteOverrides, testRoute } from '../../helpers/relay.ts';

const tickMs = 250;

/** A session between two recorded peers. */
function setUp(options: RouteOverrides = {}) {
  const clock = new ManualClock();
  const client = new MemoryTransport();
  const upstream = new MemoryTransport();
  const counters = new RouteCounters();
  const budget = new MemoryBudget(Number.POSITIVE_INFINITY, () => {});
  const reports: SessionReport[] = [];
  let released = 0;
  const facts = { host: 'test', path: '/', address: '127.0.0.1', upstream: '', subprotocol: null, handshakeMs: 1 };
  const session = new Session(
    {
      id: 'test',
      route: testRoute(options),
      counters,
      facts,
      client,
      upstream,
      budget,
      clock,
      frameBudget: new RoundBudget(() => {}, framesPerRound),
      release: () => released++,
    },
    { violated() {}, violatedAgain() {}, ended: (_, report) => reports.push(report) },
  );
  session.start();
  /** Reads all that is there, in pieces. */
  const pump = (bytes: number) => {
    while ([client.pump(bytes), upstream.pump(bytes)].includes(true));
  };
  /** Lets time pass as the registry does. */
  const pass = (ms: number) => {
    for (let passed = 0; passed < ms; passed += tickMs) {
      clock.advance(tickMs);
      session.tick(clock.now());
    }
  };
  return { session, client, upstream, counters, budget, reports, clock, pump, pass, released: () => released };
}

function framesOf({ output }: MemoryTransport): Frame[] {
  const { bytes } = output;
  const found: Frame[] = [];
  for (let at = 0; at < bytes.length; at += found.at(-1)!.size) found.push(parseFrame(bytes.subarray(at))!);
  return found;
}

const texts = (frames: readonly Frame[]): string[] => frames.map(({ payload }) => payload.toString());

describe.each([1, 2, 3, 7, 100, 100_000])('read %i bytes at a time', (bytes) => {
  test('a conversation that the client closes reaches both sides whole, and is reported once', () => {
    const { session, client, upstream, pump, clock, reports, counters, budget, released } = setUp();
    const questions = [
      clientFrame('first'),
      clientFrame('sec', { fin: false }),
      clientFrame('ping', { opcode: 9 }),
      clientFrame('ond', { opcode: 0 }),
      clientFrame(Buffer.alloc(70_000, 3), { opcode: 2 }),
    ];
    client.send(Buffer.concat([...questions, closeFrame(4000, 'that was all', { mask: true })]));
    pump(bytes);
    expect(texts(framesOf(client))).toEqual(['ping']);
    const heard = framesOf(upstream);
    expect(heard.map(({ opcode }) => opcode)).toEqual([1, 1, 0, 2, 8]);
    expect(upstream.output.bytes.subarray(0, questions[0]!.length)).toEqual(questions[0]);
    expect([upstream.output.ended, client.output.ended]).toEqual([false, false]);

    // It has time until timeouts.close is over.
    clock.advance(1500);
    upstream.send(Buffer.concat([frame('late'), frame('pong?', { opcode: 9 }), closeFrame(4000, 'so it was')]));
    pump(bytes);
    expect(texts(framesOf(client))).toEqual(['ping', 'late', '\x0f\xa0so it was'.replace('\xa0', '\ufffd')]);
    expect([upstream.output.ended, client.output.ended]).toEqual([true, true]);
    client.end();
    upstream.end();
    pump(bytes);
    expect(reports).toHaveLength(1);
    expect(reports[0]).toMatchObject({
      durationMs: 1500,
      reason: 'client_closed',
      closedBy: 'client',
      codes: { sentToClient: 4000, receivedFromClient: 4000, sentToUpstream: 4000, receivedFromUpstream: 4000 },
      client: { messages: 3, bytes: 70_011, fragments: 4 },
      upstream: { messages: 1, bytes: 4 },
      cut: [],
      incomplete: [],
      undeliveredBytes: 0,
    });
    expect([released(), budget.usedBytes, session.counters]).toEqual([1, 0, counters]);
  });

  test('a drain under a rate, whose upstream never answers, ends at its times', () => {
    const messageRate = { perSecond: 2, burst: 1, action: 'pause' } as const;
    const timeouts = { connectMs: 1, headersMs: 1, handshakeMs: 1, closeMs: 2000 };
    const { session, client, upstream, pump, pass, reports, clock } = setUp({ client: { messageRate }, timeouts });
    upstream.send(frame('output, ', { fin: false }));
    pump(bytes);
    session.drain('drain');
    // Its message is not complete: the client hears nothing yet.
    expect(texts(framesOf(client))).toEqual(['output, ']);
    upstream.send(frame('whole', { opcode: 0 }));
    pump(bytes);
    upstream.send(frame('held back'));
    pump(bytes);
    expect(framesOf(client).map(({ opcode }) => opcode)).toEqual([1, 0, 8]);
    expect(upstream.paused).toBe(true);

    // What the client still says passes at its rate, the close frame behind it.
    client.send(Buffer.concat([clientFrame('one'), clientFrame('two'), clientFrame('three')]));
    client.send(closeFrame(1012, '', { mask: true }));
    for (let now = 0; now < 1000; now += tickMs) {
      pump(bytes);
      pass(tickMs);
    }
    pump(bytes);
    expect(texts(framesOf(upstream).slice(0, 3))).toEqual(['one', 'two', 'three']);
    expect(framesOf(upstream).at(-1)).toMatchObject({ opcode: 8, masked: true });
    const toldAt = clock.now();
    expect([client.output.ended, upstream.paused]).toEqual([true, false]);
    client.end();
    pump(bytes);
    while (!upstream.wasReset) {
      pass(tickMs);
      pump(bytes);
    }
    // When two ticks have seen that nothing comes.
    expect(clock.now() - toldAt).toBeLessThanOrEqual(timeouts.closeMs + 2 * tickMs);
    expect(reports).toMatchObject([
      {
        reason: 'drain',
        codes: { sentToClient: 1012, receivedFromClient: 1012, sentToUpstream: 1001, receivedFromUpstream: null },
        cut: ['upstream'],
        client: { messages: 3 },
        upstream: { messages: 1 },
      },
    ]);
  });
});

test('a kernel that is full pauses the sender, and max_pause ends it at its time', () => {
  const { client, upstream, session, pump, pass, reports, clock } = setUp({
    upstreamLimits: { maxBufferBytes: 1000, maxPauseMs: 30_000 },
  });
  client.output.full = true;
  for (let i = 0; i < 20; i++) upstream.send(frame(Buffer.alloc(400), { opcode: 2 }));
  pump(450);
  expect([...session.upstream.inbound.pauses.causes.keys()]).toEqual(['buffer']);
  expect(upstream.paused).toBe(true);
  pass(29_000);
  expect(session.outcome).toBe(null);
  // It takes one piece: progress, and another thirty seconds.
  client.output.accept();
  client.output.full = true;
  pump(450);
  const resumedAt = clock.now();
  pass(29_000);
  expect(session.outcome).toBe(null);
  while (session.outcome === null) pass(tickMs);
  expect(clock.now() - resumedAt).toBeLessThanOrEqual(30_000 + 2 * tickMs);
  upstream.end();
  pump(450);
  expect(reports).toMatchObject([{ reason: 'slow_receiver', cut: ['client'], violation: { limit: 'max_pause' } }]);
});

test('a client that may not stay hears 1008, passes on nothing more, and gets what its upstream still says', () => {
  const { session, client, upstream, pump, reports } = setUp();
  client.send(clientFrame('before'));
  pump(1000);
  expect(session.end('revoked')).toBe(true);
  expect(session.end('expired')).toBe(false);
  client.send(clientFrame('after'));
  upstream.send(Buffer.concat([frame('answer'), closeFrame(1001, '')]));
  pump(1000);
  expect(texts(framesOf(upstream).slice(0, 1))).toEqual(['before']);
  expect(framesOf(upstream).map(({ opcode }) => opcode)).toEqual([1, 8]);
  expect(texts(framesOf(client))).toEqual(['answer', expect.stringContaining('withdrawn')]);
  client.end();
  upstream.end();
  pump(1000);
  expect(reports).toMatchObject([
    { reason: 'revoked', closedBy: 'sluice', codes: { sentToClient: 1008, sentToUpstream: 1001 } },
  ]);
});

test('a client that may not stay hears the words that it was given within a second, whatever its upstream does', () => {
  const { session, client, upstream, pump, pass } = setUp();
  session.end('revoked', 'ann was shut out');
  upstream.send(frame('and on'));
  pump(1000);
  expect(texts(framesOf(client))).toEqual(['and on']);
  pass(1250);
  expect(texts(framesOf(client)).at(-1)).toContain('ann was shut out');
});

describe.each(['client', 'upstream'] as const)(
  'a drain that waits for the end of a message, and protects the %s',
  (protect) => {
    test.each(['drain', 'max_lifetime', 'operator'] as const)('keeps no client that may not stay (%s)', (reason) => {
      const drain = { close: 'spread', protect, spreadMs: 0, deadlineMs: 60_000 } as const;
      const { session, client, upstream, pump, pass, reports } = setUp({ drain });
      client.send(clientFrame('a question, ', { fin: false }));
      upstream.send(frame('an answer, ', { fin: false }));
      pump(1000);
      session.drain(reason);
      expect(
        framesOf(client)
          .concat(framesOf(upstream))
          .map(({ opcode }) => opcode),
        'it waits',
      ).toEqual([1, 1]);
      expect(session.end('revoked', 'ann was shut out')).toBe(true);
      expect(session.end('expired'), 'once').toBe(false);
      client.send(clientFrame('and on', { opcode: 0 }));
      upstream.send(frame('and on', { opcode: 0 }));
      pump(1000);
      expect(framesOf(upstream).map(({ opcode }) => opcode)).toEqual([1, 8]);
      expect(texts(framesOf(client))).toEqual(['an answer, ', 'and on']);
      pass(1250);
      expect(texts(framesOf(client)).at(-1)).toContain('ann was shut out');
      client.end();
      upstream.end();
      pump(1000);
      expect(reports).toMatchObject([{ reason, codes: { sentToClient: 1008 } }]);
    });
  },
);

test('who is evicted hears why, counts as a violation, and its last data is what no tick has seen yet', () => {
  const { session, client, upstream, pump, pass, reports } = setUp();
  const quietSince = session.lastDataAt;
  pass(250);
  client.send(clientFrame('news'));
  client.pump(1000);
  expect(session.lastDataAt).toBeGreaterThan(quietSince);
  expect(session.isEnding).toBe(false);
  session.evict(2, 3);
  session.evict(2, 3);
  session.end('revoked');
  expect(session.isEnding).toBe(true);
  pass(1250);
  expect(texts(framesOf(client)).at(-1)).toContain('a newer connection of the same user took its place');
  client.end();
  upstream.end();
  pump(1000);
  expect(reports).toMatchObject([
    {
      reason: 'evicted',
      closedBy: 'sluice',
      violation: { limit: 'connections.max_per_user', configured: 2, observed: 3, action: 'close' },
      codes: { sentToClient: 1008, sentToUpstream: 1001 },
    },
  ]);
  expect(session.counters.client.violations.get('connections.max_per_user', 'close')).toBe(1);
});

test('the last data of a connection that ends behind it is not as old as what a tick has seen', () => {
  const { client, upstream, pump, pass, reports } = setUp();
  pass(60_000);
  client.send(Buffer.concat([clientFrame('news'), closeFrame(1000, '', { mask: true })]));
  upstream.send(closeFrame(1000));
  for (const side of [client, upstream]) side.end();
  pump(1000);
  expect(reports).toMatchObject([{ durationMs: 60_000, lastDataAgeMs: 0, client: { messages: 1 } }]);
});

test('the message whose last frame is finished at a goodbye is counted', () => {
  const { session, client, upstream, pump } = setUp();
  const whole = clientFrame('finished', { opcode: 2 });
  client.send(whole.subarray(0, -4));
  pump(1000);
  session.end('revoked');
  client.send(Buffer.concat([whole.subarray(-4), clientFrame('not passed on')]));
  pump(1000);
  expect(texts(framesOf(upstream).slice(0, 1))).toEqual(['finished']);
  expect(session.client.inbound.record.messages).toBe(1);
  expect(session.counters.client).toMatchObject({ binaryMessages: 1, messageBytes: 8 });
});

test('a size that a header only announces counts in its bucket, and spoils no sum', () => {
  const { client, session, pump } = setUp({ client: { maxMessageBytes: 1000 } });
  client.send(clientFrame('begun', { fin: false }));
  client.send(clientFrame('', { opcode: 0, length: 2n ** 62n }));
  pump(1000);
  expect(session.outcome).toMatchObject({ reason: 'message_too_big', violation: { observed: 2n ** 62n } });
  const { counts, sum } = session.counters.client.messageSizes;
  expect([counts.at(-1), sum]).toEqual([1, 5]);
});

test('a client that leaves in the middle of a message breaks no message_timeout, and was told nothing that it could call incomplete', () => {
  const { session, client, upstream, pump, pass, reports } = setUp({ client: { messageTimeoutMs: 1000 } });
  client.send(clientFrame('begun', { fin: false }));
  upstream.send(frame('begun', { fin: false }));
  pump(1000);
  pass(tickMs);
  client.reset();
  pass(3000);
  expect(session.upstream.state).toBe('closing');
  expect(session.counters.client.violations.total).toBe(0);
  upstream.send(closeFrame(1001));
  upstream.end();
  pump(1000);
  expect(reports).toMatchObject([{ reason: 'client_vanished', cut: [], incomplete: ['upstream'] }]);
});

test('what is kept for a connection is disposed of at its end, or at once when it has ended', () => {
  const { session, client, upstream, pump } = setUp();
  let disposed = 0;
  const kept = { [Symbol.dispose]: () => disposed++ };
  session.keep(kept);
  client.end();
  upstream.end();
  pump(1000);
  expect(disposed).toBe(1);
  session.keep(kept);
  expect(disposed).toBe(2);
});

describe('a peer that never ends its connection', () => {
  const closeMs = 1000;
  const timeouts = { connectMs: 1, headersMs: 1, handshakeMs: 1, closeMs };

  test.each([
    ['is reset at timeouts.close where all that it was sent fits into the first flight', 12_000, true],
    ['has more time while the kernel is asked what it still holds of more than that', 12_500, false],
  ])('%s', (_name, bytes, isReset) => {
    const { client, upstream, pump, pass } = setUp({ timeouts });
    for (const transport of [client, upstream]) transport.kernel = 'pending';
    client.send(clientFrame(Buffer.alloc(bytes), { opcode: 2 }));
    client.end();
    pump(bytes);
    pass(closeMs - tickMs);
    expect(upstream.wasReset).toBe(false);
    pass(2 * tickMs);
    expect(upstream.wasReset).toBe(isReset);
    upstream.kernel = null;
    pass(tickMs);
    expect(upstream.wasReset).toBe(true);
  });
});

test('what goes wrong at the end keeps nothing that else is given back', () => {
  using mistakes = new HeardMistakes();
  const { session, reports, released } = setUp();
  session.keep({
    [Symbol.dispose]() {
      throw new Error('a mistake');
    },
  });
  session.cut('operator');
  expect(mistakes.told).toEqual(['a mistake']);
  expect([released(), reports.length]).toEqual([1, 1]);
});
