import { expect, test } from 'vitest';
import { RouteCounters } from '../../../../src/observe/metrics/counters.ts';
import { Direction, framesPerRound } from '../../../../src/relay/core/direction.ts';
import { RoundBudget } from '../../../../src/relay/core/round-budget.ts';
import { type Stage, verbatim } from '../../../../src/relay/core/stage.ts';
import { ValidatingStage } from '../../../../src/relay/core/validating-stage.ts';
import { MemoryBudget } from '../../../../src/relay/memory/memory-budget.ts';
import { type Keeper, ReadBuffers } from '../../../../src/relay/memory/read-buffers.ts';
import { LegWriter } from '../../../../src/relay/transport/leg-writer.ts';
import { ManualClock } from '../../../helpers/clock.ts';
import { clientFrame, closeFrame } from '../../../helpers/frames.ts';
import { MemoryOutput } from '../../../helpers/memory-transport.ts';
import { type RouteOverrides, testRoute } from '../../../helpers/relay.ts';

const KiB = 1024;

/** What a client sends, towards an upstream whose kernel takes all, or nothing. */
function setUp(
  options: RouteOverrides = {},
  memory = new MemoryBudget(64 * 1024 * KiB, () => {}),
  takesAll = true,
  stage: Stage = verbatim,
) {
  const clock = new ManualClock();
  const output = new MemoryOutput();
  output.full = !takesAll;
  const writer = new LegWriter(output, true, memory);
  const source = {
    maxReadBytes: 0,
    paused: false,
    isReset: false,
    pause() {
      source.paused = true;
    },
    resume() {
      source.paused = false;
    },
    reset() {
      source.isReset = true;
    },
  };
  /** Called when a round of the event loop ends. */
  const ends: (() => void)[] = [];
  const endRound = () => {
    for (const call of ends.splice(0)) call();
  };
  const direction = new Direction({
    frameBudget: new RoundBudget((call) => void ends.push(call), framesPerRound),
    id: 'test',
    sender: 'client',
    route: testRoute(options),
    counters: new RouteCounters().client,
    stage,
    memory,
    clock,
    source,
    out: writer,
    onRate: () => direction.rateOver(),
    onAnswers: () => direction.answersOver(),
  });
  const read = (bytes: Buffer, keeper: Keeper | null = null) => direction.read(bytes, 0, bytes.length, keeper);
  return { direction, clock, output, writer, source, read, endRound };
}

test('it drops its sender’s connection', () => {
  const { direction, source } = setUp();
  direction.reset();
  expect(source.isReset).toBe(true);
});

test('nothing happens with messages that pass', () => {
  const { read, direction, output } = setUp();
  const sent = Buffer.concat([clientFrame('one'), clientFrame('two')]);
  expect(read(sent)).toBe(null);
  expect(output.bytes).toEqual(sent);
  expect(direction.happened()).toBe(null);
});

test('what happened in a read is told in order when the read is over, and behind a close frame nothing does', () => {
  const { read, output } = setUp({ mode: 'report', client: { maxMessageBytes: 3 } });
  const large = clientFrame('large');
  const happened = read(
    Buffer.concat([
      clientFrame('?', { opcode: 9 }),
      large,
      clientFrame('!', { opcode: 10 }),
      closeFrame(1000, 'done', { mask: true }),
      clientFrame('behind'),
      clientFrame('?', { opcode: 9 }),
    ]),
  );
  expect(happened?.map(({ what }) => what)).toEqual(['ping', 'violation', 'pong', 'close']);
  expect(happened?.[3]).toEqual({ what: 'close', payload: Buffer.from('\x03\xe8done', 'latin1') });
  // All that came before the close frame has been passed on by now.
  expect(output.bytes).toEqual(large);
});

test('a fault is the last that happens, and the messages before it have been passed on', () => {
  const { read, output } = setUp();
  const good = clientFrame('good');
  const happened = read(Buffer.concat([good, clientFrame('bad', { rsv: 1 }), clientFrame('?', { opcode: 9 })]));
  expect(happened).toEqual([{ what: 'fault', detail: 'reserved bits are set but no extension was negotiated' }]);
  expect(output.bytes).toEqual(good);
  expect(read(good)).toBe(null);
});

