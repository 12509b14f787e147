/** What a page of somebody else can do to the admin port, in a real browser: nothing. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { WebSocket } from 'ws';
import { Browser } from '../harness/browser.ts';
import { Sluice, type SluiceConfig } from '../harness/sluice.ts';
import { echoServer } from './echo-server.ts';

/** `more` is added to the configuration. */
async function started(
  more: Partial<SluiceConfig> = {},
): Promise<{ sluice: Sluice; id: string; closed: () => boolean }> {
  const backend = await echoServer();
  onTestFinished(() => backend.stop());
  const routes = [{ name: 'echo', upstream: `http://127.0.0.1:${backend.port}` }];
  const sluice = await Sluice.start({ routes, ...more });
  onTestFinished(() => sluice.stop());
  const client = new WebSocket(`ws://127.0.0.1:${sluice.port}/`);
  await once(client, 'open');
  onTestFinished(() => client.terminate());
  const answer = await fetch(`${sluice.adminUrl}/api/connections`);
  const { connections } = (await answer.json()) as { connections: { id: string }[] };
  return { sluice, id: connections[0]!.id, closed: () => client.readyState !== WebSocket.OPEN };
}

/** What a page gets for a request: a status, or that it may not read the answer. */
type Outcome = number | 'unreadable';

/** In the page: every way to close the connection, drain, and read. */
function attack({ base, id }: { base: string; id: string }): Promise<Outcome[]> {
  const requests: [string, RequestInit][] = [
    [`/api/connections/${id}`, { method: 'DELETE' }],
    ['/api/drain', { method: 'POST' }],
    ['/api/drain', { method: 'POST', mode: 'no-cors' }],
    ['/api/drain', { method: 'POST', mode: 'no-cors', referrerPolicy: 'no-referrer', credentials: 'include' }],
    ['/api/connections', {}],
    ['/api/config', { mode: 'no-cors' }],
  ];
  return Promise.all(
    requests.map(([path, init]) =>
      fetch(base + path, init).then(
        ({ type, status }): Outcome => (type === 'opaque' ? 'unreadable' : status),
        (): Outcome => 'unreadable',
      ),
    ),
  );
}

/** Neither was the connection closed, nor does Sluice drain; and the port itself answers as before. */
async function expectUntouched({ sluice, closed }: Awaited<ReturnType<typeof started>>): Promise<void> {
  const drain = await (await fetch(`${sluice.adminUrl}/api/drain`)).json();
  expect(drain).toEqual({ draining: false, progress: null });
  const { connections } = (await (await fetch(`${sluice.adminUrl}/api/connections`)).json()) as {
    connections: { state: string }[];
  };
  expect(connections.map(({ state }) => state)).toEqual(['open']);
  expect(closed()).toBe(false);
}

test('a page of another site closes nothing, drains nothing and reads nothing', async () => {
  const scene = await started();
  const site = createServer((_req, res) => {
    res.setHeader('Content-Type', 'text/html');
    res.end(
      `<title>elsewhere</title><form method="post" action="${scene.sluice.adminUrl}/api/drain"><button>go</button></form>`,
    );
  }).listen(0, '127.0.0.1');
  await once(site, 'listening');
  onTestFinished(() => void site.close());
  const { port } = site.address() as AddressInfo;
  await using browser = await Browser.launch('admin-cross-site', ['evil.example']);
  const page = await browser.page();
  // Another site; and another port of this one, which browsers count as the same site.
  for (const host of ['evil.example', '127.0.0.1', 'localhost']) {
    await page.goto(`http://${host}:${port}/`);
    const outcomes = await page.evaluate(attack, { base: scene.sluice.adminUrl, id: scene.id });
    expect([host, new Set(outcomes)]).toEqual([host, new Set(['unreadable'])]);
    const [answer] = await Promise.all([
      page.waitForResponse((response) => response.url().endsWith('/api/drain')),
      page.click('button'),
    ]);
    expect([host, answer.request().method(), answer.status()]).toEqual([host, 'POST', 403]);
  }
  await expectUntouched(scene);
  expect(await scene.sluice.metric('admin_refused_total', { reason: 'cross_site' })).toBeGreaterThanOrEqual(3 * 5);
});

test('a name that somebody has pointed here opens nothing (DNS rebinding)', async () => {
  const scene = await started();
  const { port } = new URL(scene.sluice.adminUrl);
  await using browser = await Browser.launch('admin-rebinding', ['evil.example']);
  const page = await browser.page();
  const base = `http://evil.example:${port}`;
  // What is refused stands for a page that came from elsewhere, which Chromium of today keeps from loopback altogether:
  // for the browser, what it asks is of the same origin, and no policy of ours binds it.
  const devtools = await page.context().newCDPSession(page);
  await devtools.send('Page.setBypassCSP', { enabled: true });
  expect((await page.goto(base))!.status()).toBe(403);
  const outcomes = await page.evaluate(attack, { base: '', id: scene.id });
  expect(outcomes).toEqual([403, 403, 403, 403, 403, 403]);
  const open = ['/metrics', '/readyz?verbose', '/main.js'];
  const read = (paths: string[]) => Promise.all(paths.map(async (path) => (await fetch(path)).status));
  expect(await page.evaluate(read, open)).toEqual([403, 403, 403]);
  await expectUntouched(scene);
  expect(await scene.sluice.metric('admin_refused_total', { reason: 'host' })).toBeGreaterThanOrEqual(9);
});

test("the port's own page, and a person who follows a link, may", async () => {
  // The browser decides in which order the requests arrive: a drain that is over at once would leave the others
  // unanswered.
  const scene = await started({ drain: { announce: '5s', spread: '0s', deadline: '10s' } });
  await using browser = await Browser.launch('admin-own-page');
  const page = await browser.page();
  await page.setContent(`<a href="${scene.sluice.adminUrl}/api/build">build</a>`);
  await page.click('a');
  await page.waitForURL('**/api/build');
  expect(JSON.parse(await page.locator('body').innerText())).toMatchObject({ node: expect.any(String) });
  await page.goto(scene.sluice.adminUrl);
  const outcomes = await page.evaluate(attack, { base: '', id: scene.id });
  expect(outcomes).toEqual([202, 202, 202, 202, 200, 200]);
  await scene.sluice.logged({ event: 'end', reason: 'operator' });
});
