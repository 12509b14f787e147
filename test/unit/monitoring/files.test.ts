import { join } from 'node:path';
import { expect, test } from 'vitest';
import { files } from '../../../monitoring/files.ts';

test.each(Object.entries(files))('%s is what monitoring/ says', async (path, text) => {
  await expect(text()).toMatchFileSnapshot(join('../../..', path));
});
