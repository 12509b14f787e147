/** The demo's page in Chromium: every button of the story, and what the person is shown. */
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Demo, startDemo } from '../../../src/cli/demo-start.ts';
import { Browser } from '../harness/browser.ts';

let demo: Demo;
let browser: Browser;
let page: Page;

beforeAll(async () => {
  demo = await startDemo(0, () => {});
  browser = await Browser.launch('demo');
  page = await browser.page();
  await page.goto(demo.gateway);
  await page.locator('#live[data-state="live"]').waitFor();
});
afterAll(async () => {
  await browser?.[Symbol.asyncDispose]();
  await demo?.stop();
});

/** A number of the page's counter table, by its row's words and its route. */
function counter(row: string, route: 'messages' | 'files' | 'flood') {
  const column = { messages: 1, files: 2, flood: 3 }[route];
  return page
    .locator('#counters tr', { hasText: row })
    .locator('td')
    .nth(column - 1);
}

test('a message at the limit is received, one byte more shows 1009 with the reason, and the counter rises', async () => {
  const messages = page.locator('#messages');
  await messages.getByRole('button', { name: 'the limit' }).click();
  await messages.getByText('the server received 65,536 bytes').waitFor();
  await messages.getByRole('button', { name: 'one byte over' }).click();
  await messages.getByText('message of 65537 bytes exceeds 65536 (route messages)').waitFor();
  expect(await messages.locator('.bad .code').textContent()).toBe('1009');
  await counter('limit=max_message_size', 'messages').getByText('1', { exact: true }).waitFor();
  await page.locator('#log', { hasText: 'messages · message_too_big' }).waitFor();
});

test('a file as one message is refused; in chunks it arrives whole, and the rate pauses it', async () => {
  const files = page.locator('#files');
  await files.getByRole('button', { name: 'Send as one message' }).click();
  await files.locator('.bad .code', { hasText: '1009' }).waitFor();
  await files.getByRole('button', { name: 'Send in chunks' }).click();
  await files.getByText('the SHA-256 is the same on both sides').waitFor();
  await expect.poll(async () => Number(await counter('cause=rate', 'files').textContent())).toBeGreaterThan(0);
});

test('a client that is woken in time gets everything', async () => {
  const flood = page.locator('#flood');
  await flood.getByRole('button', { name: 'Start the flood' }).click();
  await flood.getByText('Sluice’s buffer is full').waitFor();
  await page.locator('#channel[data-upstream="shut"]').waitFor();
  await flood.getByRole('button', { name: 'Wake the client' }).click();
  await flood.getByText('all 64 MiB arrived').waitFor();
});

test('a client that sleeps on is ended as slow_receiver, and both ends are shown', async () => {
  const flood = page.locator('#flood');
  await flood.getByRole('button', { name: 'Start the flood' }).click();
  await flood.getByText('max_pause ends it in').waitFor();
  await flood.getByText('the server was told').waitFor();
  await flood.getByText('the client found').waitFor();
  await counter('reason=slow_receiver', 'flood').getByText('1', { exact: true }).waitFor();
});

test('fits a phone, and no script failed', async () => {
  await page.setViewportSize({ width: 390, height: 844 });
  expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(390);
  expect(browser.console.filter((line) => line.startsWith('error'))).toEqual([]);
});
