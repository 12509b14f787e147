/** A step that asks somebody: the visit waits, in both lanes, and whatever may happen meanwhile happens. */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { OpenConnection } from '../../../src/admission/open-connection.ts';
import type { Verdict } from '../../../src/admission/verdict.ts';
import type { Step, Visit } from '../../../src/admission/visit.ts';
import { type FakeUpstream, fakeUpstream, switching } from '../../helpers/fake-upstream.ts';
import { clientFrame, closeFrame } from '../../helpers/frames.ts';
import { startFront, type TestFront } from '../../helpers/front.ts';
import { routeTo } from '../../helpers/gateway.ts';
import { HttpReader } from '../../helpers/http-reader.ts';

/** A step that somebody outside settles. */
class Asked {
  readonly #visits: { visit: Visit; resolve: (verdict: Verdict) => void; reject: (error: Error) => void }[] = [];
  #wake: (() => void)[] = [];

  readonly step: Step = (visit) => {
    const { promise, resolve, reject } = Promise.withResolvers<Verdict>();
    this.#visits.push({ visit, resolve, reject });
    for (const wake of this.#wake.splice(0)) wake();
    return promise;
  };

  /** The next visit that waits. */
  async next() {
    while (this.#visits.length === 0) await new Promise<void>((resolve) => this.#wake.push(resolve));
    return this.#visits.shift()!;
  }
}

const handshake = [
  'GET /a?token=secret HTTP/1.1',
  'Host: gateway.test',
  'Connection: Upgrade',
  'Upgrade: websocket',
  'Sec-WebSocket-Version: 13',
  'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
  'Cookie: a=1; session=2',
  '',
  '',
].join('\r\n');
const get = 'GET /a HTTP/1.1\r\nHost: gateway.test\r\nX-User: eve\r\n\r\n';

async function client({ port }: TestFront): Promise<Socket> {
  const socket = connect(port, '127.0.0.1').on('error', () => {});
  onTestFinished(() => {
    socket.destroy();
  });
  await once(socket, 'connect');
  socket.setNoDelay();
  return socket;
}

/** Resolves when nothing waits and nothing is under way. */
async function settled({ front }: TestFront): Promise<void> {
  while (front.active + front.handshakes > 0) await new Promise(setImmediate);
}

describe.each([
  ['fast', ''],
  ['careful', '\r\n'],
])('in the %s lane', (lane, prefix) => {
  async function setUp(upstream: FakeUpstream, maxBufferedBytes = Number.POSITIVE_INFINITY) {
    const asked = new Asked();
    const routes = [routeTo(upstream, { name: 'app' })];
    const front = await startFront({ routes, step: asked.step, maxBufferedBytes });
    return { asked, front };
  }

  test('an admitted request goes on as it was changed, with its body', async () => {
    await using upstream = await fakeUpstream({ answer: () => 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok' });
    const { asked, front } = await setUp(upstream);
    await using _front = front;
    const socket = await client(front);
    const reader = new HttpReader(socket);
    socket.write(
      `${prefix}POST /a?token=1&b HTTP/1.1\r\nHost: gateway.test\r\nX-User: eve\r\nx_user: eve\r\nContent-Length: 3\r\n\r\nabc`,
    );
    const { visit, resolve } = await asked.next();
    expect([front.front.active, upstream.accepted, visit.value('x-user')]).toEqual([1, 0, 'eve']);
    visit.change().setField('X-User', 'ann');
    visit.change().removeParameter('token');
    await another(front);
    resolve(null);
    const peer = await upstream.next();
    expect(peer.request).toMatch(/^POST \/a\?b HTTP\/1.1\r\n/);
    expect(peer.request.match(/^x[-_]user:.*$/gim)).toEqual(['X-User: ann']);
    expect((await reader.message('response')).body).toBe('ok');
    expect(front.counted()).toContain('app httpRequests POST 2xx 1');
  });

  test('an admitted handshake opens, with what its client sent meanwhile, and whoever let it in ends it', async () => {
    await using upstream = await fakeUpstream({ answer: (request) => switching(request) });
    const { asked, front } = await setUp(upstream);
    await using _front = front;
    const socket = await client(front);
    const reader = new HttpReader(socket);
    socket.write(prefix + handshake);
    const { visit, resolve } = await asked.next();
    socket.write(clientFrame('early'));
    expect(front.front.handshakes).toBe(1);
    let opened: OpenConnection | null = null;
    let disposed = 0;
    visit.whenOpen((connection) => {
      opened = connection;
      return { [Symbol.dispose]: () => disposed++ };
    });
    visit.identity = { name: 'ann', user: 'ann', groups: [], expiresAtMs: null, kind: 'test' };
    visit.change().removeCookie('session');
    visit.change().removeParameter('token');
    resolve(null);
    const peer = await upstream.next();
    expect(peer.request).toMatch(/^GET \/a HTTP\/1.1\r\n/);
    expect(peer.request).toMatch(/^Cookie: a=1\r$/m);
    expect((await reader.message('response')).startLine).toMatch(/ 101 /);
    expect((await peer.frame()).payload.length).toBe('early'.length);
    expect(opened).toMatchObject({ facts: { user: 'ann' } });
    opened!.end('expired');
    expect(await peer.frame()).toMatchObject({ opcode: 8 });
    peer.socket.end(closeFrame(1001, ''));
    socket.end(closeFrame(1008, '', { mask: true }));
    while (disposed === 0) await new Promise(setImmediate);
    expect(front.counted()).toContain('app closed sluice expired 1');
  });

  test.each(
    [
      { what: 'a request', text: get, counted: ['app httpRequests GET none 1'], result: null },
      {
        what: 'a request with much of its body',
        text: `POST /a HTTP/1.1\r\nHost: gateway.test\r\nContent-Length: 90000\r\n\r\n${'x'.repeat(50_000)}`,
        counted: ['app httpRequests POST none 1'],
        result: null,
      },
      {
        what: 'a request before others',
        text: get.repeat(700),
        counted: ['app httpRequests GET none 1'],
        result: null,
      },
      { what: 'a handshake', text: handshake, counted: ['app handshakes client_gone 1'], result: 'client_gone' },
      {
        what: 'a handshake with early messages',
        text: handshake + clientFrame(Buffer.alloc(50_000)).toString('latin1'),
        counted: ['app handshakes client_gone 1'],
        result: 'client_gone',
      },
    ].flatMap((one) => [
      { ...one, how: 'breaks off', leave: (socket: Socket): unknown => socket.resetAndDestroy() },
      { ...one, how: 'says goodbye', leave: (socket: Socket): unknown => socket.end() },
    ]),
  )('$what whose client $how is given up and recorded, and what it held is free', async (one) => {
    const { text, counted, result, leave } = one;
    await using upstream = await fakeUpstream();
    const { asked, front } = await setUp(upstream);
    await using _front = front;
    const socket = await client(front);
    socket.write(prefix + text, 'latin1');
    const { visit, resolve } = await asked.next();
    await still(() => front.budget.usedBytes);
    const held = front.budget.usedBytes;
    let lent = 1;
    visit.lend({ [Symbol.dispose]: () => lent-- });
    const aborted = once(visit.signal, 'abort');
    const closed = over(socket);
    leave(socket);
    await aborted;
    resolve(null);
    await closed;
    await settled(front);
    // The other end closes in a turn of its own.
    await still(() => front.budget.usedBytes);
    expect(held).toBeGreaterThan(8 * 1024);
    expect([lent, front.budget.usedBytes, upstream.accepted]).toEqual([0, 0, 0]);
    expect(front.counted()).toEqual(counted);
    expect(front.lines.map(({ result }) => result)).toEqual(result === null ? [] : [result]);
  });

  test.each([
    {
      what: 'a request',
      // In the careful lane a request holds part of its body, too.
      text: `POST /a HTTP/1.1\r\nHost: gateway.test\r\nContent-Length: 1000000\r\n\r\n${'x'.repeat(lane === 'fast' ? 100_000 : 160_000)}`,
      counted: ['app httpRequests POST none 2'],
    },
    {
      what: 'a handshake',
      text: handshake + clientFrame(Buffer.alloc(100_000)).toString('latin1'),
      counted: ['app handshakes client_gone 2'],
    },
  ])('$what whose client has sent more than is read is given up when that leaves', async ({ text, counted }) => {
    await using upstream = await fakeUpstream();
    const { asked, front } = await setUp(upstream);
    await using _front = front;
    const send = async () => {
      const socket = await client(front);
      socket.write(prefix + text, 'latin1');
      const { visit, resolve } = await asked.next();
      await still(() => front.budget.usedBytes);
      return { socket, resolve, aborted: once(visit.signal, 'abort') };
    };
    const [breaksOff, saysGoodbye] = [await send(), await send()];
    saysGoodbye.socket.end();
    await saysGoodbye.aborted;
    // Whoever has seen the end of the one has seen that the other was there. On a busy machine both take seconds.
    breaksOff.socket.resetAndDestroy();
    await breaksOff.aborted;
    for (const { resolve } of [breaksOff, saysGoodbye]) resolve(null);
    await settled(front);
    await still(() => front.budget.usedBytes);
    expect([front.budget.usedBytes, upstream.accepted, front.counted()]).toEqual([0, 0, counted]);
  });

  test.each([
    ['a request', get, ['app httpRequests GET none 1'], { event: 'http_failed', result: 'cut' }],
    ['a handshake', handshake, ['app handshakes draining 1'], { event: 'refused', result: 'draining' }],
  ])('%s is cut off when the gateway ends', async (_, text, counted, line) => {
    await using upstream = await fakeUpstream();
    const { asked, front } = await setUp(upstream);
    await using _front = front;
    const socket = await client(front);
    socket.write(prefix + text);
    const { visit } = await asked.next();
    const closed = over(socket);
    await front.front.close();
    await closed;
    expect([visit.signal.aborted, front.front.active, front.front.handshakes]).toEqual([true, 0, 0]);
    expect(front.counted()).toEqual(counted);
    expect(front.lines).toMatchObject([line]);
  });

  test('a handshake that is admitted when a drain has begun is refused', async () => {
    await using upstream = await fakeUpstream();
    const { asked, front } = await setUp(upstream);
    await using _front = front;
    const socket = await client(front);
    const reader = new HttpReader(socket);
    socket.write(prefix + handshake);
    const { resolve } = await asked.next();
    front.front.refuseHandshakes();
    resolve(null);
    expect((await reader.message('response')).startLine).toMatch(/ 503 /);
    expect([front.counted(), upstream.accepted]).toEqual([['app handshakes draining 1'], 0]);
  });

  test.each([
    ['request', get],
    ['handshake', handshake],
  ])('a mistake of our own lets no %s in, and the gateway goes on', async (_, text) => {
    await using upstream = await fakeUpstream();
    const { asked, front } = await setUp(upstream);
    await using _front = front;
    const socket = await client(front);
    const closed = over(socket);
    socket.write(prefix + text);
    const { reject } = await asked.next();
    reject(new Error('a bug'));
    await closed;
    await settled(front);
    expect(front.lines).toMatchObject([{ event: 'admission_bug' }]);
    expect([front.budget.usedBytes, upstream.accepted]).toEqual([0, 0]);
  });

  test.each([
    ['a request', get, ['app httpRequests GET 5xx 1']],
    ['a handshake', handshake, ['app handshakes memory 1']],
  ])('%s may not wait where memory is almost spent, and whoever is asked hears of it', async (_, text, counted) => {
    await using upstream = await fakeUpstream();
    const { asked, front } = await setUp(upstream, 1024 * 1024);
    await using _front = front;
    front.budget.take(900 * 1024);
    const socket = await client(front);
    const reader = new HttpReader(socket);
    socket.write(prefix + text);
    const { visit, resolve } = await asked.next();
    expect((await reader.message('response')).startLine).toMatch(/ 503 /);
    expect([visit.signal.aborted, front.front.active, front.front.handshakes]).toEqual([true, 0, 0]);
    let lent = 1;
    visit.lend({ [Symbol.dispose]: () => lent-- });
    resolve(null);
    await new Promise(setImmediate);
    expect([lent, front.counted(), upstream.accepted]).toEqual([0, counted, 0]);
    front.budget.give(900 * 1024);
  });

  test('of what a client sends while its handshake waits no more than 64 KiB is held', async () => {
    await using upstream = await fakeUpstream();
    const { asked, front } = await setUp(upstream);
    await using _front = front;
    const socket = await client(front);
    socket.write(prefix + handshake);
    await asked.next();
    const before = front.budget.usedBytes;
    socket.write(Buffer.alloc(20 * 1024 * 1024));
    await still(() => front.budget.usedBytes);
    expect(front.budget.usedBytes - before).toBeLessThan(512 * 1024);
  });

  test('what is pipelined behind it is not begun, and a client that pushes is not read', async () => {
    await using upstream = await fakeUpstream({ answer: () => 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok' });
    const { asked, front } = await setUp(upstream);
    await using _front = front;
    const socket = await client(front);
    const reader = new HttpReader(socket);
    const many = 50_000;
    socket.write(prefix + get.repeat(many));
    const first = await asked.next();
    await still(() => front.budget.usedBytes);
    expect(front.front.active).toBe(1);
    expect(front.budget.usedBytes).toBeLessThan(512 * 1024);
    first.resolve({ outcome: 'origin_refused', detail: '' });
    expect((await reader.message('response')).startLine).toMatch(/ 403 /);
    const second = await asked.next();
    expect(front.front.active).toBe(1);
    second.resolve(null);
    expect((await reader.message('response')).body).toBe('ok');
  });
});

test('a head is read for as long as it is judged, and then by nobody', async () => {
  await using upstream = await fakeUpstream({ answer: () => 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok' });
  const seen: [Visit, string | undefined][] = [];
  const step: Step = (visit) => {
    seen.push([visit, visit.value('x-user')]);
    return null;
  };
  await using front = await startFront({ routes: [routeTo(upstream, { name: 'app' })], step });
  const socket = await client(front);
  socket.write(get);
  await new HttpReader(socket).message('response');
  // Another head comes in part, and stands where the first was read.
  (await client(front)).write("GET /a HTTP/1.1\r\nAuthorization: another's\r\n");
  while (front.budget.usedBytes === 0) await new Promise(setImmediate);
  expect(seen.map(([visit, user]) => [user, visit.headers])).toEqual([['eve', []]]);
});

test('pipelined requests that are refused at once are refused no further than their client reads', async () => {
  await using upstream = await fakeUpstream();
  const step: Step = () => ({ outcome: 'origin_refused', detail: '' });
  await using front = await startFront({ routes: [routeTo(upstream, { name: 'app' })], step });
  const socket = await client(front);
  socket.pause();
  const many = 60_000;
  socket.write(get.repeat(many));
  await still(() => count(front.counted()[0]));
  expect(count(front.counted()[0])).toBeLessThan(many * 0.75);
  expect(front.budget.usedBytes).toBeLessThan(4 * 1024 * 1024);
  socket.resume();
  while (count(front.counted()[0]) < many) await once(socket, 'data');
});

function count(line: string | undefined): number {
  return Number(line?.split(' ').at(-1) ?? 0);
}

/** Resolves when a number has not changed for many turns of the event loop. */
async function still(value: () => number): Promise<void> {
  for (let before = value(), turns = 0; turns < 300; turns++) {
    await new Promise(setImmediate);
    if (value() !== before) turns = 0;
    before = value();
  }
}

/** Resolves when a socket has closed, by an error or not. */
function over(socket: Socket): Promise<void> {
  return new Promise((resolve) => socket.once('close', () => resolve()));
}

/** Another client is served meanwhile, out of the buffer that all small reads have. */
async function another(front: TestFront): Promise<void> {
  const socket = await client(front);
  socket.write(`GET /elsewhere HTTP/1.1\r\nHost: ${'x'.repeat(2000)}\r\n\r\n`);
  expect((await new HttpReader(socket).message('response')).startLine).toMatch(/ 400 /);
}
