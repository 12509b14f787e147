import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';
import { kept } from '../kept.ts';

/** The suites of `npm run test:chart`: Helm and its checkers, and the real Sluice started from what Helm renders. */
export default defineConfig({
  ...kept,
  root: fileURLToPath(new URL('../..', import.meta.url)),
  test: {
    ...kept.test,
    globalSetup: ['test/real/harness/global-setup.ts'],
    setupFiles: ['test/real/harness/show-output-of-failures.ts'],
    include: ['test/chart/**/*.test.ts'],
    maxWorkers: 2,
    testTimeout: 60_000,
    hookTimeout: 60_000,
    // The default of one second is little on a busy machine.
    expect: { poll: { timeout: 60_000 } },
  },
});
