/** The status page in Chromium: what a person on call sees and does. */
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Browser } from '../harness/browser.ts';
import { screenshotPath } from '../harness/paths.ts';
import { limits, Scene } from './scene.ts';

let scene: Scene;
let browser: Browser;
let page: Page;

beforeAll(async () => {
  scene = await Scene.start();
  browser = await Browser.launch('status');
  page = await browser.page();
  await page.goto(scene.sluice.adminUrl);
  await page.locator('#live[data-state="live"]').waitFor();
});
afterAll(async () => {
  await browser?.[Symbol.asyncDispose]();
  await scene?.[Symbol.asyncDispose]();
});

/** Each second adds a few pixels. */

/** The number of a tile. */
const tile = (name: string) => page.locator('.tiles div', { hasText: name }).locator('.value');
const routeRow = (name: string) =>
  page.locator('#routes tbody tr', { has: page.getByRole('button', { name, exact: true }) });
const violations = () => page.locator('#violations tbody tr');
const connections = () => page.locator('#connections tbody tr');

/** How many pixels of a figure's plot have the colour of a custom property, and the x of their middle, 0 to 1. */
function painted(figure: string, property: string): Promise<{ count: number; middle: number }> {
  return page.evaluate(
    `(() => {
      const probe = document.createElement('i');
      probe.style.color = 'var(${property})';
      document.body.append(probe);
      const wanted = getComputedStyle(probe).color.match(/\\d+/g).map(Number);
      probe.remove();
      const canvas = document.querySelector('#${figure} canvas');
      const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
      let count = 0;
      let sum = 0;
      for (let i = 0; i < data.length; i += 4) {
        if (data[i + 3] < 250 || wanted.some((of, c) => Math.abs(of - data[i + c]) > 3)) continue;
        count++;
        sum += (i / 4) % canvas.width;
      }
      return { count, middle: sum / count / canvas.width };
    })()`,
  );
}

describe('an idle Sluice', () => {
  test('says that it accepts, which file is in force, and that nothing has happened', async () => {
    expect(await page.locator('#state').textContent()).toBe('Accepting connections');
    expect(await page.locator('#about').textContent()).toMatch(/sluice\.yaml in force since .* · Sluice \d+\.\d+\.\d+/);
    expect(await page.getByText('No limit was hit in the last hour.').isVisible()).toBe(true);
    await page.getByText('No connection is open.').waitFor();
    await page.screenshot({ path: screenshotPath('status-empty'), fullPage: true });
  });
});