test('a flood of pings happens once, and only a close frame is looked for behind it', () => {
  const { read } = setUp({ client: { controlRate: { perSecond: 1, burst: 2, action: 'close' } } });
  const ping = clientFrame('', { opcode: 9 });
  const happened = read(Buffer.concat([ping, ping, ping, clientFrame('x'), closeFrame(1000, '', { mask: true })]));
  expect(happened?.map(({ what }) => what)).toEqual(['ping', 'ping', 'violation', 'close']);
});

test('behind a flood pings are answered within the rate alone, so that one read holds no thousand answers', () => {
  const { direction, read, clock } = setUp({ client: { controlRate: { perSecond: 1, burst: 2, action: 'close' } } });
  const pings = Buffer.concat(Array.from({ length: 1000 }, () => clientFrame('', { opcode: 9 })));
  expect(read(pings)?.map(({ what }) => what)).toEqual(['ping', 'ping', 'violation']);
  expect(read(pings)).toBe(null);
  clock.advance(1000);
  expect(read(pings)?.map(({ what }) => what)).toEqual(['ping']);
  expect(direction.listening).toBe(true);
  expect(read(closeFrame(1000, '', { mask: true }))?.map(({ what }) => what)).toEqual(['close']);
});

test.each([
  ['pings', clientFrame('', { opcode: 9 })],
  ['empty messages', clientFrame('')],
  ['short messages', clientFrame('short')],
])('a close frame is not looked for behind %s without end', (_, frame) => {
  const { direction, read } = setUp({ client: { maxMessageBytes: 5 } });
  const many = Buffer.concat(Array.from({ length: 1000 }, () => frame));
  read(clientFrame('larger'));
  for (let i = 0; i < 100 && direction.listening; i++) read(many);
  expect(direction.listening).toBe(false);
  expect(direction.paused).toBe(false);
  expect(read(many)).toBe(null);
});

test('a close frame is looked for behind a large upload, however long that goes on', () => {
  const { direction, read } = setUp({ client: { maxMessageBytes: 5 } });
  const frame = clientFrame('x'.repeat(300));
  const many = Buffer.concat(Array.from({ length: 1000 }, () => frame));
  read(clientFrame('larger'));
  for (let i = 0; i < 100; i++) read(many);
  expect(direction.listening).toBe(true);
  expect(read(closeFrame(1000, '', { mask: true }))?.map(({ what }) => what)).toEqual(['close']);
});

const crowd = Buffer.concat(Array.from({ length: 10_000 }, () => clientFrame('')));

test('who sends more small frames than a round may bring is not read until another round, and that is no pause', () => {
  const { direction, read, source, endRound, output } = setUp();
  for (let i = 0; i < 4; i++) {
    expect(source.paused).toBe(false);
    read(crowd);
  }
  expect(source.paused).toBe(true);
  expect(direction.paused).toBe(false);
  expect(output.bytes.length).toBe(4 * crowd.length);
  endRound();
  expect(source.paused).toBe(false);
});

test('a turn of its own does not end a pause, and reads nothing when the connection is gone', () => {
  const paused = setUp({}, undefined, false);
  for (let i = 0; i < 4; i++) paused.read(crowd);
  expect(paused.direction.paused).toBe(true);
  paused.endRound();
  expect(paused.source.paused).toBe(true);

  const gone = setUp();
  for (let i = 0; i < 4; i++) gone.read(crowd);
  gone.direction.finish();
  gone.endRound();
  expect(gone.source.paused).toBe(true);
});

test('large messages wait for no turn', () => {
  const { read, source } = setUp();
  const large = Buffer.concat(Array.from({ length: 200 }, () => clientFrame('x'.repeat(300))));
  for (let i = 0; i < 500; i++) read(large);
  expect(source.paused).toBe(false);
});

