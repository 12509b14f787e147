import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { scratchDirectory } from '../../real/harness/paths.ts';
import { bodySuite } from '../harness/body-suite.ts';
import { startGradio } from './gradio-server.ts';

const head = '--b\r\nContent-Disposition: form-data; name="files"; filename="a.bin"\r\n\r\n';
const tail = '\r\n--b--\r\n';

async function choose(page: Page, bytes: number): Promise<void> {
  const path = join(scratchDirectory('file'), 'chosen.bin');
  writeFileSync(path, Buffer.alloc(bytes));
  await page.locator('input[type=file]').setInputFiles(path);
}

bodySuite('gradio', {
  preset: 'gradio',
  start: startGradio,
  post: (bytes) => ({
    path: '/gradio_api/upload',
    type: 'multipart/form-data; boundary=b',
    body: head + 'x'.repeat(bytes - head.length - tail.length) + tail,
  }),
  ready: (page) => page.getByRole('button', { name: 'count' }).waitFor(),
  tooMuch: async (page, limitBytes) => {
    await choose(page, limitBytes);
    await page.getByTestId('toast-body').waitFor();
  },
  use: async (page) => {
    await choose(page, 1000);
    await page.waitForFunction(`[...document.querySelectorAll('textarea')].some((box) => box.value === '1000 bytes')`);
  },
});
