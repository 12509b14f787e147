import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';
import { kept } from '../kept.ts';

/** The suites of `npm run test:stress`: Sluice as a process of its own under load, its memory and sockets measured. */
export default defineConfig({
  ...kept,
  root: fileURLToPath(new URL('../..', import.meta.url)),
  test: {
    ...kept.test,
    globalSetup: ['test/real/harness/global-setup.ts'],
    include: ['test/stress/**/*.test.ts'],
    maxWorkers: 2,
    testTimeout: 240_000,
  },
});
