/**
 * A connection ends in turn: nothing that a side said before its own close frame is lost, and nobody hears of an end
 * that is none.
 */
import { describe, expect, onTestFinished, test } from 'vitest';
import type { Leg } from '../../../src/relay/leg.ts';
import { ManualClock } from '../../helpers/clock.ts';
import { counts } from '../../helpers/counts.ts';
import { clientFrame, closeFrame, frame } from '../../helpers/frames.ts';
import type { Peer } from '../../helpers/peer.ts';
import { openRelay, type Relay } from '../../helpers/relay.ts';
import { until } from '../../helpers/until.ts';

const quick = { connectMs: 1000, headersMs: 1000, handshakeMs: 1000, closeMs: 400 };

const texts = (count: number, of: string): string[] => Array.from({ length: count }, (_, i) => `${of} ${i}`);

async function expectMessages(peer: Peer, expected: readonly string[]): Promise<void> {
  for (const text of expected) expect((await peer.frame()).payload.toString()).toBe(text);
}

const clientClose = (code = 1000, reason = ''): Buffer => closeFrame(code, reason, { mask: true });
const upstreamClose = (code = 1000, reason = ''): Buffer => closeFrame(code, reason);

/** Lets a peer say the same again and again, until the test is over. */
function chatter(peer: Peer, said: Buffer): void {
  const goOn = () => {
    if (peer.socket.destroyed) return;
    peer.send(said);
    next = setImmediate(goOn);
  };
  let next = setImmediate(goOn);
  onTestFinished(() => clearImmediate(next));
}

/** One side of a relay and the other, with their ways to write. */
function sides(relay: Relay, closer: 'client' | 'upstream') {
  const client = { peer: relay.client, say: (text: string) => clientFrame(text), close: clientClose };
  const upstream = { peer: relay.upstream, say: (text: string) => frame(text), close: upstreamClose };
  return closer === 'client' ? { one: client, two: upstream } : { one: upstream, two: client };
}

test.each(['client', 'upstream'] as const)(
  'an upstream that has closed is not waited for: the %s closes first',
  async (closer) => {
    await using relay = await openRelay({ timeouts: { ...quick, closeMs: 60_000 } });
    const { one, two } = sides(relay, closer);
    one.peer.send(one.close());
    await two.peer.closeFrame();
    two.peer.send(two.close());
    expect(await one.peer.closeFrame()).toMatchObject({ code: 1000 });
    // Its FIN never comes.
    expect(await relay.upstream.ended).toBe('fin');
    await until(() => relay.session.upstream.gone);
    relay.client.end();
    expect(await relay.ended).toMatchObject({ reason: `${closer}_closed`, cut: [], undeliveredBytes: 0 });
  },
);

