import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

/** The suite of `npm run test:image`: run.sh builds the image before. */
export default defineConfig({
  root: fileURLToPath(new URL('../..', import.meta.url)),
  test: {
    include: ['test/image/**/*.test.ts'],
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
