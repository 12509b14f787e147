/** What suites keep from one run to the next, below .cache/: `npm ci` empties node_modules. */
import { join } from 'node:path';

const cache = join(import.meta.dirname, '../.cache');

/** A part of a suite's configuration. */
export const kept = {
  /** How long each file took: the longest begins first, so that none is left over at the end. */
  cacheDir: join(cache, 'vite'),
  test: { fsModuleCachePath: join(cache, 'vitest') },
};
