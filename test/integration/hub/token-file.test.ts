/** The token of the API in a file: missing, wrong, and replaced while Sluice runs. */
import { renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { type HubGateway, hubGateway } from '../../helpers/hub.ts';
import { scratchFolder } from '../../helpers/scratch-folder.ts';

const [old, young] = ['an-old-token-of-the-hub', 'a-young-token-of-the-hub'];

const statusWith = async (hub: HubGateway, token: string) =>
  (await hub.api('', { headers: { authorization: `token ${token}` } })).status;

test('only its token lets in, not that of the environment', async () => {
  const file = join(scratchFolder(), 'token');
  writeFileSync(file, `${old}\n`);
  const hub = await hubGateway({ api: `token_file: ${file}`, apiToken: young });
  expect(await statusWith(hub, old)).toBe(200);
  for (const wrong of [young, `${old}x`, old.slice(1), '']) expect(await statusWith(hub, wrong), wrong).toBe(403);
});

test('one that is replaced holds soon, and the one before no more', async () => {
  const folder = scratchFolder();
  const file = join(folder, 'token');
  writeFileSync(file, old);
  const hub = await hubGateway({ api: `token_file: ${file}` });
  expect(await statusWith(hub, old)).toBe(200);
  writeFileSync(join(folder, 'next'), young);
  renameSync(join(folder, 'next'), file);
  await expect.poll(() => statusWith(hub, young)).toBe(200);
  expect(await statusWith(hub, old)).toBe(403);
});

test.each([
  ['is taken away', (file: string) => rmSync(file), 'does not exist'],
  ['is emptied', (file: string) => writeFileSync(file, '\n'), 'is empty'],
  ['holds a short one', (file: string) => writeFileSync(file, 'short'), '5 characters'],
])('nobody comes in while a file %s, and the log says why', async (_what, spoil, why) => {
  const file = join(scratchFolder(), 'token');
  writeFileSync(file, old);
  const hub = await hubGateway({ api: `token_file: ${file}` });
  expect(await statusWith(hub, old)).toBe(200);
  spoil(file);
  await expect.poll(() => statusWith(hub, old)).toBe(403);
  expect(await statusWith(hub, '')).toBe(403);
  expect(hub.log.find(({ event }) => event === 'routes_api_refused')).toMatchObject({
    reason: expect.stringContaining(`routes_api.token_file ${file} `),
  });
  expect(hub.log.find(({ event }) => event === 'routes_api_refused')!.reason).toContain(why);
  writeFileSync(file, young);
  await expect.poll(() => statusWith(hub, young)).toBe(200);
});

test('Sluice does not start without a file that it can use', async () => {
  const file = join(scratchFolder(), 'none');
  await expect(hubGateway({ api: `token_file: ${file}` })).rejects.toThrow(`${file} does not exist`);
  writeFileSync(file, '');
  await expect(hubGateway({ api: `token_file: ${file}` })).rejects.toThrow(`${file} is empty`);
});
