/**
 * What a hostile or broken peer does before there is a tunnel: the right answer, one log line, one counter, nothing
 * left.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type HandshakeResult, handshakeOutcomes } from '../../src/catalogue/outcomes.ts';
import { anyCaps } from '../helpers/access.ts';
import { counts } from '../helpers/counts.ts';
import { type FakeUpstream, fakeUpstream, headerOf, switching } from '../helpers/fake-upstream.ts';
import { clientFrame } from '../helpers/frames.ts';
import { routeTo, startGateway, type TestGateway } from '../helpers/gateway.ts';
import { handshakeRequest, type RequestOptions, rawClient, rawConnect } from '../helpers/raw-client.ts';
import { deafPort, socketsOn } from '../helpers/sockets.ts';

/** Sends a text and returns everything that comes back until the connection ends. */
async function answerTo(gateway: TestGateway, text: string): Promise<string> {
  const client = await rawConnect(gateway.port);
  client.sendText(text);
  const answer = (await client.rest()).toString('latin1');
  client.socket.destroy();
  return answer;
}

/** The refusal was answered, counted and logged, once each. */
async function expectRefusal(gateway: TestGateway, answer: string, result: HandshakeResult): Promise<void> {
  const { status } = handshakeOutcomes[result];
  expect(answer).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
  expect(headerOf(answer, 'Connection')).toBe('close');
  const line = await gateway.logged('refused');
  expect(line).toMatchObject({ result, status });
  expect(gateway.log.filter(({ event }) => event === 'refused')).toHaveLength(1);
  const { counters } = gateway.gateway;
  const all = [counters.unrouted, ...[...counters.entries()].map(([, ofRoute]) => ofRoute)];
  expect(all.flatMap(({ handshakes }) => Object.entries(counts(handshakes)))).toEqual([[result, 1]]);
}

/** Lanes, and a target that takes each: one in absolute form takes the careful lane. */
const lanes = [
  ['fast', '/'],
  ['careful', 'http://gateway.test/'],
] as const;

