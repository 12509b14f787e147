import { execFileSync } from 'node:child_process';
import { globSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { scratchFolder } from '../../helpers/scratch-folder.ts';

const root = join(import.meta.dirname, '../../..');

test('commands and threads find their types stripped in the compile cache of the image', () => {
  const cache = join(scratchFolder(), 'cache');
  execFileSync(process.execPath, [join(root, 'scripts/compile-cache.ts'), cache], { cwd: root });
  const commands = ['serve', 'check', 'hub-proxy', 'demo'].map((name) => `src/cli/${name}.ts`);
  const threads = globSync('src/**/*-thread.ts', { cwd: root });
  expect(threads.length).toBeGreaterThan(0);
  const files = [...commands, ...threads].map((file) => join(root, file));
  // In one process: what strips types is loaded once, with the first file that is not found. A thread that is none
  // fails behind having been loaded.
  const script = `
    const [, ...files] = process.argv;
    const has = (name) => process.moduleLoadList.some((loaded) => loaded.includes(name));
    if (!has('NativeModule')) throw new Error('what is loaded has other names');
    for (const file of files) {
      await import(file).catch(() => {});
      if (has('amaro')) throw new Error(file + ' is stripped');
    }
    process.exit();`;
  execFileSync(process.execPath, ['--input-type=module', '--eval', script, ...files], {
    env: { ...process.env, NODE_COMPILE_CACHE: cache },
  });
});