describe('under traffic', () => {
  beforeAll(async () => {
    for (let i = 0; i < 28; i++) {
      const client = await scene.connect(`/panel/app-${i}/ws`);
      // Mostly clicks, now and then a table.
      scene.chat(client, 100 + 30 * i, () => Math.floor(30 + Math.random() ** 6 * 60_000));
    }
    for (let i = 0; i < 6; i++) {
      const client = await scene.connect(`/jupyter/user/anna-${i}/api/kernels/0f3a/channels`);
      scene.chat(client, 300, () => Math.floor(200 * 4 ** (Math.random() * 6)));
    }
    await scene.stall('/jupyter/user/asleep/api/kernels/11/channels');
  });

  test('counts connections against their limits, rates, pauses and buffers as they change', async () => {
    await routeRow('panel').getByText('28 of 40').waitFor();
    await routeRow('jupyter').getByText('7 of 10,000').waitFor();
    await tile('Connections').getByText('35').waitFor();
    const meter = routeRow('panel').locator('meter');
    expect(
      await meter.evaluate((meter) => [(meter as HTMLMeterElement).value, (meter as HTMLMeterElement).max]),
    ).toEqual([28, 40]);
    await routeRow('jupyter').locator('td[data-label="Paused"][data-hot]', { hasText: '1' }).waitFor();
    await routeRow('jupyter').locator('td[data-label="Buffered"]', { hasText: 'queued' }).waitFor();
    await routeRow('panel')
      .locator('td[data-label="From clients"]', { hasText: /[1-9][\d.]*\/s/ })
      .waitFor();
  });

  test('draws what passes', async () => {
    await expect.poll(async () => (await painted('messages-figure', '--water-deep')).count).toBeGreaterThan(50);
    await expect.poll(async () => (await painted('bytes-figure', '--sand')).count).toBeGreaterThan(50);
    expect(await page.locator('#messages-figure .key.client b').textContent()).toMatch(/^[\d.,]+\/s$/);
  });

  test('draws the size of messages with the limit of the route that is chosen', async () => {
    expect(await page.locator('#client-sizes .words').textContent()).toContain('limits differ by route');
    expect((await painted('client-sizes', '--bad')).count).toBe(0);
    await routeRow('panel').getByRole('button', { name: 'panel' }).click();
    await page.locator('#client-sizes .words', { hasText: 'limit 64 KiB · ' }).waitFor();
    const bars = await painted('client-sizes', '--water');
    const limit = await painted('client-sizes', '--bad');
    expect(bars.count).toBeGreaterThan(500);
    expect(limit.count).toBeGreaterThan(100);
    // The line stands at the right end of the bars: nothing that passed is larger.
    expect(limit.middle).toBeGreaterThan(bars.middle);
    expect(await page.locator('#upstream-sizes .words').textContent()).toContain('no limit · ');
  });

  test('names who exceeded a limit within seconds', async () => {
    const client = await scene.connect('/panel/too-big');
    client.send(Buffer.alloc(limits.panelMessage + 1));
    const row = violations().filter({ hasText: 'max_message_size' });
    await row.getByText('65,537 B').waitFor();
    const text = (await row.textContent())!;
    for (const part of ['panel', '127.0.0.1', 'client', 'of 64 KiB', 'connection closed']) expect(text).toContain(part);
    await routeRow('panel').locator('td[data-label^="Limits hit"][data-hot]', { hasText: '1' }).waitFor();
    // The bucket above the limit stands out.
    await expect.poll(async () => (await painted('client-sizes', '--bad-fill')).count).toBeGreaterThan(200);
  });

  test('counts what one client does again and again in one line, and refused requests too', async () => {
    for (let i = 0; i < 3; i++) {
      // One that is still saying goodbye counts for its address, which has few to spare.
      await expect.poll(() => scene.sluice.metric('connections_active', { route: 'panel' })).toBe(28);
      (await scene.connect('/panel/again')).send(Buffer.alloc(limits.panelMessage + 9));
    }
    const row = violations().filter({ hasText: 'max_message_size' });
    await row.locator('td[data-label="Times"]', { hasText: '4' }).waitFor();
    await row.getByText('65,545 B').waitFor();
    for (let i = 0; i < 4; i++) await scene.connect('/panel/crowd').catch(() => {});
    await violations().filter({ hasText: 'connections.max_per_address' }).getByText('request refused').waitFor();
    await page.locator('#violations-search').fill('per_address');
    await expect.poll(() => violations().count()).toBe(1);
    await page.locator('#violations-search').fill('nowhere');
    await page.getByText('Nothing matches “nowhere”.').waitFor();
    await page.locator('#violations-search').fill('');
  });

  test('lists connections by page, sorted by what is asked for', async () => {
    await page.locator('#connections-pager').getByText('1 to 25 of').waitFor();
    await expect.poll(() => connections().count()).toBe(25);
    // The fullest first: the one that does not read.
    await expect.poll(() => connections().first().textContent()).toContain('/jupyter/user/asleep');
    await page.locator('#connections-pager').getByRole('button', { name: 'Next' }).click();
    await page.locator('#connections-pager').getByText('26 to ').waitFor();
    const head = page.locator('#connections thead th', { hasText: 'Open for' });
    await head.getByRole('button').click();
    await expect.poll(() => head.getAttribute('aria-sort')).toBe('descending');
    await page.locator('#connections-pager').getByText('1 to 25 of').waitFor();
    await expect.poll(() => connections().first().textContent()).toContain('/panel/app-0/');
  });

  test('finds a connection and closes it, with the keyboard alone', async () => {
    const client = await scene.connect('/uploads/one-of-a-kind');
    const closed = new Promise<number>((resolve) => client.once('close', resolve));
    await page.locator('#connections-search').focus();
    await page.keyboard.type('one-of-a-kind');
    await page.locator('#connections-total', { hasText: '1 found' }).waitFor();
    // Past the four headers that sort.
    for (let i = 0; i < 5; i++) await page.keyboard.press('Tab');
    const focused = () =>
      page.evaluate<string>('document.activeElement.ariaLabel ?? document.activeElement.textContent');
    expect(await focused()).toBe('Close the connection of 127.0.0.1 on uploads');
    expect(await page.evaluate('getComputedStyle(document.activeElement).outlineStyle')).toBe('solid');
    // The safe answer is the first.
    await page.keyboard.press('Enter');
    await page.locator('dialog[open]').waitFor();
    expect(await focused()).toBe('Keep it');
    await page.keyboard.press('Escape');
    expect(await focused()).toBe('Close the connection of 127.0.0.1 on uploads');
    await page.keyboard.press('Enter');
    await page.keyboard.press('Tab');
    expect(await focused()).toBe('Close it');
    await page.keyboard.press('Enter');
    expect(await closed).toBe(1012);
    await page.getByText('No connection matches “one-of-a-kind”.').waitFor();
    expect(await page.locator('dialog[open]').count()).toBe(0);
    await page.locator('#connections-search').fill('');
  });

  test('is dark where the person wants it dark, the plots too', async () => {
    const paper = () => page.evaluate<string>('getComputedStyle(document.body).backgroundColor');
    expect(await paper()).toBe('rgb(245, 247, 245)');
    await page.emulateMedia({ colorScheme: 'dark' });
    expect(await paper()).toBe('rgb(12, 20, 19)');
    await expect.poll(async () => (await painted('messages-figure', '--water-deep')).count).toBeGreaterThan(50);
    await page.screenshot({ path: screenshotPath('status-dark'), fullPage: true });
    await page.emulateMedia({ colorScheme: 'light' });
  });

  test('fits a phone and a desk', async () => {
    await page.screenshot({ path: screenshotPath('status-desk'), fullPage: true });
    for (const width of [360, 760, 1280]) {
      await page.setViewportSize({ width, height: 800 });
      await expect.poll(() => page.evaluate('document.documentElement.scrollWidth')).toBe(width);
      await expect
        .poll(() => page.evaluate<number>(`document.querySelector('#client-sizes canvas').clientWidth`))
        .toBeLessThan(width);
      if (width === 360) await page.screenshot({ path: screenshotPath('status-phone'), fullPage: true });
    }
  });

  test('says what is wrong with the configuration and where', async () => {
    scene.breakConfiguration();
    const notice = page.locator('.notice', { hasText: 'The configuration files have a mistake' });
    await notice.getByText(/routes\[0\]\.upstream.*sluice\.yaml:\d+:\d+/).waitFor();
    scene.mendConfiguration();
    await notice.waitFor({ state: 'detached' });
  });

  test('is quiet: no script failed, no policy was violated, and nothing came from elsewhere', async () => {
    // Looking at the plots' pixels is this test's own doing.
    expect(browser.console.filter((line) => !line.includes('willReadFrequently'))).toEqual([]);
    const sources = await page.evaluate<string[]>(
      `performance.getEntriesByType('resource').map(({ name }) => new URL(name).origin)`,
    );
    expect(new Set(sources)).toEqual(new Set([scene.sluice.adminUrl]));
  });
});