describe('a request that is no valid handshake is refused, and the upstream hears nothing of it', () => {
  let upstream: FakeUpstream;
  beforeAll(async () => {
    upstream = await fakeUpstream();
  });
  afterAll(async () => {
    expect(upstream.accepted).toBe(0);
    await upstream[Symbol.asyncDispose]();
  });

  const cases: [HandshakeResult, string, RequestOptions][] = [
    ['unsupported_version', 'version 8', { headers: { 'Sec-WebSocket-Version': '8' } }],
    ['unsupported_version', 'version 777', { headers: { 'Sec-WebSocket-Version': '777' } }],
    ['unsupported_version', 'no version', { headers: { 'Sec-WebSocket-Version': null } }],
    ['method_not_allowed', 'POST', { method: 'POST' }],
    ['method_not_allowed', 'POST with a body', { method: 'POST', headers: { 'Content-Length': '5' } }],
    ['method_not_allowed', 'CONNECT', { method: 'CONNECT', path: 'gateway.test:443' }],
    ['bad_request', 'a body by length', { headers: { 'Content-Length': '5' } }],
    ['bad_request', 'a body in chunks', { headers: { 'Transfer-Encoding': 'chunked' } }],
    ['bad_request', 'HTTP/1.0', { version: 'HTTP/1.0' }],
    ['bad_request', 'no Connection: upgrade', { headers: { Connection: 'keep-alive' } }],
    ['bad_request', 'no key', { headers: { 'Sec-WebSocket-Key': null } }],
    ['bad_request', 'a short key', { headers: { 'Sec-WebSocket-Key': 'c2hvcnQ=' } }],
    ['bad_request', 'no Host', { headers: { Host: null } }],
    ['bad_request', 'two Hosts', { headers: { Host: ['gateway.test', 'gateway.test'] } }],
    ['bad_request', 'a Host that is none', { headers: { Host: 'gateway.test/x' } }],
    ['bad_request', 'two lengths', { headers: { 'Content-Length': ['0', '1'] } }],
    ['bad_request', 'a target for another host', { path: 'http://other.test/' }],
    ['bad_request', 'a target that is no path', { path: '*' }],
    ['ambiguous_path', 'a dot segment', { path: '/app/../admin' }],
    ['ambiguous_path', 'an encoded dot segment', { path: '/app/%2e%2E/admin' }],
    ['ambiguous_path', 'an empty segment', { path: '//app' }],
    ['ambiguous_path', 'an encoded slash', { path: '/app%2Fadmin' }],
    ['ambiguous_path', 'an encoded backslash', { path: '/app%5cadmin' }],
    ['ambiguous_path', 'a backslash', { path: '/app\\admin' }],
    ['ambiguous_path', 'an encoded NUL', { path: '/app%00' }],
    ['ambiguous_path', 'a dot segment in absolute form', { path: 'http://gateway.test/app/../admin' }],
  ];
  test.each(cases)('%s: %s', async (result, _name, options) => {
    const routes = ['/', '/app', '/admin', '/app/admin'].map((path) => routeTo(upstream, { name: path, path }));
    await using gateway = await startGateway({ routes });
    const answer = await answerTo(gateway, handshakeRequest(options));
    await expectRefusal(gateway, answer, result);
    if (result === 'ambiguous_path') expect(answer.toString()).toMatch(/^routes: \/.* or \//m);
    if (result === 'unsupported_version') expect(headerOf(answer, 'Sec-WebSocket-Version')).toBe('13');
    if (result === 'method_not_allowed') expect(headerOf(answer, 'Allow')).toBe('GET');
  });

  const broken: [string, (request: string) => string][] = [
    ['a space before a colon', (text) => text.replace('Upgrade:', 'Upgrade :')],
    ['an obsolete line folding', (text) => text.replace('Upgrade: websocket', 'Upgrade:\r\n websocket')],
    ['a header folded into a second line', (text) => text.replace('websocket\r\n', 'websocket\r\n\tx\r\n')],
    ['bare line feeds', (text) => text.replaceAll('\r\n', '\n')],
    ['one bare line feed', (text) => text.replace('websocket\r\n', 'websocket\n')],
    ['a bare carriage return', (text) => text.replace('websocket\r\n', 'websocket\rX: y\r\n')],
    ['NUL in a value', (text) => text.replace('gateway.test', 'gateway\0.test')],
    ['NUL in a name', (text) => text.replace('Upgrade:', 'Upgr\0ade:')],
    ['a control character in a value', (text) => text.replace('websocket\r\n', 'websocket\r\nX-Y: \x01\r\n')],
    ['DEL in a value', (text) => text.replace('websocket\r\n', 'websocket\r\nX-Y: \x7f\r\n')],
    ['a header without a name', (text) => text.replace('Upgrade: ', ': ')],
    ['another protocol', () => '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03'],
  ];
  test.each(broken)('bad_request: %s', async (_name, breaks) => {
    await using gateway = await startGateway({ routes: [routeTo(upstream)] });
    await expectRefusal(gateway, await answerTo(gateway, breaks(handshakeRequest())), 'bad_request');
  });

  test('bad_request: plain HTTP without a Host', async () => {
    await using gateway = await startGateway({ routes: [routeTo(upstream)] });
    await expectRefusal(gateway, await answerTo(gateway, 'GET / HTTP/1.1\r\n\r\n'), 'bad_request');
  });

  test('a client that reads only after it has sent everything still sees why it was refused', async () => {
    await using gateway = await startGateway({ routes: [routeTo(upstream)] });
    // Twice what the kernel holds: the gateway must read on.
    const upload = 8_000_000;
    const client = await rawConnect(gateway.port);
    client.pause();
    client.sendText(handshakeRequest({ headers: { 'Content-Length': String(upload) } }));
    await new Promise((sent) => client.socket.write(Buffer.alloc(upload), sent));
    client.resume();
    await expectRefusal(gateway, (await client.rest()).toString(), 'bad_request');
  });

  test('no_route: no route for the path, or for the host', async () => {
    const routes = [routeTo(upstream, { path: '/app', hosts: ['gateway.test'] })];
    for (const options of [{ path: '/application' }, { path: '/app', headers: { Host: 'other.test' } }]) {
      await using gateway = await startGateway({ routes });
      await expectRefusal(gateway, await answerTo(gateway, handshakeRequest(options)), 'no_route');
    }
  });
});

describe('origins', () => {
  const routes = (upstream: FakeUpstream, requireOrigin = false) => [
    routeTo(upstream, { origins: ['https://apps.example.org'], requireOrigin }),
  ];

  test.each([
    'https://apps.example.org.evil.test',
    'null',
    'https://apps.example.org:8443',
    'http://apps.example.org',
    'https://evil.test#https://apps.example.org',
  ])('refuses %j', async (origin) => {
    await using upstream = await fakeUpstream();
    await using gateway = await startGateway({ routes: routes(upstream) });
    const answer = await answerTo(gateway, handshakeRequest({ headers: { Origin: origin } }));
    await expectRefusal(gateway, answer, 'origin_refused');
    // What stands behind `#` is no part of an origin, and may be a secret.
    const logged = gateway.log.find(({ event }) => event === 'refused')?.origin;
    expect(logged).toEqual(expect.stringContaining(origin.split('#')[0]!));
    expect(upstream.accepted).toBe(0);
  });

  test('refuses two, and an absent one where one is required', async () => {
    await using upstream = await fakeUpstream();
    for (const Origin of [['https://apps.example.org', 'https://apps.example.org'], null]) {
      await using gateway = await startGateway({ routes: routes(upstream, true) });
      await expectRefusal(
        gateway,
        await answerTo(gateway, handshakeRequest({ headers: { Origin } })),
        'origin_refused',
      );
    }
    expect(upstream.accepted).toBe(0);
  });

  test('admits the exact one, its default port written out, and an absent one unless required', async () => {
    await using upstream = await fakeUpstream();
    await using gateway = await startGateway({ routes: routes(upstream) });
    for (const Origin of ['https://apps.example.org', 'https://apps.example.org:443', null]) {
      await rawClient(gateway.port, { headers: { Origin } });
    }
  });
});

describe('caps of connections', () => {
  test('the connection above the cap is refused, and a place comes back when one ends', async () => {
    await using upstream = await fakeUpstream();
    const connections = { ...anyCaps, max: 2, maxPerAddress: 10 };
    await using gateway = await startGateway({ routes: [routeTo(upstream, { connections })] });
    const first = await rawClient(gateway.port);
    await rawClient(gateway.port);
    expect(await answerTo(gateway, handshakeRequest())).toMatch(/^HTTP\/1.1 503 /);
    expect(await gateway.logged('refused')).toMatchObject({
      result: 'too_many_connections',
      limit: { name: 'connections.max', configured: 2, observed: 3 },
    });
    expect(counts(gateway.gateway.counters.of('test').client.violations)).toEqual({ 'connections.max|reject': 1 });
    first.reset();
    (await upstream.next()).socket.destroy();
    await gateway.logged('end');
    await rawClient(gateway.port);
  });

  test('addresses are counted apart, as trusted proxies name them', async () => {
    await using upstream = await fakeUpstream();
    const routes = [routeTo(upstream, { connections: { ...anyCaps, max: 10, maxPerAddress: 1 } })];
    await using gateway = await startGateway({ routes, trustedProxies: ['127.0.0.1'] });
    const from = (address: string) => ({ headers: { 'X-Forwarded-For': address } });
    await rawClient(gateway.port, from('203.0.113.1'));
    await rawClient(gateway.port, from('203.0.113.2'));
    expect(await answerTo(gateway, handshakeRequest(from('203.0.113.1')))).toMatch(/^HTTP\/1.1 429 /);
    expect(await gateway.logged('refused')).toMatchObject({ result: 'too_many_per_address', client: '203.0.113.1' });
  });

  test('a handshake that fails gives its place back', async () => {
    await using upstream = await fakeUpstream({ answer: () => 'HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n' });
    const routes = [routeTo(upstream, { connections: { ...anyCaps, max: 1, maxPerAddress: 1 } })];
    await using gateway = await startGateway({ routes });
    for (let i = 0; i < 3; i++) expect(await answerTo(gateway, handshakeRequest())).toMatch(/^HTTP\/1.1 403 /);
  });
});

/** Answers that open no tunnel, although they do not refuse it. */
const badAnswers: [string, (request: string) => string][] = [
  ['200', () => 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'],
  ['200 with the headers of a 101', (request) => switching(request).replace('101 Switching Protocols', '200 OK')],
  ['101 without Upgrade', (request) => switching(request).replace('Upgrade: websocket\r\n', '')],
  ['101 without Connection', (request) => switching(request).replace('Connection: Upgrade\r\n', '')],
  ['101 to another protocol', (request) => switching(request).replace('Upgrade: websocket', 'Upgrade: h2c')],
  [
    '101 with a wrong proof',
    (request) => switching(request).replace(/Accept: .*/, 'Accept: AAAAAAAAAAAAAAAAAAAAAAAAAAA='),
  ],
  ['101 without a proof', (request) => switching(request).replace(/Sec-WebSocket-Accept: .*\r\n/, '')],
  ['101 in HTTP/1.0', (request) => switching(request).replace('HTTP/1.1', 'HTTP/1.0')],
  ['101 with an extension', (request) => switching(request, 'Sec-WebSocket-Extensions: permessage-deflate')],
  ['something that is not HTTP', () => 'SSH-2.0-OpenSSH_9.9\r\n'],
  ['a header block without end', () => `HTTP/1.1 101 Switching Protocols\r\nX: ${'x'.repeat(70_000)}`],
];

describe('an upstream that answers the handshake wrongly', () => {
  const inBothLanes = lanes.flatMap(([lane, path]) =>
    badAnswers.map(([name, answer]) => [name, lane, path, answer] as const),
  );
  test.each(inBothLanes)('%s: 502, no tunnel, no socket left (%s lane)', async (_name, _lane, path, answer) => {
    await using upstream = await fakeUpstream({ answer });
    await using gateway = await startGateway({ routes: [routeTo(upstream)] });
    await expectRefusal(gateway, await answerTo(gateway, handshakeRequest({ path })), 'upstream_bad_handshake');
    expect(counts(gateway.gateway.counters.of('test').upstreamErrors)).toEqual({ bad_handshake: 1 });
    await upstream.idle();
  });

  test.each([
    ['one that was not offered', ['Sec-WebSocket-Protocol: x']],
    ['an empty one', ['Sec-WebSocket-Protocol:']],
    ['two', ['Sec-WebSocket-Protocol: v1', 'Sec-WebSocket-Protocol: v2']],
  ])('a subprotocol of its own, %s, is passed on, logged and counted', async (_name, lines) => {
    await using upstream = await fakeUpstream({ answer: (request) => switching(request, ...lines) });
    await using gateway = await startGateway({ routes: [routeTo(upstream)] });
    const { answer } = await rawClient(gateway.port, { headers: { 'Sec-WebSocket-Protocol': 'v1' } });
    expect(answer.match(/^Sec-WebSocket-Protocol:.*(?=\r)/gm)).toEqual(lines);
    expect(await gateway.logged('odd_handshake')).toMatchObject({ level: 'warn', route: 'test', path: '/' });
    expect(counts(gateway.gateway.counters.of('test').upstreamErrors)).toEqual({ subprotocol: 1 });
    expect(counts(gateway.gateway.counters.of('test').handshakes)).toEqual({ opened: 1 });
  });

  test('informational answers before the 101 are no answer', async () => {
    await using upstream = await fakeUpstream({
      answer: (request) => `HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n${switching(request)}`,
    });
    await using gateway = await startGateway({ routes: [routeTo(upstream)] });
    await rawClient(gateway.port);
  });
});

describe('an upstream that does not answer', () => {
  const timeouts = { connectMs: 50, headersMs: 10_000, handshakeMs: 100, closeMs: 10_000 };
  /** Where connecting is not what takes too long. */
  const connected = { ...timeouts, connectMs: 5000 };

  test('is not there: 502', async () => {
    const gone = await fakeUpstream();
    await gone[Symbol.asyncDispose]();
    await using gateway = await startGateway({ routes: [routeTo(gone.port)] });
    await expectRefusal(gateway, await answerTo(gateway, handshakeRequest()), 'upstream_unreachable');
    expect(counts(gateway.gateway.counters.of('test').upstreamErrors)).toEqual({ connect_refused: 1 });
  });

  test('closes without a word: 502', async () => {
    await using upstream = await fakeUpstream({ answer: () => null });
    await using gateway = await startGateway({ routes: [routeTo(upstream)] });
    const answer = answerTo(gateway, handshakeRequest());
    (await upstream.next()).end();
    await expectRefusal(gateway, await answer, 'upstream_unreachable');
    expect(counts(gateway.gateway.counters.of('test').upstreamErrors)).toEqual({ reset: 1 });
  });

  test('does not accept the connection: 504 after timeouts.connect', async () => {
    await using deaf = await deafPort();
    await using gateway = await startGateway({ routes: [routeTo(deaf.port, { timeouts })] });
    await expectRefusal(gateway, await answerTo(gateway, handshakeRequest()), 'upstream_connect_timeout');
    expect(counts(gateway.gateway.counters.of('test').upstreamErrors)).toEqual({ connect_timeout: 1 });
    expect(gateway.log.at(-1)).toMatchObject({ detail: 'no connection in 50 ms: 127.0.0.1 does not answer' });
  });

  test('hangs: 504 after timeouts.handshake, and the log names the size of the header', async () => {
    await using upstream = await fakeUpstream({ answer: () => null });
    await using gateway = await startGateway({ routes: [routeTo(upstream, { timeouts: connected })] });
    const request = handshakeRequest({ headers: { Cookie: 'x'.repeat(9000) } });
    await expectRefusal(gateway, await answerTo(gateway, request), 'upstream_timeout');
    expect(gateway.log.at(-1)).toMatchObject({ header_bytes: request.length, detail: 'no answer in 100 ms' });
    expect(counts(gateway.gateway.counters.of('test').upstreamErrors)).toEqual({ handshake_timeout: 1 });
    await upstream.idle();
  });

  test('hangs within a refusal: both sockets are gone after timeouts.handshake', async () => {
    await using upstream = await fakeUpstream({
      answer: () => 'HTTP/1.1 403 Forbidden\r\nContent-Length: 10\r\n\r\nhalf',
    });
    // Its head must come in time.
    const patient = { ...connected, handshakeMs: 1000 };
    await using gateway = await startGateway({ routes: [routeTo(upstream, { timeouts: patient })] });
    const client = await rawConnect(gateway.port);
    client.sendText(handshakeRequest());
    await Promise.all([client.gone, upstream.idle()]);
    expect(await gateway.logged('refused')).toMatchObject({ result: 'upstream_refused', status: 403 });
  });
});

describe('the size of the header block', () => {
  /** A handshake whose header block has exactly this many bytes. */
  function requestOf(bytes: number): string {
    const padded = (length: number) => handshakeRequest({ headers: { Cookie: 'x'.repeat(length) } });
    return padded(bytes - padded(0).length);
  }

  test('65536 bytes pass whole', async () => {
    await using upstream = await fakeUpstream();
    await using gateway = await startGateway({ routes: [routeTo(upstream)] });
    const client = await rawConnect(gateway.port);
    const request = requestOf(65_536);
    client.sendText(request);
    expect(await client.head()).toMatch(/^HTTP\/1.1 101 /);
    const cookie = headerOf((await upstream.next()).request, 'Cookie');
    expect(cookie).toBe(headerOf(request, 'Cookie'));
  });

  test.each([65_537, 70_000, 200_000])('%i bytes are refused with 431', async (bytes) => {
    await using upstream = await fakeUpstream();
    await using gateway = await startGateway({ routes: [routeTo(upstream)] });
    await expectRefusal(gateway, await answerTo(gateway, requestOf(bytes)), 'headers_too_large');
    expect(upstream.accepted).toBe(0);
  });

  test('300 headers are refused with 431, for plain HTTP too', async () => {
    await using upstream = await fakeUpstream();
    const headers = Object.fromEntries(Array.from({ length: 300 }, (_, i) => [`X-${i}`, 'y']));
    const plain = { Upgrade: null, Connection: null };
    for (const upgrade of [undefined, plain]) {
      await using gateway = await startGateway({ routes: [routeTo(upstream)] });
      const answer = await answerTo(gateway, handshakeRequest({ headers: { ...headers, ...upgrade } }));
      await expectRefusal(gateway, answer, 'too_many_headers');
    }
    expect(upstream.accepted).toBe(0);
  });

  test.each([
    ['headers_too_large', `Cookie: ${'x'.repeat(70_000)}\r\n`],
    ['too_many_headers', 'Cookie: a=b\r\n'.repeat(300)],
  ])('the log says for whom it was: %s', async (result, lines) => {
    await using upstream = await fakeUpstream();
    await using gateway = await startGateway({ routes: [routeTo(upstream)] });
    await answerTo(gateway, `GET /app/ws?token=geheim HTTP/1.1\r\nHost: apps.example.org\r\n${lines}\r\n`);
    const line = await gateway.logged('refused');
    expect(line).toMatchObject({ result, host: 'apps.example.org', path: '/app/ws', client: '127.0.0.1' });
  });

  test('a target that is too large itself names nobody', async () => {
    await using upstream = await fakeUpstream();
    await using gateway = await startGateway({ routes: [routeTo(upstream)] });
    await answerTo(gateway, `GET /${'x'.repeat(70_000)} HTTP/1.1\r\nHost: a\r\n\r\n`);
    expect(await gateway.logged('refused')).toMatchObject({ result: 'headers_too_large', host: '', path: '' });
  });
});

/** More take minutes, and leave the kernel a table that slows everything beside them. */
const halfOpen = Number(process.env.SLUICE_HALF_OPEN ?? 200);
const failing = Number(process.env.SLUICE_FAILING ?? 100);

describe('a client that is slow', () => {
  test.each(lanes)(
    'with its header gets 408 in the %s lane, and others are served meanwhile',
    { timeout: 120_000 },
    async (_lane, target) => {
      await using upstream = await fakeUpstream();
      const timeouts = { connectMs: 5000, headersMs: 2000, handshakeMs: 15_000, closeMs: 10_000 };
      await using gateway = await startGateway({ routes: [routeTo(upstream, { timeouts })] });
      const slow = await Promise.all(
        Array.from({ length: halfOpen }, async () => {
          const client = await rawConnect(gateway.port);
          client.sendText(`GET ${target} HTTP/1.1\r\nHost: gateway.test\r\nX-`);
          return client;
        }),
      );
      await rawClient(gateway.port);
      for (const client of slow) expect((await client.rest()).toString()).toMatch(/^HTTP\/1.1 408 /);
      expect(counts(gateway.gateway.counters.unrouted.handshakes)).toEqual({ request_timeout: halfOpen });
    },
  );

  test('and says nothing at all is dropped without a word', async () => {
    await using upstream = await fakeUpstream();
    const timeouts = { connectMs: 5000, headersMs: 100, handshakeMs: 15_000, closeMs: 10_000 };
    await using gateway = await startGateway({ routes: [routeTo(upstream, { timeouts })] });
    const silent = await rawConnect(gateway.port);
    await silent.gone;
    expect(silent.received.length).toBe(0);
    expect(gateway.log.filter(({ event }) => event !== 'memory_bound')).toEqual([]);
  });
});

/** Each way leaves the client's socket closed; `upstream` is one that answers as the way needs. */
interface Way {
  readonly name: string;
  readonly answer?: (request: string) => string | null;
  run(gateway: TestGateway, upstream: FakeUpstream): Promise<void>;
}

async function refused(gateway: TestGateway, options?: RequestOptions): Promise<void> {
  await answerTo(gateway, handshakeRequest(options));
}

function leaving(how: 'end' | 'reset', when: 'before dial' | 'before 101' | 'after 101'): Way {
  return {
    name: `the client leaves by ${how === 'end' ? 'FIN' : 'RST'} ${when}`,
    answer: (request) => (when === 'before 101' ? null : switching(request)),
    async run(gateway, upstream) {
      const client = await rawConnect(gateway.port);
      client.sendText(handshakeRequest());
      if (when === 'before 101') await upstream.next();
      if (when === 'after 101') await client.head();
      client[how]();
      await client.gone;
    },
  };
}

const ways: Way[] = [
  { name: 'no route', run: (gateway) => refused(gateway, { headers: { Host: 'other.test' } }) },
  { name: 'wrong version', run: (gateway) => refused(gateway, { headers: { 'Sec-WebSocket-Version': '8' } }) },
  { name: 'a body', run: (gateway) => refused(gateway, { headers: { 'Content-Length': '5' } }) },
  { name: 'not HTTP', run: async (gateway) => void (await answerTo(gateway, 'HELO\r\n\r\n')) },
  { name: 'wrong origin', run: (gateway) => refused(gateway, { headers: { Origin: 'https://evil.test' } }) },
  {
    name: 'refused by the upstream',
    answer: () => 'HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno',
    run: (gateway) => refused(gateway),
  },
  ...badAnswers
    .slice(0, 6)
    .map(([name, answer]) => ({ name, answer, run: (gateway: TestGateway) => refused(gateway) })),
  {
    name: 'the upstream closes without a word',
    answer: () => null,
    async run(gateway, upstream) {
      const done = refused(gateway);
      (await upstream.next()).reset();
      await done;
    },
  },
  ...(['end', 'reset'] as const).flatMap((how) =>
    (['before dial', 'before 101', 'after 101'] as const).map((when) => leaving(how, when)),
  ),
];

describe(`${failing} handshakes that fail leave no socket`, () => {
  test.each(ways)('$name', { timeout: 120_000 + 120 * failing }, async ({ answer, run }) => {
    await using upstream = await fakeUpstream({ answer });
    // The upstream never answers the relay's goodbye.
    const timeouts = { connectMs: 5000, headersMs: 10_000, handshakeMs: 15_000, closeMs: 100 };
    const origins = ['https://apps.example.org'];
    const routes = [routeTo(upstream, { hosts: ['gateway.test'], origins, timeouts })];
    await using gateway = await startGateway({ routes });
    let left = failing;
    const worker = async () => {
      while (left-- > 0) await run(gateway, upstream);
    };
    await Promise.all(Array.from({ length: 100 }, worker));
    await upstream.idle();
    await expect.poll(() => socketsOn([gateway.port, upstream.port])).toBe(0);
    await expect.poll(openSockets).toBe(0);
    expect(gateway.gateway.sessions.sessions.size).toBe(0);
  });

  test('the client leaves while the upstream accepts nothing', async () => {
    await using deaf = await deafPort();
    await using gateway = await startGateway({ routes: [routeTo(deaf.port)] });
    for (const how of ['end', 'reset'] as const) {
      for (let i = 0; i < 50; i++) {
        const client = await rawConnect(gateway.port);
        client.sendText(handshakeRequest());
        client[how]();
        expect(await gateway.logged('refused')).toMatchObject({ result: 'client_gone' });
      }
    }
    await expect.poll(() => socketsOn([gateway.port])).toBe(0);
    await expect.poll(() => socketsOn([deaf.port])).toBe(deaf.sockets);
  });

  /** Sockets of this process, in whatever state. */
  function openSockets(): number {
    return process.getActiveResourcesInfo().filter((kind) => kind === 'TCPSocketWrap').length;
  }
});

test('a handshake behind a request waits for its answer, and is then served', async () => {
  await using upstream = await fakeUpstream({
    answer: (request) => (request.startsWith('GET /slow ') ? null : switching(request)),
  });
  await using gateway = await startGateway({ routes: [routeTo(upstream)] });
  const client = await rawConnect(gateway.port);
  client.sendText(`GET /slow HTTP/1.1\r\nHost: gateway.test\r\n\r\n${handshakeRequest()}`);
  client.send(clientFrame('early'));
  const first = await upstream.next();
  expect(upstream.accepted).toBe(1);
  first.sendText('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
  expect(await client.head()).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
  expect((await client.bytes(2)).toString()).toBe('ok');
  expect(await client.head()).toMatch(/^HTTP\/1\.1 101 /);
  const second = await upstream.next();
  expect((await second.frame()).payload.toString()).toBe('early');
});

test('a request that breaks within its body gets no second answer into the one that has begun', async () => {
  await using upstream = await fakeUpstream({ answer: () => 'HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf' });
  await using gateway = await startGateway({ routes: [routeTo(upstream)] });
  const client = await rawConnect(gateway.port);
  client.sendText('POST / HTTP/1.1\r\nHost: gateway.test\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n');
  await client.head();
  expect((await client.bytes(4)).toString()).toBe('half');
  client.sendText('not a chunk\r\n');
  expect((await client.rest()).toString()).toBe('');
});

test.each(lanes)(
  'a client that floods before the 101 is held back, and its connection ends with its handshake: %s lane',
  async (_lane, path) => {
    await using upstream = await fakeUpstream({ answer: () => null });
    const timeouts = { connectMs: 5000, headersMs: 10_000, handshakeMs: 1000, closeMs: 10_000 };
    await using gateway = await startGateway({ routes: [routeTo(upstream, { timeouts })] });
    const client = await rawConnect(gateway.port);
    client.sendText(handshakeRequest({ path }));
    const server = await upstream.next();
    const flood = clientFrame(Buffer.alloc(1024 * 1024));
    const { budget } = gateway.gateway.sessions.memory;
    let most = 0;
    const look = setInterval(() => {
      most = Math.max(most, budget.usedBytes);
    }, 1);
    for (let i = 0; i < 64; i++) client.send(flood);
    await gateway.logged('refused', { result: 'upstream_timeout' });
    clearInterval(look);
    expect(most).toBeLessThan(1024 * 1024);
    // What the kernel holds at both ends is far from the rest.
    expect(client.socket.writableLength).toBeGreaterThan(32 * 1024 * 1024);
    expect(server.received.length).toBe(0);
    client.socket.destroy();
    await expect.poll(() => socketsOn([gateway.port, upstream.port])).toBe(0);
  },
);
