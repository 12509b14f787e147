import { defineConfig } from 'vitest/config';
import { kept } from './test/kept.ts';

/** They have a process of their own: they count its sockets, or wait for all that it writes by a clock they set. */
const measured = ['test/integration/hostile-handshake.test.ts', 'test/integration/hub/state-file-writes.test.ts'];

/** Files that start programs, and wait for clocks and peers more than they compute: three for each of two cores. */
const withPrograms = { maxWorkers: 6, sequence: { groupOrder: 1 }, globalSetup: ['test/bundle.ts'] };

/** The suites of `npm test`: no outside program, all traffic on loopback. The real backends have their own config. */
export default defineConfig({
  ...kept,
  test: {
    ...kept.test,
    globalSetup: ['test/temporary.ts'],
    // They only matter for what fails: a machine may be so busy that a test takes twenty times as long.
    testTimeout: 120_000,
    hookTimeout: 120_000,
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
          maxWorkers: 2,
          setupFiles: ['test/helpers/tls-first.ts'],
        },
      },
      {
        extends: true,
        // What files leave in a shared process is put back.
        test: {
          name: 'sockets',
          include: ['test/integration/**/*.test.ts'],
          exclude: measured,
          isolate: false,
          setupFiles: ['test/helpers/put-back.ts'],
          ...withPrograms,
        },
      },
      {
        extends: true,
        test: { name: 'measured', include: measured, ...withPrograms },
      },
    ],
  },
});