test('a boundary that is there happens at once, one that is not when the message is complete', () => {
  const { direction, read, source } = setUp();
  direction.stopAfterMessage('hold');
  expect(direction.happened()).toEqual([{ what: 'boundary' }]);
  expect(source.paused).toBe(true);

  const later = setUp();
  later.read(clientFrame('be', { fin: false }));
  later.direction.stopAfterMessage('discard');
  expect(later.direction.happened()).toBe(null);
  const rest = Buffer.concat([clientFrame('gun', { opcode: 0 }), clientFrame('too late')]);
  // The second message was read whole: it is passed on too.
  expect(later.read(rest)).toEqual([{ what: 'boundary' }]);
  expect(later.output.bytes).toEqual(Buffer.concat([clientFrame('be', { fin: false }), rest]));
  expect(later.read(clientFrame('more'))).toBe(null);
  expect(read(clientFrame('more'))).toBe(null);
});

test('what waits for a rate goes on when its time has come, by the given clock', () => {
  const messageRate = { perSecond: 10, burst: 1, action: 'pause' } as const;
  const { read, direction, clock, output } = setUp({ client: { messageRate } });
  const messages = ['one', 'two', 'three'].map((text) => clientFrame(text));
  read(Buffer.concat(messages));
  expect(output.bytes).toEqual(messages[0]);
  clock.advance(100);
  expect(output.bytes).toEqual(Buffer.concat(messages.slice(0, 2)));
  expect(direction.paused).toBe(true);
  clock.advance(100);
  expect(output.bytes).toEqual(Buffer.concat(messages));
  expect(direction.paused).toBe(false);
});

test('what a write reads from a lent buffer counts in its sender’s share of the memory', () => {
  const memory = new MemoryBudget(64 * 1024 * KiB, () => {});
  const lease = new ReadBuffers(memory).lease()!;
  const { direction } = setUp({}, memory, false);
  // 8 MiB are left: a share of 128 KiB. Beside 32 KiB for the next read, 100 KiB do not fit into it.
  memory.take(56 * 1024 * KiB - memory.usedBytes);
  const end = clientFrame(Buffer.alloc(100 * KiB), { opcode: 2 }).copy(lease.buffer);
  direction.read(lease.buffer, 0, end, lease);
  expect([direction.capacity, direction.bufferedBytes]).toEqual([0, end]);
  expect([...direction.pauses.causes.keys()]).toEqual(['memory']);
});

/** A client whose messages are all bad, and answered. */
function setUpAnswering() {
  const memory = new MemoryBudget(64 * 1024 * KiB, () => {});
  const rules = {
    maxTextBytes: KiB,
    action: 'reply',
    rejectsBinary: false,
    judge: () => ({ rule: 'r', path: '' }),
    describe: () => 'bad',
    answer: () => Buffer.from('no'),
  } as const;
  return setUp({}, memory, true, new ValidatingStage({ sender: 'client', memory, rules: () => rules }));
}

test('messages that want answers go on in rounds, a few in each, however soon the answers have gone', () => {
  const { direction, read, endRound } = setUpAnswering();
  const answersOf = (happened: ReturnType<typeof read>) => happened?.filter(({ what }) => what === 'answer').length;
  const first = answersOf(read(Buffer.concat(Array.from({ length: 40 }, () => clientFrame('x')))))!;
  expect(first).toBeLessThan(40);
  const seen = [first];
  while (direction.pauses.has('answers')) {
    direction.answered();
    expect(direction.happened()).toBe(null);
    endRound();
    seen.push(answersOf(direction.happened())!);
  }
  expect(seen.reduce((sum, count) => sum + count)).toBe(40);
  expect(Math.max(...seen)).toBe(first);
});

test('answers that wait for the end of a message are no debt of a client that takes everything', () => {
  const client = setUpAnswering();
  client.read(Buffer.concat(Array.from({ length: 40 }, () => clientFrame('x'))));
  expect(client.direction.pauses.has('answers')).toBe(true);
  const toClient = (takesAll: boolean) => {
    const upstream = setUp({}, undefined, takesAll);
    upstream.read(clientFrame('some', { fin: false }));
    return upstream.direction.waitsFor(client.direction);
  };
  expect(toClient(true)).toBe(false);
  expect(toClient(false)).toBe(true);
});
