import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';
import { kept } from '../kept.ts';

/** The suites of `npm run test:apps`: the presets with the real apps, all of it on loopback. */
export default defineConfig({
  ...kept,
  root: fileURLToPath(new URL('../..', import.meta.url)),
  test: {
    ...kept.test,
    globalSetup: ['test/real/harness/global-setup.ts'],
    setupFiles: ['test/real/harness/show-output-of-failures.ts'],
    include: ['test/apps/**/*.test.ts'],
    // Most of a test is silence.
    maxWorkers: 3,
    // Patience is for machines that are busy with other things; it costs nothing where all is well.
    testTimeout: 240_000,
    hookTimeout: 240_000,
    expect: { poll: { timeout: 90_000 } },
  },
});
