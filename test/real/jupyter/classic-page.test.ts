import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Browser } from '../harness/browser.ts';
import { sluiceBefore } from './gateway.ts';
import { JupyterServer, token } from './jupyter-server.ts';

describe('the page of Notebook classic in Chromium', () => {
  let server: JupyterServer;
  beforeAll(async () => {
    server = await JupyterServer.classic();
  });
  afterAll(() => server?.stop());

  it('runs a cell through Sluice', async () => {
    const notebook = server.writeNotebook('classic.ipynb', ['print(6 * 7)']);
    await using sluice = await sluiceBefore(server);
    await using browser = await Browser.launch('notebook-classic');
    const page = await browser.page();
    await page.goto(`${sluice.url}/notebooks/${notebook}?token=${token}`);
    await page.locator('#kernel_indicator_icon.kernel_idle_icon').waitFor();
    await page.locator('.code_cell .CodeMirror').first().click();
    await page.keyboard.press('Shift+Enter');
    await page.locator('.output_area .output_text', { hasText: '42' }).waitFor();
    const open = await sluice.logged({ event: 'open', route: 'jupyter' });
    expect(open.path).toMatch(/^\/api\/kernels\/[^/]+\/channels$/);
    expect(open.subprotocol).toBeNull();
    expect(await sluice.metric('connections_active', { route: 'jupyter' })).toBe(1);
  });
});
