import { defineConfig } from 'vitest/config';

/** The suites of `npm test`: no outside program, all traffic on loopback. The real backends have their own config. */
export default defineConfig({
  test: {
    include: ['test/{unit,property,integration}/**/*.test.ts'],
    testTimeout: 30_000,
    // The default of one second is little on a busy machine.
    expect: { poll: { timeout: 15_000 } },
    coverage: {
      provider: 'v8',
      include: ['src/{websocket,limits,routes,http/wire}/**/*.ts', 'src/drain/schedule.ts'],
      thresholds: { lines: 100, branches: 100 },
    },
  },
});
