import { existsSync, readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { pageSuite } from '../harness/page-suite.ts';
import { file, startCodeServer } from './server.ts';

/** Waits until the file on the server's disk has this text. */
async function onDisk(text: string): Promise<void> {
  for (let tried = 0; tried < 200; tried++) {
    if (existsSync(file) && readFileSync(file, 'utf8').includes(text)) return;
    await delay(200);
  }
  throw new Error(`the file has no ${text}: ${readFileSync(file, 'utf8').slice(0, 100)}`);
}

pageSuite('code-server', {
  preset: 'code-server',
  start: () => startCodeServer(),
  // The management connection and the extension host's: both end and come back together.
  socket: '/stable-',
  ready: async (page) => {
    // A text of 12 MB, which the editor sends to its extensions as one message: more than Sluice's built-in 10 MiB.
    for (const [name, begins] of [
      ['large.txt', 'large'],
      ['a.txt', 'first'],
    ] as const) {
      await page.getByRole('treeitem', { name }).dblclick();
      await page.locator('.monaco-editor .view-line').filter({ hasText: begins }).waitFor();
    }
  },
  use: async (page, turn) => {
    await page.locator('.monaco-editor .view-line').first().click();
    await page.keyboard.press('Control+Home');
    await page.keyboard.type(`typed${turn} `);
    await page.keyboard.press('Control+s');
    await onDisk(`typed${turn} `);
  },
});
