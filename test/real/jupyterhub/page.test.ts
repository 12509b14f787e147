import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Browser } from '../harness/browser.ts';
import { LoadBalancer } from '../harness/load-balancer.ts';
import { openNotebook, output, outputLines, runCell } from '../jupyter/notebook-page.ts';
import { sluiceBefore } from './gateway.ts';
import { Hub } from './hub.ts';

const lines = Array.from({ length: 20 }, (_, i) => `line ${i}`);
const printing = 'import time\nfor i in range(20):\n    print("line", i, flush=True)\n    time.sleep(0.2)';

describe('a person who uses JupyterHub in Chromium', { timeout: 240_000 }, () => {
  let hub: Hub;
  beforeAll(async () => {
    hub = await Hub.start();
  });
  afterAll(() => hub?.stop());

  it('logs in, sees the server start, runs a notebook, and loses no line to a rollout', async () => {
    hub.writeNotebook('alice', 'work.ipynb', [printing, 'print(6 * 7)']);
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
    await runCell(page, 0);
    await output(page, 0).filter({ hasText: 'line 5' }).waitFor();
    balancer.target = staying.port;
    leaving.process.signal('SIGTERM');
    const end = await leaving.logged({ event: 'end', reason: 'drain', subprotocol: 'v1.kernel.websocket.jupyter.org' });
    expect(end).toMatchObject({ close_codes: { sent_to_client: 1012, sent_to_upstream: 1001 } });
    expect((await outputLines(page, 0)).length).toBeLessThan(lines.length);

    await output(page, 0).filter({ hasText: 'line 19' }).waitFor();
    expect(await outputLines(page, 0)).toEqual(lines);
    await page.getByText('Python 3 (ipykernel) | Idle').waitFor();
    await runCell(page, 1);
    await output(page, 1).filter({ hasText: '42' }).waitFor();
    expect(await leaving.process.exited()).toBe(0);
  });
});
