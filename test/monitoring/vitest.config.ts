import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';
import { kept } from '../kept.ts';

/** The suite of `npm run test:monitoring`: a real Prometheus, all of it on loopback. */
export default defineConfig({
  ...kept,
  root: fileURLToPath(new URL('../..', import.meta.url)),
  test: {
    ...kept.test,
    globalSetup: ['test/real/harness/global-setup.ts'],
    setupFiles: ['test/real/harness/show-output-of-failures.ts'],
    include: ['test/monitoring/**/*.test.ts'],
    maxWorkers: 2,
    testTimeout: 60_000,
    hookTimeout: 120_000,
  },
});
