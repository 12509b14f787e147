/** The status page's feed on a real gateway. */
import { once } from 'node:events';
import { connect } from 'node:net';
import { expect, onTestFinished, test, vi } from 'vitest';
import { askAdmin } from '../helpers/admin-client.ts';
import { type FakeUpstream, fakeUpstream } from '../helpers/fake-upstream.ts';
import { clientFrame } from '../helpers/frames.ts';
import { routeTo, startGateway, type TestGateway } from '../helpers/gateway.ts';
import { rawClient } from '../helpers/raw-client.ts';

interface Event {
  readonly name: string;
  // biome-ignore lint/suspicious/noExplicitAny: a test looks into JSON.
  readonly data: any;
}

interface Watching {
  readonly events: Event[];
  readonly response: Response;
  /** Whether the stream has ended. */
  readonly over: boolean;
  leave(): void;
}

/** Reads the feed; every event so far. */
async function watch({ adminPort }: TestGateway): Promise<Watching> {
  const gone = new AbortController();
  const response = await fetch(`http://127.0.0.1:${adminPort}/api/feed`, { signal: gone.signal });
  const events: Event[] = [];
  const watching = { events, response, over: false, leave: () => gone.abort() };
  void (async () => {
    let text = '';
    for await (const chunk of response.body!.pipeThrough(new TextDecoderStream())) {
      const parts = (text + chunk).split('\n\n');
      text = parts.pop()!;
      for (const part of parts) {
        const [, name, data] = /^event: (\w+)\ndata: (.*)$/.exec(part)!;
        events.push({ name: name!, data: JSON.parse(data!) });
      }
    }
  })()
    .catch(() => {})
    .finally(() => (watching.over = true));
  onTestFinished(() => gone.abort());
  return watching;
}

async function tick(events: Event[], holds: (data: Event['data']) => boolean): Promise<Event['data']> {
  return vi.waitFor(
    () => {
      const found = events.find(({ name, data }) => name === 'tick' && holds(data));
      if (!found) throw new Error(`no such tick among ${events.length} events`);
      return found.data;
    },
    { timeout: 60_000 },
  );
}

async function start(upstream: FakeUpstream): Promise<TestGateway> {
  const gateway = await startGateway({ routes: [routeTo(upstream, { client: { maxMessageBytes: 10 } })] });
  onTestFinished(() => gateway[Symbol.asyncDispose]());
  return gateway;
}

test('greets with everything and then tells each second what is', async () => {
  await using upstream = await fakeUpstream();
  const gateway = await start(upstream);
  const { events, response } = await watch(gateway);
  expect(response.headers.get('content-type')).toBe('text/event-stream; charset=utf-8');
  const client = await rawClient(gateway.port);
  client.send(clientFrame('hello'));
  const { routes } = await tick(events, (data) => data.routes[0].client.messages === 1);
  expect(events[0]).toMatchObject({ name: 'hello', data: { violations: [], history: { at: expect.any(Array) } } });
  expect(routes).toMatchObject([{ name: 'test', connections: 1, client: { bytes: 5, maxMessage: 10 } }]);
});

test('names a violation and a refused request within the next ticks, once', async () => {
  await using upstream = await fakeUpstream();
  const gateway = await start(upstream);
  const { events } = await watch(gateway);
  const client = await rawClient(gateway.port);
  client.send(clientFrame('longer than ten'));
  const { violations, violationTotals } = await tick(events, (data) => data.violations.length > 0);
  expect(violations).toMatchObject([
    { route: 'test', address: '127.0.0.1', limit: 'max_message_size', configured: 10, observed: 15, action: 'close' },
  ]);
  expect(violationTotals).toEqual([{ route: 'test', limit: 'max_message_size', action: 'close', times: 1 }]);
  const seen = events.length;
  await expect.poll(() => events.length).toBeGreaterThan(seen + 1);
  expect(events.filter(({ data }) => data.violations.length > 0)).toHaveLength(1);
  const later = await watch(gateway);
  await expect.poll(() => later.events[0]?.data.violations).toHaveLength(1);
});

