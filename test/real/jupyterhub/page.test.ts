import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Browser } from '../harness/browser.ts';
import { LoadBalancer } from '../harness/load-balancer.ts';
import { openNotebook } from '../jupyter/notebook-page.ts';
import { rollOut, rolloutCells } from '../jupyter/rollout.ts';
import { sluiceBefore } from './gateway.ts';
import { Hub } from './hub.ts';

describe('a person who uses JupyterHub in Chromium', { timeout: 240_000 }, () => {
  let hub: Hub;
  beforeAll(async () => {
    hub = await Hub.start();
  });
  afterAll(() => hub?.stop());

  it('logs in, sees the server start, runs a notebook, and loses no line to a rollout', async () => {
    const home = hub.writeNotebook('alice', 'work.ipynb', rolloutCells);
    await using leaving = await sluiceBefore(hub);
    await using staying = await sluiceBefore(hub);
    await using balancer = await LoadBalancer.start(leaving.port);
    await using browser = await Browser.launch('jupyterhub');
    const page = await browser.page();

    await page.goto(`${balancer.url}/`);
    await page.getByLabel('Username').fill('alice');
    await page.getByLabel('Password').fill('anything');
    const progress = page.waitForResponse((response) => response.url().includes('/server/progress'));
    await page.getByRole('button', { name: 'Sign in' }).click();
    expect(await (await progress).headerValue('content-type')).toContain('text/event-stream');
    // The page of the spawn goes on by itself, over the redirects of OAuth, when the last event has come.
    await page.waitForURL(/\/user\/alice\/lab/, { timeout: 120_000 });

    await openNotebook(page, `${balancer.url}/user/alice/lab/tree/work.ipynb`);
    await leaving.logged({ event: 'open', route: 'hub', subprotocol: 'v1.kernel.websocket.jupyter.org' });
    await rollOut(page, home, { leaving, staying, balancer });
  });
});
