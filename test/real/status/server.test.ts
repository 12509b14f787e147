/** The status page and its server: a token, a server that is lost and comes back, a shutdown. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { Browser } from '../harness/browser.ts';
import { scratchDirectory, screenshotPath } from '../harness/paths.ts';
import { Scene } from './scene.ts';

test('asks for the token, once for each tab, and keeps it nowhere else', async () => {
  const file = join(scratchDirectory('token'), 'token');
  writeFileSync(file, 'a-token-of-at-least-thirty-two-characters\n');
  await using scene = await Scene.start({ admin: { token_file: file } });
  await using browser = await Browser.launch('status-token');
  const page = await browser.page();
  await page.goto(scene.sluice.adminUrl);
  const input = page.getByLabel('Token', { exact: true });
  await input.waitFor();
  expect(await page.evaluate('document.activeElement.id')).toBe('token-input');
  expect(await page.locator('#content').isVisible()).toBe(false);
  await page.screenshot({ path: screenshotPath('status-token-form') });
  await page.keyboard.type('wrong');
  await page.keyboard.press('Enter');
  await page.getByText('The server did not take this token.').waitFor();
  await page.keyboard.type('a-token-of-at-least-thirty-two-characters');
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { name: 'Accepting connections' }).waitFor();
  await page.getByText('No connection is open.').waitFor();
  expect(page.url()).toBe(`${scene.sluice.adminUrl}/`);
  expect(await page.evaluate('localStorage.length + document.cookie.length')).toBe(0);

  await page.reload();
  await page.getByRole('heading', { name: 'Accepting connections' }).waitFor();
  const other = await browser.page();
  await other.goto(scene.sluice.adminUrl);
  await other.getByLabel('Token', { exact: true }).waitFor();
});

test('says that the server is lost, marks what it shows as old, and goes on by itself', async () => {
  let scene = await Scene.start();
  await using browser = await Browser.launch('status-lost');
  const page = await browser.page();
  const { port, adminPort, adminUrl } = scene.sluice;
  await page.goto(adminUrl);
  await page.locator('#live[data-state="live"]').waitFor();
  scene.sluice.process.signal('SIGKILL');
  await page.getByText('not connected').waitFor();
  await page.locator('.notice', { hasText: /The connection to Sluice is lost. What you see is from \d\d:/ }).waitFor();
  expect(
    await page.evaluate<number>(`Number(getComputedStyle(document.getElementById('content')).opacity)`),
  ).toBeLessThan(1);
  await page.screenshot({ path: screenshotPath('status-lost') });
  await scene[Symbol.asyncDispose]();

  scene = await Scene.start({}, { port, adminPort });
  await using _ = scene;
  await page.locator('#live[data-state="live"]').waitFor();
  expect(await page.locator('.notice').count()).toBe(0);
  expect(await page.evaluate(`getComputedStyle(document.getElementById('content')).opacity`)).toBe('1');
});

test('shows a shutdown: how many are left, and when what is left is cut', async () => {
  await using scene = await Scene.start({ drain: { announce: '10s', spread: '20s', deadline: '60s' } });
  await using browser = await Browser.launch('status-drain');
  const page = await browser.page();
  await page.goto(scene.sluice.adminUrl);
  await page.locator('#live[data-state="live"]').waitFor();
  for (let i = 0; i < 3; i++) await scene.connect('/panel/app/ws');
  scene.sluice.process.signal('SIGTERM');
  await page.locator('.notice', { hasText: 'it still accepts, until load balancers have noticed' }).waitFor();
  await page.getByRole('heading', { name: 'Draining: 3 connections left' }).waitFor();
  await page
    .locator('.notice', { hasText: /refuses new connections.*What is left at \d\d:\d\d:\d\d is cut/ })
    .waitFor();
  await page.screenshot({ path: screenshotPath('status-draining') });
  scene.sluice.process.signal('SIGTERM');
});
