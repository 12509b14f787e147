import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';
import { kept } from '../kept.ts';

/** The suites of `npm run test:real`: real servers and a real browser, all of it on loopback. */
export default defineConfig({
  ...kept,
  root: fileURLToPath(new URL('../..', import.meta.url)),
  test: {
    ...kept.test,
    globalSetup: ['test/real/harness/global-setup.ts'],
    setupFiles: ['test/real/harness/show-output-of-failures.ts'],
    include: ['test/real/**/*.test.ts'],
    // Server starts take seconds and a file's tests share one server, so files run beside each other, tests do not. One
    // of three waits for a slow network, a sleeper or a clock.
    maxWorkers: 3,
    // Tests that run beside each other mostly wait.
    maxConcurrency: 16,
    // Patience is for machines that are busy with other things; it costs nothing where all is well.
    testTimeout: 180_000,
    hookTimeout: 180_000,
    expect: { poll: { timeout: 90_000 } },
  },
});
