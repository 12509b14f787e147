/** A page that loses its network, sleeps, or is left and come back to: its WebSocket fares as it does directly. */
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { bothWays, type Site, type Ways } from './site.ts';

let ways: Ways;

/** A page that opens a WebSocket whenever it is shown; one that was kept says how the one before it fared. */
const lively = `<!doctype html><title>lively</title><script>
  let closed;
  addEventListener('pageshow', async ({ persisted }) => {
    const before = persisted ? 'kept, ' + await closed : '';
    const socket = new WebSocket(location.href.replace('http', 'ws'));
    closed = new Promise((resolve) => { socket.onclose = ({ code }) => resolve(code); });
    socket.onopen = () => {
      if (before) socket.send(before);
      socket.send('shown');
    };
  });
</script>`;

beforeAll(async () => {
  ways = await bothWays(
    'asleep',
    {
      asked: (request, response, site) => {
        site.saw(`${request.method} ${request.url}`);
        if (request.url === '/lively') response.setHeader('Content-Type', 'text/html').end(lively);
      },
      opened: (socket, site) => {
        site.saw('opened');
        socket.on('message', (data) => {
          site.saw(`message ${data}`);
          socket.send(String(data));
        });
        socket.on('pong', (data) => site.saw(`pong ${data}`));
        socket.on('close', (code) => site.saw(`closed ${code}`));
      },
    },
    { keepsPages: true },
  );
});

afterAll(() => ways?.[Symbol.asyncDispose]());

/** What a page notes of itself, in the page. */
interface Noting {
  notes: string[];
  socket: WebSocket;
}

/** In the page: opens a WebSocket, and notes what comes of it and of the page. */
function openSocket(): Promise<void> {
  const noting = globalThis as unknown as Noting;
  noting.notes ??= [];
  const { notes } = noting;
  const socket = new WebSocket(location.href.replace('http', 'ws'));
  noting.socket = socket;
  socket.onmessage = ({ data }) => notes.push(data);
  return new Promise((resolve) => {
    socket.onopen = () => resolve();
  });
}

/** In the page: resolves when it has noted something. */
async function noted(what: string): Promise<string[]> {
  const { notes } = globalThis as unknown as Noting;
  while (!notes.includes(what)) await new Promise((resolve) => setTimeout(resolve, 5));
  return notes;
}

const send = (text: string) => (globalThis as unknown as Noting).socket.send(text);
const statusOf = (path: string) => fetch(path).then(({ status }) => status, String);
const endOfNewSocket = () =>
  new Promise<string>((resolve) => {
    const socket = new WebSocket(location.href.replace('http', 'ws'));
    socket.onopen = () => resolve('opened');
    socket.onclose = ({ code }) => resolve(`closed ${code}`);
  });

/**
 * Opens a page with a WebSocket in it on one of the ways, and tells what `live` told and what the server saw, sorted:
 * what goes by different connections comes in any order.
 */
async function lived<T>(site: Site, live: (page: Page) => Promise<T>): Promise<{ told: T; seen: string[] }> {
  site.seen.length = 0;
  const page = await ways.browser.page();
  const told = await live(page);
  const seen = site.seen.toSorted();
  await page.close();
  await site.isLeft();
  return { told, seen };
}

/** The same on both ways. */
async function alike<T>(live: (site: Site) => (page: Page) => Promise<T>): Promise<{ told: T; seen: string[] }> {
  const direct = await lived(ways.direct, live(ways.direct));
  expect(await lived(ways.relayed, live(ways.relayed))).toEqual(direct);
  return direct;
}

test('what a page says while it is offline arrives when it is back, on the same WebSocket', async () => {
  const { told, seen } = await alike((site) => async (page) => {
    await page.goto(`${site.url}/page`);
    await page.evaluate(openSocket);
    const devtools = await page.context().newCDPSession(page);
    const network = (offline: boolean) =>
      devtools.send('Network.emulateNetworkConditions', {
        offline,
        latency: 0,
        downloadThroughput: -1,
        uploadThroughput: -1,
      });
    await devtools.send('Network.enable');
    await page.evaluate(send, 'before');
    await page.evaluate(noted, 'before');
    await network(true);
    const offline = [await page.evaluate(statusOf, '/offline'), await page.evaluate(endOfNewSocket)];
    await page.evaluate(send, 'meanwhile');
    await network(false);
    const online = await page.evaluate(statusOf, '/online');
    await page.evaluate(send, 'after');
    await site.hasSeen('message after');
    return { offline, online, notes: await page.evaluate(noted, 'after') };
  });
  expect(told).toEqual({
    offline: ['TypeError: Failed to fetch', 'closed 1006'],
    online: 200,
    notes: ['before', 'meanwhile', 'after'],
  });
  expect(seen).toEqual(['GET /online', 'GET /page', 'message after', 'message before', 'message meanwhile', 'opened']);
});

test('a frozen tab keeps its WebSocket: pings are answered, and messages wait for it', async () => {
  const { told } = await alike((site) => async (page) => {
    await page.goto(`${site.url}/page`);
    await page.evaluate(openSocket);
    const devtools = await page.context().newCDPSession(page);
    await devtools.send('Page.enable');
    await devtools.send('Page.setWebLifecycleState', { state: 'frozen' });
    const [socket] = site.sockets.clients;
    for (let i = 0; i < 100; i++) socket!.send(`message ${i}`);
    for (const ping of ['one', 'two', 'three']) {
      socket!.ping(ping);
      await site.hasSeen(`pong ${ping}`);
    }
    await devtools.send('Page.setWebLifecycleState', { state: 'active' });
    await page.evaluate(send, 'awake');
    return page.evaluate(noted, 'awake');
  });
  expect(told).toEqual([...Array.from({ length: 100 }, (_, i) => `message ${i}`), 'awake']);
});

test.each(['direct', 'relayed'] as const)(
  'a page that is left says 1001, and is served when it is back: %s',
  async (way) => {
    const site = ways[way];
    const { seen } = await lived(site, async (page) => {
      await page.goto(`${site.url}/lively`);
      await site.hasSeen('message shown');
      await page.goto(`${site.url}/elsewhere`);
      // A page that was kept is not loaded again, so no such event comes; what it says, it says to the server alone.
      await page.goBack({ waitUntil: 'commit' });
      await site.hasSeen('message shown', 2);
      await site.hasSeen('closed 1001');
    });
    // Whether a page is kept is up to the browser.
    console.log(seen.includes('message kept, 1006') ? 'the page was kept' : 'the page was loaded again');
    expect(seen.filter((what) => /^(opened|closed)/.test(what))).toEqual(['closed 1001', 'opened', 'opened']);
  },
);

test('the log tells what such pages said', async () => {
  await ways.sluice.logged({ event: 'end', close_codes: { received_from_client: 1001, sent_to_upstream: 1001 } });
});