describe.each(['client', 'upstream'] as const)('when the %s closes first', (closer) => {
  const other = closer === 'client' ? 'upstream' : 'client';

  test('all that the other side still says arrives before its own close, which is the answer', async () => {
    await using relay = await openRelay();
    const { one, two } = sides(relay, closer);
    const questions = texts(20, 'question');
    one.peer.send(Buffer.concat([...questions.map(one.say), one.close(1000, 'that was all')]));
    await expectMessages(two.peer, questions);
    expect(await two.peer.closeFrame()).toEqual({ code: 1000, reason: 'that was all' });
    const answers = texts(20, 'answer');
    for (const answer of answers) {
      two.peer.send(two.say(answer));
      expect((await one.peer.frame()).payload.toString()).toBe(answer);
    }
    two.peer.send(two.close(4001, 'so it was'));
    expect(await one.peer.closeFrame()).toEqual({ code: 4001, reason: 'so it was' });
    expect(await Promise.all([one.peer.ended, two.peer.ended])).toEqual(['fin', 'fin']);
    one.peer.end();
    two.peer.end();
    expect(await relay.ended).toMatchObject({
      reason: `${closer}_closed`,
      closedBy: closer,
      cut: [],
      undeliveredBytes: 0,
      codes: {
        [closer === 'client' ? 'receivedFromClient' : 'receivedFromUpstream']: 1000,
        [closer === 'client' ? 'sentToClient' : 'sentToUpstream']: 4001,
      },
    });
  });

  test('it hears no answer while the other side is alive and gives none', async () => {
    await using relay = await openRelay();
    const { one, two } = sides(relay, closer);
    one.peer.send(one.close());
    await two.peer.closeFrame();
    // Whatever would be sent at once is here when a message that comes later is.
    two.peer.send(two.say('still busy'));
    expect((await one.peer.frame()).payload.toString()).toBe('still busy');
    two.peer.send(two.close());
    expect((await one.peer.closeFrame()).code).toBe(1000);
  });

  test('a message of the other side that is under way in fragments is completed', async () => {
    await using relay = await openRelay();
    const { one, two } = sides(relay, closer);
    const mask = other === 'client';
    two.peer.send(frame('be', { fin: false, mask }));
    expect((await one.peer.frame()).payload.toString()).toBe('be');
    one.peer.send(one.close());
    await two.peer.closeFrame();
    two.peer.send(frame('gun', { opcode: 0, mask }));
    two.peer.send(two.close());
    expect(await one.peer.frame()).toMatchObject({ fin: true, payload: Buffer.from('gun') });
    expect((await one.peer.closeFrame()).code).toBe(1000);
  });

  test('it may send FIN behind its close frame and still hears the answer', async () => {
    await using relay = await openRelay();
    const { one, two } = sides(relay, closer);
    one.peer.send(one.close(1001));
    one.peer.end();
    await two.peer.closeFrame();
    two.peer.send(Buffer.concat([two.say('late'), two.close(1001)]));
    expect((await one.peer.frame()).payload.toString()).toBe('late');
    expect((await one.peer.closeFrame()).code).toBe(1001);
    expect(await one.peer.ended).toBe('fin');
    two.peer.end();
    expect(await relay.ended).toMatchObject({ reason: `${closer}_closed`, cut: [], undeliveredBytes: 0 });
  });

  test('one that is gone behind its close frame holds nobody up', async () => {
    await using relay = await openRelay();
    const { one, two } = sides(relay, closer);
    one.peer.send(one.close());
    await two.peer.closeFrame();
    one.peer.reset();
    const { session } = relay;
    await until(() => session[closer].gone);
    two.peer.send(Buffer.concat([two.say('for nobody'), two.close()]));
    expect(await two.peer.ended).toBe('fin');
    two.peer.end();
    expect(await relay.ended).toMatchObject({ reason: `${closer}_closed`, undeliveredBytes: 0 });
  });

  test('an other side that never answers is cut after timeouts.close, and it hears that nobody did', async () => {
    const clock = new ManualClock();
    await using relay = await openRelay({ clock, timeouts: quick });
    const { one, two } = sides(relay, closer);
    one.peer.send(one.close());
    await two.peer.closeFrame();
    expect(await clock.until(one.peer.closeFrame())).toEqual({
      code: closer === 'client' ? 1011 : 1001,
      reason: `the ${other} did not answer the close in time`,
    });
    expect(await clock.until(two.peer.ended)).toBe('reset');
    expect(await one.peer.ended).toBe('fin');
    one.peer.end();
    expect(await relay.ended).toMatchObject({ reason: `${closer}_closed`, cut: [other] });
  });

  test('an other side that talks on for ever is cut too', async () => {
    const clock = new ManualClock();
    await using relay = await openRelay({ clock, timeouts: quick });
    const { one, two } = sides(relay, closer);
    one.peer.send(one.close());
    chatter(two.peer, two.say('and another thing'));
    expect((await clock.until(one.peer.closeFrame())).code).toBe(closer === 'client' ? 1011 : 1001);
    one.peer.end();
    expect(await clock.until(relay.ended)).toMatchObject({ reason: `${closer}_closed`, cut: [other] });
  });

  test.each(['fin', 'reset'] as const)(
    'an other side that leaves without an answer (%s) is told as such',
    async (how) => {
      await using relay = await openRelay();
      const { one, two } = sides(relay, closer);
      two.peer.pause();
      one.peer.send(Buffer.concat([one.say('save me'), one.close()]));
      await until(() => relay.session[closer].peerClosed);
      if (how === 'fin') two.peer.end();
      else two.peer.reset();
      expect((await one.peer.closeFrame()).code).toBe(closer === 'client' ? 1011 : 1001);
      two.peer.resume();
      one.peer.end();
      expect(await relay.ended).toMatchObject({ reason: `${closer}_closed`, closedBy: closer });
    },
  );

  test('what it floods behind its close frame is dropped', async () => {
    await using relay = await openRelay();
    const { one, two } = sides(relay, closer);
    const noise = Buffer.concat(new Array(1000).fill(one.say('noise')));
    one.peer.send(Buffer.concat([one.say('last'), one.close(), noise]));
    for (let i = 0; i < 20; i++) one.peer.send(noise);
    await expectMessages(two.peer, ['last']);
    await two.peer.closeFrame();
    two.peer.send(Buffer.concat([two.say('heard'), two.close()]));
    await expectMessages(one.peer, ['heard']);
    expect((await one.peer.closeFrame()).code).toBe(1000);
    one.peer.end();
    two.peer.end();
    expect((await two.peer.rest()).length).toBe(0);
    expect((await relay.ended)[closer].messages).toBe(1);
  });

  test('limits bind the other side to its last word, and both hear of it', async () => {
    await using relay = await openRelay({ client: { maxMessageBytes: 100 }, upstreamLimits: { maxMessageBytes: 100 } });
    const { one, two } = sides(relay, closer);
    one.peer.send(one.close());
    await two.peer.closeFrame();
    two.peer.send(Buffer.concat([two.say('fine'), two.say('x'.repeat(101)), two.close()]));
    await expectMessages(one.peer, ['fine']);
    expect((await one.peer.closeFrame()).code).toBe(1009);
    one.peer.end();
    two.peer.end();
    expect(await relay.ended).toMatchObject({ reason: `${closer}_closed`, cut: [] });
    expect(counts(relay.counters[other].violations)).toEqual({ 'max_message_size|close': 1 });
  });

  test('an other side that breaks the protocol now is no answer', async () => {
    await using relay = await openRelay();
    const { one, two } = sides(relay, closer);
    one.peer.send(one.close());
    await two.peer.closeFrame();
    two.peer.send(frame('x', { rsv: 1, mask: other === 'client' }));
    expect((await one.peer.closeFrame()).code).toBe(closer === 'client' ? 1014 : 1001);
    expect(await two.peer.ended).toBe('fin');
    one.peer.end();
    two.peer.end();
    expect(await relay.ended).toMatchObject({ reason: `${closer}_closed` });
  });

  test('a drain that begins meanwhile changes nothing', async () => {
    await using relay = await openRelay();
    const { one, two } = sides(relay, closer);
    one.peer.send(one.close());
    await two.peer.closeFrame();
    relay.session.drain('drain');
    two.peer.send(Buffer.concat([two.say('late'), two.close(1000)]));
    await expectMessages(one.peer, ['late']);
    expect((await one.peer.closeFrame()).code).toBe(1000);
    one.peer.end();
    two.peer.end();
    expect(await relay.ended).toMatchObject({ reason: `${closer}_closed`, cut: [] });
  });
});

