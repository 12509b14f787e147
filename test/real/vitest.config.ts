import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

/** The suites of `npm run test:real`: real servers and a real browser, all of it on loopback. */
export default defineConfig({
  root: fileURLToPath(new URL('../..', import.meta.url)),
  test: {
    globalSetup: ['test/real/harness/global-setup.ts'],
    setupFiles: ['test/real/harness/show-output-of-failures.ts'],
    include: ['test/real/**/*.test.ts'],
    // Server starts take seconds and a file's tests share one server, so files run beside each other, tests do not.
    maxWorkers: 2,
    // Tests that run beside each other mostly wait.
    maxConcurrency: 16,
    testTimeout: 90_000,
    hookTimeout: 90_000,
    // A page that draws in software takes more than the one second of vitest.
    expect: { poll: { timeout: 15_000 } },
  },
});
