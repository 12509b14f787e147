import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Browser } from '../harness/browser.ts';
import { LoadBalancer } from '../harness/load-balancer.ts';
import { Sluice } from '../harness/sluice.ts';
import { JupyterServer, token } from './jupyter-server.ts';
import { openNotebook, output, outputLines, runCell } from './notebook-page.ts';

const lines = Array.from({ length: 30 }, (_, i) => `line ${i}`);
const printing = 'import time\nfor i in range(30):\n    print("line", i, flush=True)\n    time.sleep(0.2)';

describe('the page of JupyterLab in Chromium', () => {
  let server: JupyterServer;
  beforeAll(async () => {
    server = await JupyterServer.lab();
  });
  afterAll(() => server?.stop());

  it('runs a notebook; closed with 1012 in the middle of a cell it comes back and has lost no line', async () => {
    const notebook = server.writeNotebook('drained.ipynb', [printing, 'print(6 * 7)']);
    const routes = [{ name: 'jupyter', upstream: server.url, preset: 'jupyter' }];
    // Its sockets (the kernel's, the events', the notebook's room) leave at slots of their own.
    const drain = { announce: '500ms', spread: '1s', deadline: '30s' };
    await using leaving = await Sluice.start({ drain, routes });
    await using staying = await Sluice.start({ drain, routes });
    await using balancer = await LoadBalancer.start(leaving.port);
    await using browser = await Browser.launch('jupyterlab');
    const page = await browser.page();
    await openNotebook(page, `${balancer.url}/lab/tree/${notebook}?token=${token}`);

    await runCell(page, 0);
    await output(page, 0).filter({ hasText: 'line 5' }).waitFor();
    balancer.target = staying.port;
    leaving.process.signal('SIGTERM');
    const end = await leaving.logged({ event: 'end', reason: 'drain', subprotocol: 'v1.kernel.websocket.jupyter.org' });
    expect(end).toMatchObject({ close_codes: { sent_to_client: 1012, sent_to_upstream: 1001 } });
    expect((await outputLines(page, 0)).length).toBeLessThan(lines.length);

    await output(page, 0).filter({ hasText: 'line 29' }).waitFor();
    expect(await outputLines(page, 0)).toEqual(lines);
    await page.getByText('Python 3 (ipykernel) | Idle').waitFor();
    await runCell(page, 1);
    await output(page, 1).filter({ hasText: '42' }).waitFor();
    expect(await leaving.process.exited()).toBe(0);

    // The page's other sockets (events, the notebook's room) passed through Sluice, and came back as well.
    const opened = (path: RegExp) => (line: Readonly<Record<string, unknown>>) =>
      line.event === 'open' && path.test(String(line.path));
    for (const path of [/^\/api\/kernels\/[^/]+\/channels$/, /^\/api\/collaboration\/room\/json:notebook:/]) {
      expect(leaving.log.filter(opened(path))).toHaveLength(1);
      expect(staying.log.filter(opened(path))).toHaveLength(1);
    }
  });
});