test('closes that cross each other are each other’s answer', async () => {
  await using relay = await openRelay();
  relay.client.send(Buffer.concat([clientFrame('from the client'), clientClose(4001, 'client')]));
  relay.upstream.send(Buffer.concat([frame('from the upstream'), closeFrame(4002, 'upstream')]));
  await expectMessages(relay.upstream, ['from the client']);
  await expectMessages(relay.client, ['from the upstream']);
  expect(await relay.upstream.closeFrame()).toEqual({ code: 4001, reason: 'client' });
  expect(await relay.client.closeFrame()).toEqual({ code: 4002, reason: 'upstream' });
  relay.client.end();
  relay.upstream.end();
  const report = await relay.ended;
  expect(report).toMatchObject({ cut: [], undeliveredBytes: 0 });
  expect(report.codes).toEqual({
    sentToClient: 4002,
    receivedFromClient: 4001,
    sentToUpstream: 4001,
    receivedFromUpstream: 4002,
  });
});

test('a slow client gets all that was said after its close, and the answer', async () => {
  const clock = new ManualClock();
  await using relay = await openRelay({ clock, timeouts: quick });
  relay.client.send(clientClose());
  await relay.upstream.closeFrame();
  relay.client.pause();
  const output = frame(Buffer.alloc(12e6, 7), { opcode: 2 });
  relay.upstream.send(Buffer.concat([output, closeFrame(1000, 'all sent')]));
  await until(() => relay.session.upstream.inbound.pauses.has('buffer'));
  // Several times timeouts.close: the upstream's answer stands behind what Sluice itself does not read.
  clock.advance(1500);
  relay.client.resume();
  expect((await relay.client.bytes(output.length)).equals(output)).toBe(true);
  expect(await relay.client.closeFrame()).toEqual({ code: 1000, reason: 'all sent' });
});

