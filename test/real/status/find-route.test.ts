/** The status page in Chromium, asked which route takes a path. */
import { expect, test } from 'vitest';
import { hubGateway } from '../../helpers/hub.ts';
import { Browser } from '../harness/browser.ts';
import { screenshotPath } from '../harness/paths.ts';

test('a path or a URL names the route that a hub has set, and what is none says so', async () => {
  const templates = 'templates: [{name: servers, kind: server}]';
  const hub = await hubGateway({ api: templates, admin: 'everything' });
  await hub.set('/user/ann%40uni', 'http://127.0.0.1:1', { user: 'ann@uni' });
  await using browser = await Browser.launch('find-route');
  const page = await browser.page();
  await page.goto(`http://127.0.0.1:${hub.adminPort}/`);
  await page.locator('#live[data-state="live"]').waitFor();
  const said = async (text: string, words: string) => {
    await page.locator('#route-find-path').fill(text);
    await page.locator('#route-find-path').press('Enter');
    await page.locator('#route-found', { hasText: words }).waitFor();
    return page.locator('#route-found').textContent();
  };
  expect(await said('/user/ann@uni/lab?x=1', 'last used')).toMatch(
    /^\/user\/ann@uni → http:\/\/127\.0\.0\.1:1 \(set by a program, under the template servers, last used .*\)$/,
  );
  await page.screenshot({ path: screenshotPath('status-find-route'), fullPage: true });
  expect(await said('https://apps.example/user/bob', 'no route')).toBe(
    'no route matches: set a route for the path, or ask for another',
  );
  expect(await said('https://apps.example/user/ann%40uni/', 'last used')).toContain('/user/ann@uni → ');
  await page.locator('#route-find-path').fill('');
  await page.locator('#route-find-path').press('Enter');
  await page.locator('#route-found:empty').waitFor({ state: 'attached' });
});
