/** What a thousand handshakes a second without credentials do to those who are in. */
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { expect, onTestFinished, test } from 'vitest';
import { scratchDirectory } from '../real/harness/paths.ts';
import { Sluice } from '../real/harness/sluice.ts';

const perSecond = 1000;
const windows = 10;
const windowMs = 1500;
/** How much longer an echo may take, p99. */
const mostTimes = 3;
/** Less than that is what the machine itself holds a thread up for, beside another suite. */
const unseenMs = 25;

function startThread(name: string): Worker {
  const worker = new Worker(new URL(`./${name}.ts`, import.meta.url));
  onTestFinished(() => void worker.terminate());
  return worker;
}

test(`an echo beside ${perSecond} handshakes a second without credentials takes at most ${mostTimes} times as long as at rest, p99`, async () => {
  const [echo, strangers] = [startThread('echo-thread'), startThread('strangers-thread')];
  const backend = (await once(echo, 'message'))[0] as number;
  const file = join(scratchDirectory('strangers'), 'tokens');
  writeFileSync(file, `ci:sha256:${'0'.repeat(64)}\n`);
  const upstream = `http://127.0.0.1:${backend}`;
  const sluice = await Sluice.start({
    log: { level: 'error' },
    routes: [
      { name: 'open', upstream },
      { name: 'closed', match: { path: '/closed' }, upstream, auth: [{ bearer: { file } }] },
    ],
  });
  onTestFinished(async () => {
    await echo.terminate();
    await sluice.stop();
  });
  echo.postMessage(sluice.port);
  const p99 = async () => {
    echo.postMessage('p99');
    return (await once(echo, 'message'))[0] as number;
  };
  /** In turn with the other, so that what disturbs the machine disturbs both. The first moments of each are left out. */
  const look = async () => {
    await delay(windowMs / 3);
    await p99();
    await delay(windowMs);
    return p99();
  };
  const [rest, busy]: [number[], number[]] = [[], []];
  const seen = { refused: 0, otherwise: 0 };
  for (let i = 0; i <= windows; i++) {
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
  const typical = (all: number[]) => all.toSorted((a, b) => a - b)[Math.floor(windows / 4)]!;
  const rate = seen.refused / ((windows * windowMs * 4) / 3 / 1000);
  const ms = (all: number[]) => all.map((one) => one.toFixed(1)).join(' ');
  console.log(
    `echo p99: ${typical(rest).toFixed(2)} ms at rest, ${typical(busy).toFixed(2)} ms beside ${rate.toFixed(0)} refusals a second (rest: ${ms(rest)}; beside: ${ms(busy)})`,
  );
  expect(seen.otherwise).toBe(0);
  expect(rate).toBeGreaterThan(perSecond / 4);
  expect(typical(busy)).toBeLessThan(Math.max(mostTimes * typical(rest), unseenMs));
});
