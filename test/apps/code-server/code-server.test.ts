import { existsSync, readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { Browser } from '../../real/harness/browser.ts';
import { Sluice } from '../../real/harness/sluice.ts';
import { pageSuite } from '../harness/page-suite.ts';
import { recordSockets, socketsOf } from '../harness/recorder.ts';
import { file, startCodeServer } from './server.ts';

/** Waits until the file on the server's disk has this text. */
async function onDisk(text: string): Promise<void> {
  for (let tried = 0; tried < 200; tried++) {
    if (existsSync(file) && readFileSync(file, 'utf8').includes(text)) return;
    await delay(200);
  }
  throw new Error(`the file has no ${text}: ${readFileSync(file, 'utf8').slice(0, 100)}`);
}

const MiB = 1024 * 1024;

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
  // A sign of life of VS Code's own protocol, whose content nobody reads: its kind, two numbers and its length stand
  // before it (vscode, src/vs/base/parts/ipc/common/ipc.net.ts, `ProtocolMessageType.KeepAlive`).
  limit: {
    bytes: 16 * MiB,
    message: `(() => {
      const message = new Uint8Array(bytes);
      message[0] = 9;
      new DataView(message.buffer).setUint32(9, bytes - 13);
      return message;
    })()`,
    directCode: null,
  },
  use: async (page, turn) => {
    await page.locator('.monaco-editor .view-line').first().click();
    await page.keyboard.press('Control+Home');
    await page.keyboard.type(`typed${turn} `);
    await page.keyboard.press('Control+s');
    await onDisk(`typed${turn} `);
  },
});

test('a text above the limit is sent again with each reconnection, and each time the tab and the log are told why', async () => {
  await using server = await startCodeServer();
  const limit = { name: 'max_message_size', configured: 10 * MiB };
  await using sluice = await Sluice.start({
    routes: [
      {
        name: 'code-server',
        upstream: `http://127.0.0.1:${server.port}`,
        preset: 'code-server',
        limits: { client: { max_message_size: `${limit.configured}B` } },
      },
    ],
  });
  await using browser = await Browser.launch('apps-code-server-over');
  const page = await browser.page();
  await recordSockets(page);
  await page.goto(sluice.url + server.path);
  await page.getByRole('treeitem', { name: 'large.txt' }).dblclick();
  const refused = async () => (await socketsOf(page, '/stable-')).filter(({ code }) => code === 1009);
  await expect.poll(async () => (await refused()).length).toBeGreaterThan(2);
  for (const { reason } of await refused()) expect(reason).toContain('exceeds 10 MiB (route code-server)');
  await expect.poll(() => sluice.log.filter(({ event }) => event === 'violation').length).toBeGreaterThan(2);
  await sluice.logged({ event: 'end', reason: 'message_too_big', limit });
});
