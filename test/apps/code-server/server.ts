/** The code-server of the tests: a project of two files, and a password where one is asked for. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { root, scratchDirectory } from '../../real/harness/paths.ts';
import { freePort } from '../../real/harness/ports.ts';
import { answers, ServerProcess } from '../../real/harness/server-process.ts';
import type { RunningApp } from '../harness/page-suite.ts';

export const project: string = scratchDirectory('project');
/** A file of the project. */
export const file: string = join(project, 'a.txt');

/** Starts it; `auth` is its own kind of authentication. */
export async function startCodeServer(auth: 'none' | 'password' = 'none'): Promise<RunningApp> {
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
    args: [entry, '--auth', auth, '--bind-addr', `127.0.0.1:${port}`, '--user-data-dir', home, ...quiet, project],
    env: { HOME: home, NODE_OPTIONS: '', PASSWORD: 'secret' },
    ready: answers(`http://127.0.0.1:${port}/healthz`),
  });
  return { port, path: `/?folder=${project}`, [Symbol.asyncDispose]: () => process_.stop() };
}
