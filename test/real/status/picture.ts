/**
 * Takes the README's picture of the status page, after five minutes of traffic like that of a working day:
 * `node test/real/status/picture.ts docs/assets/status.png`.
 */
import { mkdirSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';

const file = process.argv[2];
if (file === undefined) throw new Error('name the file to write');

// As the suites' set-up does; the harness reads it when it is loaded.
process.env.SLUICE_REAL_SCRATCH = mkdtempSync(join(tmpdir(), 'sluice-'));
mkdirSync(join(process.env.SLUICE_REAL_SCRATCH, 'running'));
const { Browser } = await import('../harness/browser.ts');
const { Scene } = await import('./scene.ts');

const minutes = 5;
const address = (i: number) => `10.4.${i % 3}.${17 + i}`;

await using scene = await Scene.start({ listen: { trusted_proxies: ['127.0.0.1'] } });
for (let i = 0; i < 34; i++) {
  const client = await scene.connect(`/panel/sales/ws`, address(i));
  // Clicks, and now and then a table.
  scene.chat(client, 150 + 90 * i, () => Math.floor(40 + Math.random() ** 9 * 62_000));
}
for (let i = 0; i < 17; i++) {
  const client = await scene.connect(`/jupyter/user/anna/api/kernels/${7000 + i}/channels`, address(i + 40));
  scene.chat(client, 700 + 60 * i, () => Math.floor(200 * 4 ** (Math.random() ** 3 * 6)));
}
const started = performance.now();
for (let second = 0; performance.now() - started < minutes * 60_000; second++) {
  await pause(1000);
  // People come and go in waves.
  if (Math.sin(second / 35) > 0.2) {
    const visitor = await scene.connect('/panel/sales/ws', address(second % 29));
    for (let i = 0; i < 25; i++) visitor.send(Buffer.alloc(30 + 40 * i));
    visitor.once('message', () => setTimeout(() => visitor.close(), 400));
  }
  if (second % 83 === 60)
    (await scene.connect('/panel/sales/ws', '10.4.2.81')).send(Buffer.alloc(66_500 + 91 * second));
  if (second === 100) scene.chat(await scene.connect('/uploads/ws', '10.4.1.30'), 150, () => 180_000);
  if (second === 225) (await scene.connect('/uploads/ws', '10.4.0.23')).send(Buffer.alloc(3_145_728));
}
await scene.stall('/jupyter/user/ben/api/kernels/7100/channels', '10.4.0.99');

await using browser = await Browser.launch('status-picture');
const page = await browser.page();
await page.setViewportSize({ width: 1280, height: 1650 });
await page.goto(scene.sluice.adminUrl);
await page.selectOption('#route-pick', 'panel');
await pause(3500);
await page.screenshot({ path: file });
