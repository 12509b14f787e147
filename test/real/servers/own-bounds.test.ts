/**
 * The presets against the numbers in the backends that are installed: a release that changes one is found here, and not
 * by a user who is lost. How they are kept to, with real clients that sleep, is in the tests beside this one.
 */
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { type PresetName, presets } from '../../../src/config/model/presets.ts';
import { venvProgram } from '../harness/paths.ts';

/**
 * What a server pings with, in seconds (`null`: it does not, or waits for no pong), and the largest message it takes.
 */
interface Own {
  readonly interval: number | null;
  readonly timeout: number | null;
  readonly bytes: number;
}

test('each preset bears and takes what the installed backend does', async () => {
  const program = fileURLToPath(new URL('own_bounds.py', import.meta.url));
  const { stdout } = await promisify(execFile)(venvProgram('modern', 'python'), [program]);
  const own = JSON.parse(stdout) as Readonly<Record<string, Own>>;
  const kinds: Readonly<Record<string, readonly PresetName[]>> = {
    uvicorn: ['uvicorn', 'fastapi', 'panel-fastapi'],
    websockets: ['websockets'],
    aiohttp: ['aiohttp'],
    tornado: ['tornado'],
    jupyter: ['jupyter'],
    bokeh: ['bokeh', 'panel'],
  };
  expect(Object.keys(own)).toEqual(Object.keys(kinds));
  for (const [kind, names] of Object.entries(kinds)) {
    const { interval, timeout, bytes } = own[kind]!;
    const quietMs = interval === null || timeout === null ? null : (interval + timeout) * 1000;
    for (const name of names) {
      const { bears, limit } = presets[name];
      expect({ name, quietMs: bears.quietMs, bytes: limit.maxMessageBytes }).toEqual({ name, quietMs, bytes });
    }
  }
});
