import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { scratchDirectory } from '../../real/harness/paths.ts';
import { pageSuite } from '../harness/page-suite.ts';
import { startGradio } from './gradio-server.ts';

const file = { bytes: 30_000_000 };

/** Waits for a text in a box of the page. */
async function inBox(page: Page, label: string, text: string): Promise<void> {
  await page.waitForFunction(
    `[...document.querySelectorAll('label')].some((box) =>
      box.textContent.trim() === ${JSON.stringify(label)} && box.querySelector('textarea')?.value === ${JSON.stringify(text)})`,
  );
}

/** Gradio has no WebSocket: a queue of server-sent events, and uploads over HTTP. */
pageSuite('gradio', {
  preset: 'gradio',
  start: startGradio,
  ready: (page) => page.getByRole('button', { name: 'count' }).waitFor(),
  use: async (page, turn) => {
    const to = (turn % 2) + 1;
    await page.getByLabel('to', { exact: true }).fill(String(to));
    await page.getByRole('button', { name: 'count' }).click();
    await inBox(page, 'out', `answer ${to}`);
    const path = join(scratchDirectory('file'), `upload-${turn}.bin`);
    writeFileSync(path, Buffer.alloc(file.bytes + turn));
    const clear = page.getByRole('button', { name: 'Clear' });
    if (await clear.isVisible()) await clear.click();
    await page.locator('input[type=file]').setInputFiles(path);
    await inBox(page, 'read', `${file.bytes + turn} bytes`);
  },
});
