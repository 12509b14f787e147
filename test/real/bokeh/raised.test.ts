/** Panel with its limit raised to 150 MiB, in the two ways there are: a file of 105 MB is a message of 140 MB. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { Browser } from '../harness/browser.ts';
import { Sluice } from '../harness/sluice.ts';
import { FilesPage, makeFile, type TestFile } from './files-page.ts';
import { panelServe, pnServe } from './panel-server.ts';

const raised = 150 * 1024 * 1024;

let browser: Browser;
let file: TestFile;

beforeAll(async () => {
  [browser, file] = await Promise.all([Browser.launch('panel-raised-last-page'), makeFile(105_000_000)]);
});

afterAll(() => browser?.[Symbol.asyncDispose]());

it.for([
  ['panel serve', () => panelServe(`--websocket-max-message-size=${raised}`)],
  ['pn.serve', pnServe],
] as const)('%s takes a message of 140 MB from Chromium', { timeout: 180_000 }, async ([, serve]) => {
  await using server = await serve();
  await using sluice = await Sluice.start({
    routes: [
      {
        name: 'panel',
        match: { path: '/' },
        upstream: `http://127.0.0.1:${server.port}`,
        preset: 'panel',
        limits: { client: { max_message_size: raised } },
      },
    ],
  });
  const files = await FilesPage.open(browser, sluice.url);
  await files.fileInput.setInputFiles(file.path);
  await files.says(file.received, 150_000);
  await files.page.close();
  const { client_sent } = (await sluice.logged({ event: 'end' })) as { client_sent?: { max_message_bytes: number } };
  expect(client_sent!.max_message_bytes).toBeGreaterThan(140_000_000);
});
