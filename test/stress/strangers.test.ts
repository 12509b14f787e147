/** What a thousand handshakes a second without credentials do to those who are in. */
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { expect, onTestFinished, test } from 'vitest';
import { scratchDirectory } from '../real/harness/paths.ts';
import { Sluice } from '../real/harness/sluice.ts';
import { Echo } from './echo.ts';
import { processFirst } from './first.ts';

const perSecond = 1000;
const windows = 10;
const windowMs = 1500;
/** How many have to come in all: where threads may not come first, a busy machine keeps many of them waiting. */
const leastStrangers = (windows * windowMs * perSecond) / 1000 / 4;
const mostTimes = 3;

test(`beside ${perSecond} handshakes a second without credentials an echo takes at most ${mostTimes} times as long, p99`, async () => {
  const echo = new Echo();
  const strangers = new Worker(new URL('./strangers-thread.ts', import.meta.url));
  const file = join(scratchDirectory('strangers'), 'tokens');
  writeFileSync(file, `ci:sha256:${'0'.repeat(64)}\n`);
  const upstream = `http://127.0.0.1:${await echo.backendPort()}`;
  const sluice = await Sluice.start({
    log: { level: 'error' },
    routes: [
      { name: 'open', match: { path: '/echo' }, upstream },
      { name: 'closed', match: { path: '/closed' }, upstream, auth: [{ bearer: { file } }] },
    ],
  });
  onTestFinished(async () => {
    await Promise.all([strangers.terminate(), echo[Symbol.asyncDispose]()]);
    await sluice.stop();
  });
  processFirst(sluice.process.pid, 1);
  echo.connect({ port: sluice.port, tls: false, pid: null });
  /**
   * In turn with the other, so that what disturbs the machine disturbs both. The first moments of each are left out.
   */
  const look = async () => {
    await delay(windowMs / 3);
    await echo.p99();
    await delay(windowMs);
    return echo.p99();
  };
  const [rest, busy]: [number[], number[]] = [[], []];
  const seen = { refused: 0, otherwise: 0 };
  for (let i = 0; i <= windows || seen.refused < leastStrangers; i++) {
    const quiet = await look();
    strangers.postMessage({ port: sluice.port, perSecond });
    const beside = await look();
    strangers.postMessage(null);
    const counts = (await once(strangers, 'message'))[0] as typeof seen;
    // The first time compiles.
    if (i === 0) continue;
    rest.push(quiet);
    busy.push(beside);
    seen.refused += counts.refused;
    seen.otherwise += counts.otherwise;
  }
  // The windows in which the machine had least else to do.
  const typical = (all: number[]) => all.toSorted((a, b) => a - b)[Math.floor(all.length / 4)]!;
  const ms = (all: number[]) => all.map((one) => one.toFixed(2)).join(' ');
  console.log(
    `an echo takes ${typical(rest).toFixed(2)} ms at rest, ${typical(busy).toFixed(2)} ms beside ${seen.refused} refusals, p99 (rest: ${ms(rest)}; beside: ${ms(busy)})`,
  );
  expect(seen.otherwise).toBe(0);
  expect(typical(busy)).toBeLessThan(mostTimes * typical(rest));
});
