/** oauth2-proxy beside Sluice in front of Panel, configured as docs/authentication.md says, in Chromium. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { FilesPage } from '../bokeh/files-page.ts';
import { type PanelServer, panelServe } from '../bokeh/panel-server.ts';
import { Browser } from '../harness/browser.ts';
import { expectPageLoad } from '../harness/page-load.ts';
import { freePort } from '../harness/ports.ts';
import { Sluice } from '../harness/sluice.ts';
import { SignIn, signedInUser } from './sign-in.ts';

let panel: PanelServer;
let signIn: SignIn;
let sluice: Sluice;
let browser: Browser;

beforeAll(async () => {
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  [panel, signIn, browser] = await Promise.all([panelServe(), SignIn.start(url), Browser.launch('oauth2-proxy')]);
  const service = `http://127.0.0.1:${signIn.port}`;
  sluice = await Sluice.start(
    {
      routes: [
        { name: 'sign-in', match: { path: '/oauth2' }, upstream: service },
        {
          name: 'panel',
          upstream: `http://127.0.0.1:${panel.port}`,
          preset: 'panel',
          origins: [url],
          auth: [
            {
              forward: {
                url: `${service}/`,
                preserve_method: true,
                user_header: 'X-Auth-Request-Preferred-Username',
                response_headers: ['X-Auth-Request-Email'],
                cache: '5s',
                recheck: '2s',
              },
            },
          ],
          identity_headers: { user: 'X-Forwarded-User' },
        },
      ],
    },
    { port },
  );
});

afterAll(async () => {
  await browser?.[Symbol.asyncDispose]();
  await sluice?.stop();
  await signIn?.[Symbol.asyncDispose]();
  await panel?.[Symbol.asyncDispose]();
});

it('signs a person in, draws the page over its WebSocket, and ends that when the person signs out', async () => {
  const files = await FilesPage.open(browser, sluice.url);
  expect(files.outside).toEqual([]);
  expect(await sluice.logged({ event: 'open', route: 'panel' })).toMatchObject({ user: signedInUser });
  expect(await sluice.metric('auth_total', { kind: 'forward', result: 'relayed' })).toBe(1);
  const admitted = await sluice.metric('auth_total', { kind: 'forward', result: 'admitted' });
  expect(admitted).toBeGreaterThan(10);

  expect(signIn.asked).toBeGreaterThan(0);

  const lost = files.page.waitForEvent('console', {
    predicate: (message) => message.text().includes('Lost websocket 0 connection'),
  });
  const out = await browser.page();
  await out.goto(`${sluice.url}/oauth2/sign_out?rd=/oauth2/sign_in`);
  expect((await lost).text()).toContain('1008');
  expect(await sluice.logged({ event: 'end', route: 'panel' })).toMatchObject({
    reason: 'revoked',
    user: signedInUser,
  });
});

it('asks once for each credentials and five seconds, however many files a page has', async () => {
  const files = await FilesPage.open(browser, sluice.url);
  const cookies = await browser.context.cookies(sluice.url);
  const cookie = cookies.map(({ name, value }) => `${name}=${value}`).join('; ');
  const before = signIn.asked;
  const since = performance.now();
  const pages = await Promise.all(
    Array.from({ length: 80 }, (_, i) => fetch(`${sluice.url}/static/js/bokeh.min.js?${i}`, { headers: { cookie } })),
  );
  expect(new Set(pages.map(({ status }) => status))).toEqual(new Set([200]));
  await Promise.all(pages.map((page) => page.arrayBuffer()));
  // And one for each look at the open connection, every two seconds.
  const seconds = (performance.now() - since) / 1000;
  expect(signIn.asked - before).toBeLessThanOrEqual(2 + seconds / 5 + seconds / 2);
  await files.page.close();
});

it('asks once in five seconds for a whole page with its WebSocket', async () => {
  // Another Sluice, with the same cookies: browsers keep them by host. It never looks at open connections again.
  await using other = await Sluice.start({
    routes: [
      {
        name: 'panel',
        upstream: `http://127.0.0.1:${panel.port}`,
        preset: 'panel',
        auth: [
          {
            forward: {
              url: `http://127.0.0.1:${signIn.port}/`,
              user_header: 'X-Auth-Request-Preferred-Username',
              cache: '5s',
            },
          },
        ],
      },
    ],
  });
  const signedIn = await FilesPage.open(browser, sluice.url);
  await signedIn.page.close();
  // About an open connection it would be asked again.
  await expect.poll(() => sluice.metric('connections_active'), { timeout: 60_000 }).toBe(0);
  await signIn.settled();
  const before = signIn.asked;
  const since = performance.now();
  const files = await FilesPage.open(browser, other.url);
  const seconds = (performance.now() - since) / 1000;
  await signIn.settled();
  const asked = signIn.asked - before;
  expect(await other.logged({ event: 'open', route: 'panel' })).toMatchObject({ user: signedInUser });
  const admitted = await other.metric('auth_total', { kind: 'forward', result: 'admitted' });
  console.log(`a page of ${admitted} requests in ${seconds.toFixed(1)} s: ${asked} questions`);
  expect(admitted).toBeGreaterThan(10);
  expect(asked).toBeGreaterThanOrEqual(1);
  expect(asked).toBeLessThanOrEqual(1 + Math.floor(seconds / 5));
  await expectPageLoad(other, 'panel');
  await files.page.close();
});

// oauth2-proxy/oauth2-proxy#1393, #1522.
it('tells a script whose session is over so, and sends it nowhere, as oauth2-proxy itself does', async () => {
  for (const base of [`http://127.0.0.1:${signIn.port}`, sluice.url]) {
    const answer = await fetch(`${base}/files`, { redirect: 'manual', headers: { accept: 'application/json' } });
    expect([answer.status, await answer.json()]).toEqual([401, {}]);
  }
});

// oauth2-proxy/oauth2-proxy#1549 and #3505.
it('lets in without a session what oauth2-proxy itself does: by path and method, and preflights', async () => {
  const ask = async (base: string, path: string, method: string) => {
    const headers = { origin: 'https://other.test', 'access-control-request-method': 'GET' };
    const answer = await fetch(`${base}${path}`, { method, headers, redirect: 'manual' });
    await answer.arrayBuffer();
    return answer.status === 302 ? 'sent to sign in' : 'let in';
  };
  for (const base of [`http://127.0.0.1:${signIn.port}`, sluice.url]) {
    expect(await ask(base, '/open/x', 'GET')).toBe('let in');
    expect(await ask(base, '/open/x', 'POST')).toBe('sent to sign in');
    expect(await ask(base, '/files', 'OPTIONS')).toBe('let in');
    expect(await ask(base, '/files', 'GET')).toBe('sent to sign in');
  }
});

it('lets nobody in who brings a session of his own making, nor without one', async () => {
  const ask = (headers: Record<string, string>) => fetch(`${sluice.url}/files`, { redirect: 'manual', headers });
  for (const headers of [{}, { cookie: '_oauth2_proxy=made-up' }, { 'X-Auth-Request-Preferred-Username': 'root' }]) {
    const answer = await ask(headers as Record<string, string>);
    expect(answer.status).toBe(302);
    expect(answer.headers.get('location')).toContain('/oidc/authorize');
    expect(answer.headers.getSetCookie().join()).toContain('_oauth2_proxy_csrf');
  }
});
