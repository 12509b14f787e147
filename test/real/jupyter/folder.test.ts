/**
 * A notebook in a folder, opened together: its name comes as one segment of a path, with the slash between them
 * encoded.
 */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Browser } from '../harness/browser.ts';
import { expectPageLoad } from '../harness/page-load.ts';
import { Sluice } from '../harness/sluice.ts';
import { JupyterServer, token } from './jupyter-server.ts';
import { openNotebook, output, runCell } from './notebook-page.ts';

/** What jupyter-collaboration asks for before it opens the notebook's room. */
const session = '/api/collaboration/session/dir%2Fa.ipynb';

describe('a notebook in a folder in Chromium', () => {
  let server: JupyterServer;
  beforeAll(async () => {
    server = await JupyterServer.lab();
    mkdirSync(join(server.directory, 'dir'));
    server.writeNotebook('dir/a.ipynb', ['print(6 * 7)']);
  });
  afterAll(() => server?.stop());

  const urlOf = (sluice: Sluice) => `${sluice.url}/lab/tree/dir/a.ipynb?token=${token}`;

  it('opens with jupyter-collaboration and runs', async () => {
    const routes = [{ name: 'jupyter', match: { path: '/' }, upstream: server.url, preset: 'jupyter' }];
    await using sluice = await Sluice.start({ routes });
    await using browser = await Browser.launch('collaboration-folder');
    const page = await browser.page();
    const answered = page.waitForResponse(
      (response) => response.request().method() === 'PUT' && new URL(response.url()).pathname === session,
    );
    await openNotebook(page, urlOf(sluice));
    expect([200, 201]).toContain((await answered).status());
    await runCell(page, 0);
    await output(page, 0).getByText('42').waitFor();
    // The notebook itself came over the room's WebSocket.
    await sluice.logged({ event: 'open', route: 'jupyter' });
    expect(sluice.log.some(({ path }) => /^\/api\/collaboration\/room\/json:notebook:/.test(String(path)))).toBe(true);
    await expectPageLoad(sluice, 'jupyter');
  });

  it('is refused where the slash would decide between two routes, by the names of both', async () => {
    const route = (name: string, path: string) => ({ name, match: { path }, upstream: server.url, preset: 'jupyter' });
    await using sluice = await Sluice.start({
      routes: [route('everybody', '/'), route('folder', '/api/collaboration/session/dir/a.ipynb')],
    });
    await using browser = await Browser.launch('collaboration-folder-refused');
    const page = await browser.page();
    const answered = page.waitForResponse((response) => new URL(response.url()).pathname === session);
    await page.goto(urlOf(sluice));
    const refusal = await answered;
    expect(refusal.status()).toBe(400);
    const words = await refusal.text();
    for (const route of ['everybody', 'folder']) expect(words).toContain(route);
    await sluice.logged({ event: 'refused', result: 'ambiguous_path', status: 400 });
  });
});
