import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { root, scratchDirectory } from '../../real/harness/paths.ts';
import { freePort } from '../../real/harness/ports.ts';
import { answers, ServerProcess } from '../../real/harness/server-process.ts';
import { pageSuite, type RunningApp } from '../harness/page-suite.ts';

const project = scratchDirectory('project');
const file = join(project, 'a.txt');

async function start(): Promise<RunningApp> {
  writeFileSync(file, 'first\n');
  writeFileSync(join(project, 'large.txt'), `large\n${`${'x'.repeat(99)}\n`.repeat(120_000)}`);
  const port = await freePort();
  const home = scratchDirectory('home');
  // A panel that opens by itself takes what is typed.
  mkdirSync(join(home, 'User'));
  const settings = {
    'chat.disableAIFeatures': true,
    'workbench.secondarySideBar.defaultVisibility': 'hidden',
    'workbench.editorLargeFileConfirmation': 100,
  };
  writeFileSync(join(home, 'User', 'settings.json'), JSON.stringify(settings));
  const entry = join(root, '.cache/apps-code-server/node_modules/code-server/out/node/entry.js');
  const quiet = ['--disable-telemetry', '--disable-update-check', '--disable-workspace-trust'];
  const process_ = await ServerProcess.start({
    name: 'code-server',
    command: process.execPath,
    args: [entry, '--auth', 'none', '--bind-addr', `127.0.0.1:${port}`, '--user-data-dir', home, ...quiet, project],
    env: { HOME: home, NODE_OPTIONS: '' },
    ready: answers(`http://127.0.0.1:${port}/healthz`),
  });
  return { port, path: `/?folder=${project}`, [Symbol.asyncDispose]: () => process_.stop() };
}

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
  start,
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
