import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { Browser } from '../harness/browser.ts';
import { LoadBalancer } from '../harness/load-balancer.ts';
import { Sluice } from '../harness/sluice.ts';
import { JupyterServer, token } from './jupyter-server.ts';
import { openNotebook } from './notebook-page.ts';
import { rollOut, rolloutCells } from './rollout.ts';

describe('the page of JupyterLab in Chromium', () => {
  let server: JupyterServer;
  beforeAll(async () => {
    server = await JupyterServer.lab();
  });
  afterAll(() => server?.stop());

  it('runs a notebook; closed with 1012 in the middle of a cell it comes back and has lost no line', async () => {
    const notebook = server.writeNotebook('drained.ipynb', rolloutCells);
    const routes = [{ name: 'jupyter', upstream: server.url, preset: 'jupyter' }];
    // Its sockets (the kernel's, the events', the notebook's room) leave at slots of their own.
    const drain = { announce: '500ms', spread: '1s', deadline: '30s' };
    await using leaving = await Sluice.start({ drain, routes });
    await using staying = await Sluice.start({ drain, routes });
    await using balancer = await LoadBalancer.start(leaving.port);
    await using browser = await Browser.launch('jupyterlab');
    const page = await browser.page();
    await openNotebook(page, `${balancer.url}/lab/tree/${notebook}?token=${token}`);

    await rollOut(page, server.directory, { leaving, staying, balancer });

    // The page's other sockets (events, the notebook's room) passed through Sluice, and come back as well, each in its
    // own time.
    const opened = (path: RegExp) => (line: Readonly<Record<string, unknown>>) =>
      line.event === 'open' && path.test(String(line.path));
    for (const path of [/^\/api\/kernels\/[^/]+\/channels$/, /^\/api\/collaboration\/room\/json:notebook:/]) {
      expect(leaving.log.filter(opened(path))).toHaveLength(1);
      await vi.waitFor(() => expect(staying.log.filter(opened(path))).toHaveLength(1), { timeout: 90_000 });
    }
  });
});
