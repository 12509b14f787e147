/** A Panel app behind Sluice as a service of a JupyterHub: the app knows nothing of the hub. */
import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type PanelServer, panelServe } from '../bokeh/panel-server.ts';
import { Browser } from '../harness/browser.ts';
import { scratchDirectory } from '../harness/paths.ts';
import { freePort } from '../harness/ports.ts';
import { Sluice } from '../harness/sluice.ts';
import { token as adminToken } from '../jupyter/jupyter-server.ts';
import { Hub } from '../jupyterhub/hub.ts';

const prefix = '/services/panel';

describe('a Panel app as a service of a hub', { timeout: 240_000 }, () => {
  let hub: Hub;
  let panel: PanelServer;
  let sluice: Sluice;
  beforeAll(async () => {
    const port = await freePort();
    const token = randomBytes(32).toString('hex');
    const tokenFile = join(scratchDirectory('hub-service'), 'token');
    writeFileSync(tokenFile, `${token}\n`);
    hub = await Hub.start({ url: `http://127.0.0.1:${port}`, token });
    panel = await panelServe(`--prefix=${prefix}`);
    sluice = await Sluice.start(
      {
        // The hub's own proxy stands in front.
        listen: { trusted_proxies: ['127.0.0.0/8'] },
        routes: [
          {
            name: 'panel',
            match: { path: prefix },
            upstream: `http://127.0.0.1:${panel.port}`,
            preset: 'panel',
            origins: [hub.url],
            auth: [
              {
                jupyterhub: {
                  api_url: hub.apiUrl,
                  token_file: tokenFile,
                  cache: '1s',
                  recheck: '1s',
                },
              },
            ],
            identity_headers: { user: 'X-Forwarded-User' },
          },
        ],
      },
      { port },
    );
  }, 240_000);
  afterAll(async () => {
    await sluice?.stop();
    await panel?.[Symbol.asyncDispose]();
    await hub?.stop();
  });

  it('is open to those who sign in at the hub, and ends their connections when the hub forgets them', async () => {
    await using browser = await Browser.launch('jupyterhub-service');
    const page = await browser.page();
    await page.goto(`${hub.url}${prefix}/files?a=1`);
    await page.getByLabel('Username').fill('alice');
    await page.getByLabel('Password').fill('anything');
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByRole('heading', { name: 'Files through a WebSocket' }).waitFor();
    expect(page.url()).toBe(`${hub.url}${prefix}/files?a=1`);
    expect(await sluice.logged({ event: 'open', route: 'panel' })).toMatchObject({ user: 'alice' });

    await hub.api('DELETE', '/users/alice');
    expect(await sluice.logged({ event: 'end', route: 'panel' })).toMatchObject({ reason: 'revoked', user: 'alice' });
  });

  it('signs in a browser with a long address, and one whose sign-in or session is over', async () => {
    await using browser = await Browser.launch('jupyterhub-service-late');
    const page = await browser.page();
    await page.goto(`${hub.url}${prefix}/files?a=${'x'.repeat(5000)}`);
    await page.getByLabel('Username').fill('carol');
    await page.getByLabel('Password').fill('anything');
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByRole('heading', { name: 'Files through a WebSocket' }).waitFor();
    expect(page.url()).toBe(`${hub.url}${prefix}/files`);
    await page.goto(`${hub.url}${prefix}/oauth_callback?code=over&state=over`);
    expect(page.url()).toBe(`${hub.url}${prefix}/`);
    // As after a new token of the service, by which nobody's session can be opened.
    const former = { name: 'sluice-hub-panel', value: 'of-a-former-token', path: `${prefix}/` };
    await page.context().addCookies([{ ...former, domain: new URL(hub.url).hostname }]);
    await page.goto(`${hub.url}${prefix}/files?b=2`);
    await page.getByRole('heading', { name: 'Files through a WebSocket' }).waitFor();
    expect(page.url()).toBe(`${hub.url}${prefix}/files?b=2`);
  });

  it('is open to programs with a token of the hub whose user may use it, and to nobody else', async () => {
    await hub.api('POST', '/users/bob');
    const made = (await hub.api('POST', '/users/bob/tokens')) as { token: string };
    const ask = (token: string) =>
      fetch(`${sluice.url}${prefix}/files`, { headers: { Authorization: `token ${token}` }, redirect: 'manual' });
    expect((await ask(made.token)).status).toBe(200);
    expect((await ask('made-up')).status).toBe(401);
    // A service of the hub that has not the scope.
    expect((await ask(adminToken)).status).toBe(401);
    expect(await sluice.metric('auth_total', { kind: 'jupyterhub', result: 'claim' })).toBe(1);
  });
});