test('a client that has closed and takes nothing is given up after max_pause', async () => {
  const clock = new ManualClock();
  await using relay = await openRelay({ clock, upstreamLimits: { maxPauseMs: 600 } });
  relay.client.send(clientClose());
  await relay.upstream.closeFrame();
  relay.client.pause();
  relay.upstream.send(frame(Buffer.alloc(60e6), { opcode: 2 }));
  let isOver = false;
  void relay.ended.then(() => {
    isOver = true;
  });
  // Looked at with each step: the clocks of the other side run out too.
  while (!relay.session.client.gone && !isOver) {
    clock.advance(100);
    await new Promise((resolve) => setImmediate(resolve));
  }
  expect(isOver).toBe(false);
  relay.upstream.socket.destroy();
  expect(await relay.ended).toMatchObject({ reason: 'client_closed', cut: ['client'] });
});

test('a close frame that waits behind a rate is passed on behind the messages before it, as are the answers', async () => {
  const clock = new ManualClock();
  const limits = { messageRate: { perSecond: 50, burst: 5, action: 'pause' } } as const;
  await using relay = await openRelay({ clock, client: limits, upstreamLimits: limits, timeouts: quick });
  const { client, upstream } = relay.session;
  /** Lets time pass until a side has been sent its close, and no longer. */
  const untilClosed = async ({ writer }: Leg) => {
    while (!writer.closeSent) {
      clock.advance(10);
      await new Promise((resolve) => setImmediate(resolve));
    }
  };
  const questions = texts(40, 'question');
  relay.client.send(Buffer.concat([...questions.map((text) => clientFrame(text)), clientClose()]));
  await untilClosed(upstream);
  await expectMessages(relay.upstream, questions);
  expect((await relay.upstream.closeFrame()).code).toBe(1000);
  const answers = texts(40, 'answer');
  relay.upstream.send(Buffer.concat([...answers.map((text) => frame(text)), closeFrame(1000)]));
  await until(() => upstream.inbound.pauses.has('rate'));
  const began = clock.now();
  await untilClosed(client);
  // Sluice itself has held them up for so long.
  expect(clock.now() - began).toBeGreaterThan(quick.closeMs);
  await expectMessages(relay.client, answers);
  expect((await relay.client.closeFrame()).code).toBe(1000);
});

test('an upstream that answers with a code that no endpoint may send has answered', async () => {
  await using relay = await openRelay();
  relay.client.send(clientClose());
  await relay.upstream.closeFrame();
  relay.upstream.send(Buffer.concat([frame('late'), closeFrame(10000)]));
  await expectMessages(relay.client, ['late']);
  expect(await relay.client.closeFrame()).toEqual({ code: 1011, reason: 'the upstream closed with 10000' });
  expect(await relay.upstream.ended).toBe('fin');
});

const broken: Record<string, { bytes: Buffer; toSender: number; toReceiver: number; reason: string }> = {
  'a fault': {
    bytes: clientFrame('x', { opcode: 5 }),
    toSender: 1002,
    toReceiver: 1001,
    reason: 'client_protocol_error',
  },
  'a bad close frame': {
    bytes: clientFrame('x', { opcode: 8 }),
    toSender: 1002,
    toReceiver: 1001,
    reason: 'client_protocol_error',
  },
  'a message that is too large': {
    bytes: clientFrame(Buffer.alloc(101), { opcode: 2 }),
    toSender: 1009,
    toReceiver: 1009,
    reason: 'message_too_big',
  },
};

