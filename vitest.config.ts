import { join } from 'node:path';
import { defineConfig } from 'vitest/config';

/** The suites of `npm test`: no outside program, all traffic on loopback. The real backends have their own config. */
export default defineConfig({
  test: {
    // They only matter for what fails: a machine may be so busy that a test takes twenty times as long.
    testTimeout: 120_000,
    // The default of one second is little on a busy machine.
    expect: { poll: { timeout: 60_000 } },
    coverage: {
      provider: 'v8',
      include: ['src/{websocket,limits,routes,http/wire}/**/*.ts', 'src/drain/schedule.ts'],
      thresholds: { lines: 100, branches: 100 },
    },
    projects: [
      {
        extends: true,
        // Nothing of one file is left for the next one, so they may share a thread, which saves a third of their time.
        test: {
          name: 'pure',
          include: ['test/{unit,property}/**/*.test.ts'],
          isolate: false,
          setupFiles: ['test/helpers/tls-first.ts'],
        },
      },
      {
        extends: true,
        // They wait for clocks and peers more than they compute.
        test: {
          name: 'sockets',
          include: ['test/integration/**/*.test.ts'],
          maxWorkers: 4,
          // The image has one too. A program that is started takes two thirds of the time with it.
          env: { NODE_COMPILE_CACHE: join(import.meta.dirname, '.cache/node') },
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
});
