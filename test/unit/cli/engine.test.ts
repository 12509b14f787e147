import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { engineFlags } from '../../../src/cli/engine.ts';

describe('the flags for V8', () => {
  it('are known to this Node, which says nothing of those that are not', () => {
    const { stdout } = spawnSync(process.execPath, ['--v8-options'], { encoding: 'utf8' });
    const known = engineFlags.filter((flag) => {
      const [name = ''] = flag.replace('--no-', '--').split('=');
      return stdout.split('\n').some((line) => line.trimStart().startsWith(`${name} `));
    });
    expect(known).toEqual(engineFlags);
  });
});