describe.each(Object.entries(broken))(
  '%s behind good messages, in one write',
  (_, { bytes, toSender, toReceiver, reason }) => {
    test('leaves their answers to the one who sent it', async () => {
      await using relay = await openRelay({ client: { maxMessageBytes: 100 } });
      const questions = texts(20, 'question');
      relay.client.send(Buffer.concat([...questions.map((text) => clientFrame(text)), bytes]));
      await expectMessages(relay.upstream, questions);
      expect((await relay.upstream.closeFrame()).code).toBe(toReceiver);
      const answers = texts(20, 'answer');
      relay.upstream.send(Buffer.concat([...answers.map((text) => frame(text)), closeFrame(toReceiver)]));
      await expectMessages(relay.client, answers);
      expect((await relay.client.closeFrame()).code).toBe(toSender);
      relay.client.end();
      relay.upstream.end();
      expect(await relay.ended).toMatchObject({ reason, cut: [], undeliveredBytes: 0 });
    });

    test('does not wait long for a receiver that does not answer', async () => {
      const clock = new ManualClock();
      const timeouts = { ...quick, closeMs: 10_000 };
      await using relay = await openRelay({ clock, client: { maxMessageBytes: 100 }, timeouts });
      relay.client.send(bytes);
      await relay.upstream.closeFrame();
      const toldAt = clock.now();
      chatter(relay.upstream, frame('on and on'));
      expect((await clock.until(relay.client.closeFrame())).code).toBe(toSender);
      expect(relay.session.upstream.state).toBe('closing');
      expect(clock.now() - toldAt).toBeLessThan(timeouts.closeMs / 2);
    });
  },
);

test('a message that is refused after its first fragment is incomplete for its receiver, and the report says so', async () => {
  await using relay = await openRelay({ client: { maxMessageBytes: 100 } });
  relay.client.send(clientFrame('begun', { fin: false }));
  expect((await relay.upstream.frame()).payload.toString()).toBe('begun');
  relay.client.send(clientFrame(Buffer.alloc(100), { opcode: 0 }));
  // Not an empty last fragment: the receiver would take the message for whole.
  expect((await relay.upstream.frame()).opcode).toBe(8);
  relay.upstream.send(upstreamClose(1009));
  relay.client.end();
  relay.upstream.end();
  expect(await relay.ended).toMatchObject({ reason: 'message_too_big', cut: [], incomplete: ['upstream'] });
});

test('a refused message that had not begun for its receiver is not incomplete', async () => {
  await using relay = await openRelay({ client: { maxMessageBytes: 100 } });
  relay.client.send(Buffer.concat([clientFrame('whole'), clientFrame(Buffer.alloc(101))]));
  await expectMessages(relay.upstream, ['whole']);
  await relay.upstream.closeFrame();
  relay.upstream.send(upstreamClose(1009));
  relay.client.end();
  relay.upstream.end();
  expect(await relay.ended).toMatchObject({ incomplete: [] });
});

const badCloses: Record<string, Buffer> = {
  'one byte': Buffer.from('03', 'hex'),
  'a reason that is not UTF-8': Buffer.from('03e8ceba ff'.replaceAll(' ', ''), 'hex'),
  'a code that no endpoint may send': Buffer.from('03ed', 'hex'),
};

describe.each(Object.entries(badCloses))('a close frame with %s', (_, payload) => {
  test('of a client is answered with 1002 and the end of TCP', async () => {
    await using relay = await openRelay();
    relay.client.send(clientFrame(payload, { opcode: 8 }));
    expect((await relay.upstream.closeFrame()).code).toBe(1001);
    relay.upstream.send(closeFrame(1001));
    expect((await relay.client.closeFrame()).code).toBe(1002);
    expect(await Promise.all([relay.client.ended, relay.upstream.ended])).toEqual(['fin', 'fin']);
  });

  test('of an upstream too', async () => {
    await using relay = await openRelay();
    relay.upstream.send(frame(payload, { opcode: 8 }));
    expect([1011, 1014]).toContain((await relay.client.closeFrame()).code);
    relay.client.send(clientClose());
    expect((await relay.upstream.closeFrame()).code).toBe(1002);
    expect(await Promise.all([relay.client.ended, relay.upstream.ended])).toEqual(['fin', 'fin']);
  });
});