test('lets 20 watch and no more, and takes the next when one has gone', async () => {
  await using upstream = await fakeUpstream();
  const gateway = await start(upstream);
  const watchers = await Promise.all(Array.from({ length: 20 }, () => watch(gateway)));
  const { response } = await watch(gateway);
  expect(response.status).toBe(503);
  watchers[0]!.leave();
  await expect.poll(async () => (await watch(gateway)).response.status).toBe(200);
});

test('whoever has most places gives one to a client that has none', async () => {
  await using upstream = await fakeUpstream();
  const gateway = await start(upstream);
  const watchers = await Promise.all(Array.from({ length: 20 }, () => watch(gateway)));
  const other = connect({ port: gateway.adminPort, host: '127.0.0.1', localAddress: '127.0.0.2' });
  onTestFinished(() => void other.destroy());
  other.write('GET /api/feed HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n');
  expect(String((await once(other, 'data'))[0])).toMatch(/^HTTP\/1\.1 200 /);
  await expect.poll(() => watching(gateway)).toBe(20);
  const [first, ...rest] = watchers;
  expect((await watch(gateway)).response.status).toBe(503);
  expect([first!.over, ...rest.map(({ over }) => over)].filter(Boolean)).toHaveLength(1);
});

test.each([
  ['a window that a page has opened', { 'Sec-Fetch-Mode': 'navigate', 'Sec-Fetch-Site': 'cross-site' }],
  ['a frame', { 'Sec-Fetch-Mode': 'navigate', 'Sec-Fetch-Dest': 'iframe', 'Sec-Fetch-Site': 'same-origin' }],
  ['a window of a browser that does not tell', { Accept: 'text/html,application/xhtml+xml,*/*;q=0.8' }],
])('%s takes no place', async (_, headers) => {
  await using upstream = await fakeUpstream();
  const gateway = await start(upstream);
  const answer = await askAdmin(gateway.adminPort, '/api/feed', { headers });
  expect(answer.status).toBe(403);
  expect(watching(gateway)).toBe(0);
});

test('a client that has said its last word has left', async () => {
  await using upstream = await fakeUpstream();
  const gateway = await start(upstream);
  const client = connect(gateway.adminPort, '127.0.0.1');
  client.end('GET /api/feed HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n');
  client.resume();
  await once(client, 'close');
  expect(watching(gateway)).toBe(0);
});

test('drops a watcher that does not read, and keeps the others', async () => {
  await using upstream = await fakeUpstream();
  // Long paths make a tick large, so that what is unread grows quickly.
  const routes = Array.from({ length: 400 }, (_, i) =>
    routeTo(upstream, { name: `r${i}`, path: `/${i}/${'x'.repeat(4000)}` }),
  );
  const gateway = await startGateway({ routes });
  onTestFinished(() => gateway[Symbol.asyncDispose]());
  const deaf = connect(gateway.adminPort, '127.0.0.1');
  onTestFinished(() => void deaf.destroy());
  deaf.on('error', () => {});
  deaf.write('GET /api/feed HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n');
  await once(deaf, 'connect');
  deaf.pause();
  const { events } = await watch(gateway);
  await expect.poll(() => watching(gateway)).toBe(2);
  await expect.poll(() => watching(gateway)).toBe(1);
  const seen = events.length;
  await expect.poll(() => events.length).toBeGreaterThan(seen);
});

test('ends when the gateway stops', async () => {
  await using upstream = await fakeUpstream();
  const gateway = await start(upstream);
  const { events, response } = await watch(gateway);
  await expect.poll(() => events.length).toBeGreaterThan(0);
  await gateway.gateway.stop();
  expect(response.ok).toBe(true);
  await expect(fetch(`http://127.0.0.1:${gateway.adminPort}/`)).rejects.toThrow();
});

function watching({ gateway }: TestGateway): number {
  return gateway.watchers;
}