test('many routes with long names are pages to search, and fit a phone', async () => {
  const long = 'a-route-with-one-of-the-longest-names-that-a-route-may-have-000';
  const routes = Array.from({ length: 60 }, (_, i) => ({
    name: i === 40 ? long : `route-${i}`,
    match: { path: `/r${i}`, hosts: [i === 40 ? `${`${'x'.repeat(60)}.`.repeat(3)}example.org` : `h${i}.example.org`] },
    upstream: 'http://127.0.0.1:1',
  }));
  await using many = await Scene.start({ routes });
  const own = await browser.page();
  await own.setViewportSize({ width: 360, height: 800 });
  await own.goto(many.sluice.adminUrl);
  const names = () => own.locator('#routes tbody .link').allTextContents();
  await expect.poll(names).toHaveLength(25);
  await own.locator('#routes-pager').getByText('1 to 25 of 60').waitFor();
  expect(await own.evaluate('document.documentElement.scrollWidth')).toBe(360);
  await own.locator('#routes-pager').getByRole('button', { name: 'Next' }).click();
  await expect.poll(names).toContain(long);
  await own.locator('#routes-search').fill('H7.EXAMPLE');
  await expect.poll(names).toEqual(['route-7']);
  await own.locator('#routes-search').fill('nobody');
  await own.getByText('No route matches “nobody”.').waitFor();
  expect(await own.locator('#routes').isVisible()).toBe(false);
  await own.locator('#routes-search').fill('');
  await expect.poll(names).toHaveLength(25);
  await own.screenshot({ path: screenshotPath('status-many-routes') });
});
