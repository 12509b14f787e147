import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

/** The suite of `npm run test:conformance`: Autobahn's cases through Sluice, all of it on loopback. */
export default defineConfig({
  root: fileURLToPath(new URL('../..', import.meta.url)),
  test: {
    globalSetup: ['test/real/harness/global-setup.ts'],
    include: ['test/conformance/**/*.test.ts'],
    testTimeout: 400_000,
    hookTimeout: 60_000,
  },
});
