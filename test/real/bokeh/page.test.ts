/** A real Panel page in Chromium: files up and down, with the limit in the way, and a slow network. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { Browser } from '../harness/browser.ts';
import { screenshotPath } from '../harness/paths.ts';
import { Sluice } from '../harness/sluice.ts';
import { describeFile, FilesPage, makeFile } from './files-page.ts';
import { type PanelServer, panelServe } from './panel-server.ts';
import { SlowUpload } from './slow-upload.ts';
import { uploadTooMuch } from './upload-too-much.ts';

const MiB = 1024 * 1024;
const limit = 20 * MiB;

let panel: PanelServer;
let sluice: Sluice;
let browser: Browser;
let upload: SlowUpload;

const route = (port: number, settings: object = {}): Record<string, unknown> => ({
  name: 'panel',
  match: { path: '/' },
  upstream: `http://127.0.0.1:${port}`,
  preset: 'panel',
  ...settings,
});

beforeAll(async () => {
  [panel, browser] = await Promise.all([panelServe(), Browser.launch('panel-last-page')]);
  sluice = await Sluice.start({ routes: [route(panel.port)] });
  // It takes 100 s of waiting: the other tests run meanwhile.
  upload = await SlowUpload.start(browser, {
    bytes: 200_000_000,
    bytesPerSecond: 2_000_000,
    panelPort: panel.port,
    route,
  });
});

afterAll(async () => {
  await browser?.[Symbol.asyncDispose]();
  await upload?.[Symbol.asyncDispose]();
  await sluice?.stop();
  await panel?.[Symbol.asyncDispose]();
});

it('takes 15 MB from a FileInput whole, and loads nothing from outside', async () => {
  const files = await FilesPage.open(browser, sluice.url);
  const file = await makeFile(15_000_000);
  await files.fileInput.setInputFiles(file.path);
  await files.says(file.received);
  await files.page.screenshot({ path: screenshotPath('panel-file-input-15mb') });
  expect(files.outside).toEqual([]);
  await files.page.close();
});

it('closes on 16 MB from a FileInput, and console, metric and log say by how much', async () => {
  const files = await FilesPage.open(browser, sluice.url);
  const file = await makeFile(16_000_000);
  const lost = files.page.waitForEvent('console', {
    predicate: (message) => message.text().includes('Lost websocket 0 connection'),
  });
  await files.fileInput.setInputFiles(file.path);
  const text = (await lost).text();
  const found = /1009 \(message of (?:at least )?([\d.]+) MiB exceeds ([\d.]+) MiB \(route panel\)\)/.exec(text);
  expect(found, text).not.toBeNull();
  const [seen, configured] = [Number(found![1]), Number(found![2])];
  expect(configured * MiB).toBe(limit);
  const ending = await sluice.logged({ reason: 'message_too_big' });
  expect(ending.limit).toMatchObject({ name: 'max_message_size', configured: limit });
  const { observed } = ending.limit as { observed: number };
  expect(Math.abs(observed / MiB - seen)).toBeLessThan(0.05);
  // Chromium cuts the message into frames of at most 131 000 bytes: the sum crossed the limit with one of them.
  expect(observed).toBeGreaterThan(limit);
  expect(observed).toBeLessThanOrEqual(limit + 131_000);
  await files.page.screenshot({ path: screenshotPath('panel-file-input-16mb') });

  const labels = { route: 'panel', sender: 'client', limit: 'max_message_size', action: 'close' };
  expect(await sluice.metric('limit_violations_total', labels)).toBe(1);
  await files.page.close();
});

it('carries a FileDownload of 50 MB', async () => {
  const files = await FilesPage.open(browser, sluice.url);
  const download = await files.download();
  expect(`offered ${await describeFile(await download.path())}`).toBe(await files.offered());
  await files.page.screenshot({ path: screenshotPath('panel-file-download-50mb') });
  await files.page.close();
});

it('shows a page that sends too much 1009 and the reason in 50 of 50 uploads', async () => {
  // A low limit leaves most of the 30 MB to send when it is refused: a gateway that closed at once would reset.
  const low = 5 * MiB;
  await using strict = await Sluice.start({
    routes: [route(panel.port, { limits: { client: { max_message_size: low } } })],
  });
  const page = await browser.page();
  const url = `${strict.url}/document`;
  await page.goto(url);
  const endings = await page.evaluate(uploadTooMuch, { url, bytes: 30_000_000, times: 50 });
  const expected = new RegExp(
    `^1009 message of (at least )?5\\.[\\d.]+ MiB exceeds ${low / MiB} MiB \\(route panel\\)$`,
  );
  expect(endings.filter((ending) => !expected.test(ending))).toEqual([]);
  expect(endings).toHaveLength(50);
  expect(await strict.metric('limit_violations_total', { route: 'panel', limit: 'max_message_size' })).toBe(50);
  await page.close();
}, 180_000);

it('works for a browser with 12 kB of cookies, whose token outgrows the usual header limits', async () => {
  const value = (): string => Array.from({ length: 3_900 }, () => Math.random().toString(36)[2] ?? '0').join('');
  const cookies = ['one', 'two', 'three'].map((name) => ({ name, value: value(), url: sluice.url }));
  await browser.context.addCookies(cookies);
  try {
    const files = await FilesPage.open(browser, sluice.url);
    const file = await makeFile(1_000);
    await files.fileInput.setInputFiles(file.path);
    await files.says(file.received);
    await files.page.close();
  } finally {
    await browser.context.clearCookies();
  }
});

it('goes on working while its Sluice waits for it, and hears 1012 when that ends', async () => {
  // The preset waits: this page cannot come back to its session.
  await using leaving = await Sluice.start({
    drain: { announce: '0s', spread: '0s', deadline: '10m' },
    routes: [route(panel.port)],
  });
  const files = await FilesPage.open(browser, leaving.url);
  leaving.process.signal('SIGTERM');
  await leaving.logged({ event: 'draining', phase: 'close', connections: 1 });
  const file = await makeFile(1_000_000);
  await files.fileInput.setInputFiles(file.path);
  await files.says(file.received);

  const lost = files.page.waitForEvent('console', {
    predicate: (message) => message.text().includes('Lost websocket 0 connection'),
  });
  leaving.process.signal('SIGTERM');
  expect((await lost).text()).toContain('1012 (the gateway is shutting down)');
  // Whether the page answers within the second that it has is the browser's affair; that it heard is said above.
  const drained = await leaving.logged({ event: 'drained', connections: 1, ended_themselves: 0 });
  expect(Number(drained.sent_away) + Number(drained.cut)).toBe(1);
  expect(await leaving.process.exited()).toBe(0);
  await files.page.close();
});

it('keeps its memory while a FileDropper sends 200 MB to an upstream of 2 MB/s, and the file arrives whole', {
  timeout: 420_000,
}, async () => {
  // The page sends everything at once, so without backpressure all of it would stand in Sluice. In such a time V8's
  // young generation alone may grow to its 16 MiB.
  expect(await upload.growth).toBeLessThan(32 * MiB);
  const pauses = { route: 'panel', sender: 'client', cause: 'buffer' };
  expect(await upload.sluice.metric('pauses_total', pauses)).toBeGreaterThan(0);
  expect(await upload.sluice.metric('limit_violations_total')).toBe(0);
});
