/** What becomes of a configuration that cannot be loaded anew, or is not there when it is looked at. */
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { watchConfig } from '../../src/cli/watch-config.ts';
import { loadFiles, readFiles } from '../../src/config/live/read.ts';
import { createGateway } from '../../src/gateway.ts';
import { LogLines } from '../helpers/log-lines.ts';
import { scratchFolder } from '../helpers/scratch-folder.ts';

const text = (name: string) => `routes: [{name: ${name}, upstream: "http://127.0.0.1:1"}]\n`;

async function setUp() {
  const file = join(scratchFolder(), 'sluice.yaml');
  writeFileSync(file, text('a'));
  const contents = await readFiles([file]);
  const loaded = loadFiles(contents);
  if ('errors' in loaded) throw new Error('it is valid');
  const { log, next } = ofLines(new LogLines());
  return { file, contents, log, next, gateway: createGateway(loaded.config, { log, resolved: loaded.resolved }) };
}

function ofLines(lines: LogLines) {
  return { log: lines.log, next: (event: string) => lines.next((line) => line.event === event) };
}

test('a configuration that our own fault keeps from being loaded is not in force, and whoever looks sees that', async () => {
  const { file, contents, log, next, gateway } = await setUp();
  await watchConfig(gateway, contents, log, () => Promise.reject(new Error('no thread is to be had')));
  writeFileSync(file, text('b'));
  expect(await next('config_reload_bug')).toMatchObject({ err: { message: 'no thread is to be had' } });
  expect(await next('config_rejected')).toMatchObject({
    errors: [
      `${file} could not be loaded for a reason of our own: see config_reload_bug in the log; SIGHUP tries it again`,
    ],
  });
  expect(gateway.configState()).toMatchObject({ config: { routes: [{ name: 'a' }] }, lastError: { errors: [{}] } });
  const metrics = Buffer.concat(await gateway.renderMetrics('text')).toString();
  expect(metrics).toContain('sluice_config_last_reload_successful 0\n');
  expect(metrics).toContain('sluice_config_reloads_total{result="failure"} 1\n');
});

test('a file that is gone when the watching begins is told of, and ends nothing', async () => {
  const { file, contents, log, next, gateway } = await setUp();
  rmSync(file);
  await watchConfig(gateway, contents, log, async (read) => loadFiles(read));
  expect(await next('config_rejected')).toMatchObject({ errors: [expect.stringContaining('does not exist')] });
  expect(gateway.configState().config.routes[0]!.name).toBe('a');
});
