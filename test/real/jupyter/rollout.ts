/**
 * A rollout in the middle of a notebook's cell: one Sluice leaves, another takes over, and the page shows every line.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { expect } from 'vitest';
import type { LoadBalancer } from '../harness/load-balancer.ts';
import type { Sluice } from '../harness/sluice.ts';
import { output, outputLines, runCell } from './notebook-page.ts';

const enough = 'enough';

/** The cells of the notebook: the first prints until a file is there, so it is always in the middle of its work. */
export const rolloutCells = [
  `import os, time
i = 0
while not os.path.exists("${enough}"):
    print("line", i, flush=True)
    i += 1
    time.sleep(0.2)
print("last", i)`,
  'print(6 * 7)',
];

const channels = 'v1.kernel.websocket.jupyter.org';

/**
 * Runs the cells of an open notebook, which lies in `folder`, and lets `leaving` go meanwhile. The page comes through
 * `balancer`, which leads to `leaving` now.
 */
export async function rollOut(
  page: Page,
  folder: string,
  { leaving, staying, balancer }: { leaving: Sluice; staying: Sluice; balancer: LoadBalancer },
): Promise<void> {
  await runCell(page, 0);
  await output(page, 0).filter({ hasText: 'line 5' }).waitFor();
  balancer.target = staying.port;
  leaving.process.signal('SIGTERM');
  const end = await leaving.logged({ event: 'end', reason: 'drain', subprotocol: channels });
  expect(end).toMatchObject({ close_codes: { sent_to_client: 1012, sent_to_upstream: 1001 } });
  await staying.logged({ event: 'open', subprotocol: channels });
  writeFileSync(join(folder, enough), '');

  await output(page, 0).filter({ hasText: 'last' }).waitFor();
  const lines = await outputLines(page, 0);
  const printed = lines.length - 1;
  expect(printed).toBeGreaterThan(5);
  expect(lines).toEqual([...Array.from({ length: printed }, (_, i) => `line ${i}`), `last ${printed}`]);
  await page.getByText('Python 3 (ipykernel) | Idle').waitFor();
  await runCell(page, 1);
  await output(page, 1).filter({ hasText: '42' }).waitFor();
  expect(await leaving.process.exited()).toBe(0);
}
