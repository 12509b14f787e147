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
  for (const file of [...commands, ...threads]) {
    // A thread that is none fails behind having been loaded.
    const script = `
      await import(${JSON.stringify(join(root, file))}).catch(() => {});
      console.log(process.moduleLoadList.join('\\n'));`;
    const loaded = execFileSync(process.execPath, ['--input-type=module', '--eval', script], {
      encoding: 'utf8',
      env: { ...process.env, NODE_COMPILE_CACHE: cache },
    });
    expect(loaded).toContain('NativeModule');
    expect(loaded, file).not.toContain('amaro');
  }
});
