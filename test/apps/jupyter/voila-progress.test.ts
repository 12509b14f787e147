/**
 * Voilà sends a page in parts while its notebook is being run: each arrives as it is made, and so does its heartbeat.
 */
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { scratchDirectory } from '../../real/harness/paths.ts';
import { Sluice } from '../../real/harness/sluice.ts';
import { writeNotebook } from '../../real/jupyter/jupyter-server.ts';
import type { RunningApp } from '../harness/page-suite.ts';
import { startPython } from '../harness/python-server.ts';

const folder = scratchDirectory('voila-progress');
/** The notebook's second cell runs until this file is there. */
const go = join(folder, 'go');

let voila: RunningApp;
let sluice: Sluice;

beforeAll(async () => {
  const notebook = join(folder, 'page.ipynb');
  const waiting = `import pathlib, time\nwhile not pathlib.Path(${JSON.stringify(go)}).exists(): time.sleep(0.01)`;
  writeNotebook(notebook, ['print("first" + " cell")', `${waiting}\nprint("second" + " cell")`]);
  voila = await startPython({
    part: 'jupyter',
    program: 'voila',
    args: [
      ...[notebook, '--no-browser', '--port={port}', '--Voila.ip=127.0.0.1'],
      '--VoilaConfiguration.http_keep_alive_timeout=1',
    ],
    probe: '/voila/static/voila.js',
  });
  sluice = await Sluice.start({
    routes: [{ name: 'voila', upstream: `http://127.0.0.1:${voila.port}`, preset: 'voila' }],
  });
});

afterAll(async () => {
  await sluice?.stop();
  await voila?.[Symbol.asyncDispose]();
});

test.each(['directly', 'through Sluice'])('what is made of a page is there before the rest is: %s', async (way) => {
  rmSync(go, { force: true });
  const page = await fetch(way === 'directly' ? `http://127.0.0.1:${voila.port}/` : sluice.url);
  expect(page.status).toBe(200);
  const reader = page.body!.pipeThrough(new TextDecoderStream()).getReader();
  let text = '';
  const readUntil = async (what: string, from = 0) => {
    while (!text.includes(what, from)) {
      const { value, done } = await reader.read();
      if (done) throw new Error(`the page ended without ${what}: ${text}`);
      text += value;
    }
  };
  await readUntil('first cell');
  const beats = text.length;
  // While the second cell runs nothing else comes.
  await readUntil('heartbeat', beats);
  expect(text).not.toContain('second cell');
  writeFileSync(go, '');
  await readUntil('second cell');
  await readUntil('</html>');
});