describe('a drain', () => {
  const protectUpstream = { close: 'spread', protect: 'upstream', spreadMs: 0, deadlineMs: 60_000 } as const;

  test('records the answer of the upstream that it held, and ends TCP there', async () => {
    await using relay = await openRelay();
    relay.session.drain('drain');
    expect((await relay.client.closeFrame()).code).toBe(1012);
    // Held: nobody would get it.
    relay.upstream.send(frame('too late'));
    relay.client.send(clientClose(1012));
    expect((await relay.upstream.closeFrame()).code).toBe(1001);
    relay.upstream.send(closeFrame(1001));
    expect(await Promise.all([relay.client.ended, relay.upstream.ended])).toEqual(['fin', 'fin']);
    relay.client.end();
    relay.upstream.end();
    expect(await relay.ended).toMatchObject({
      reason: 'drain',
      cut: [],
      codes: { sentToClient: 1012, receivedFromClient: 1012, sentToUpstream: 1001, receivedFromUpstream: 1001 },
    });
  });

  test('records it where a message had begun in the same read', async () => {
    await using relay = await openRelay();
    relay.upstream.send(Buffer.concat([frame('whole'), frame('begun', { length: 500 })]));
    await until(() => relay.session.upstream.inbound.wireBytes > 0);
    relay.upstream.send(Buffer.alloc(495));
    await expectMessages(relay.client, ['whole', `begun${'\0'.repeat(495)}`]);
    relay.session.drain('drain');
    relay.client.send(clientClose(1012));
    relay.upstream.send(frame('lost', { fin: false }));
    await relay.upstream.closeFrame();
    relay.upstream.send(closeFrame(1001));
    relay.client.end();
    relay.upstream.end();
    expect((await relay.ended).codes.receivedFromUpstream).toBe(1001);
  });

  test.each([undefined, protectUpstream])(
    'ends as a close does for the side that closes at the same time (%o)',
    async (drain) => {
      await using relay = await openRelay(drain === undefined ? {} : { drain });
      const { one, two } = sides(relay, drain === undefined ? 'client' : 'upstream');
      // A message of the other side is under way, so the drain waits for its end.
      const mask = drain !== undefined;
      two.peer.send(frame('be', { fin: false, mask }));
      expect((await one.peer.frame()).payload.toString()).toBe('be');
      relay.session.drain('drain');
      one.peer.send(Buffer.concat([one.say('goodbye'), one.close(1000)]));
      await expectMessages(two.peer, ['goodbye']);
      await two.peer.closeFrame();
      two.peer.send(Buffer.concat([frame('gun', { opcode: 0, mask }), two.say('late'), two.close()]));
      await expectMessages(one.peer, ['gun', 'late']);
      await one.peer.closeFrame();
      one.peer.end();
      two.peer.end();
      expect(await relay.ended).toMatchObject({ reason: 'drain', cut: [], undeliveredBytes: 0 });
    },
  );

  test('that waits for a message of a side which closes instead goes on with it', async () => {
    await using relay = await openRelay();
    relay.upstream.send(frame('be', { fin: false }));
    expect((await relay.client.frame()).payload.toString()).toBe('be');
    relay.session.drain('drain');
    relay.upstream.send(closeFrame(1000));
    expect((await relay.client.closeFrame()).code).toBe(1012);
    relay.client.send(Buffer.concat([clientFrame('still sending'), clientClose(1012)]));
    await expectMessages(relay.upstream, ['still sending']);
    expect((await relay.upstream.closeFrame()).code).toBe(1001);
    relay.client.end();
    relay.upstream.end();
    expect(await relay.ended).toMatchObject({ reason: 'drain', cut: [], undeliveredBytes: 0 });
  });
});

test('an idle connection ends in turn too: what its client says in that moment arrives', async () => {
  const clock = new ManualClock();
  await using relay = await openRelay({ clock, idleTimeoutMs: 300 });
  expect((await clock.until(relay.client.closeFrame())).code).toBe(1001);
  relay.client.send(Buffer.concat([clientFrame('wait'), clientClose(1001)]));
  await expectMessages(relay.upstream, ['wait']);
  expect((await relay.upstream.closeFrame()).code).toBe(1001);
  relay.client.end();
  relay.upstream.end();
  expect(await relay.ended).toMatchObject({ reason: 'idle_timeout', cut: [] });
});
