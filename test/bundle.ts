/**
 * One file of the whole program, made once a run for the tests that start it: its start takes half the CPU that 300
 * files to be found and stripped of their types take. As in src/, a part finds what lies beside it: pages, threads.
 *
 * One thing is left out: the collection of all garbage before the first connection. It is there for the memory of the
 * coming days, which the suites measure that start the source, and takes a quarter of the CPU of a start.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { rolldown } from 'rolldown';

const root = join(import.meta.dirname, '..');
const inSource = join(root, 'src/');
const collection = join(inSource, 'cli/compact-heap.ts');

/** Beside the program: what is loaded into others that are compared with it, and what starts them on free ports. */
const beside = ['test/helpers/any-port.ts', 'node_modules/configurable-http-proxy/lib/configproxy.js'];

const load = `
  import { readdir } from 'node:fs/promises';
  const [, folder, ...others] = process.argv;
  for (const path of others) await import(path);
  for (const name of await readdir(folder)) if (/^(?!main).*mjs$/.test(name)) await import(folder + '/' + name);`;

/** Has the processes of the run start from it, with the code that V8 has made of it. */
export default async function setup(): Promise<(() => void) | undefined> {
  // Given, or made for another project of this run.
  if (process.env.SLUICE_PROGRAM !== undefined) return undefined;
  const folder = mkdtempSync(join(tmpdir(), 'sluice-program-'));
  const changed = (code: string, id: string) => {
    if (id === collection) return 'export function compactHeap() {}';
    return id.startsWith(inSource) ? code.replaceAll('import.meta.url', JSON.stringify(pathToFileURL(id).href)) : null;
  };
  await using bundle = await rolldown({
    input: join(root, 'src/main.ts'),
    platform: 'node',
    logLevel: 'warn',
    plugins: [{ name: 'changed', transform: changed }],
  });
  await bundle.write({ dir: folder, entryFileNames: '[name].mjs', chunkFileNames: '[name].mjs' });
  process.env.SLUICE_PROGRAM = join(folder, 'main.mjs');
  const compiled = join(folder, 'compiled');
  process.env.SLUICE_COMPILED = compiled;
  // Processes that are killed leave no code for the next ones. This one only loads what there is.
  spawnSync(
    process.execPath,
    ['--input-type=module', '--eval', load, folder, ...beside.map((path) => join(root, path))],
    {
      stdio: ['ignore', 'ignore', 'inherit'],
      env: { ...process.env, NODE_COMPILE_CACHE: compiled },
    },
  );
  return () => rmSync(folder, { recursive: true, force: true });
}
