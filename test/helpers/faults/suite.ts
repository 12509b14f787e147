/** The tests of broken sockets, for any number of connections. */
import { expect, test } from 'vitest';
import { certificateFiles } from '../certificate-files.ts';
import { runFaults } from './harness.ts';

/** Runs so many connections over each pair of transports, with such clocks. `SLUICE_SEED` repeats a run. */
export function testFaults(connections: number, clockMs: number): void {
  const seed = Number(process.env.SLUICE_SEED ?? Math.floor(Math.random() * 1e9));
  test.each([
    ['TCP', false, false],
    ['TLS with clients', true, false],
    ['TLS with upstreams', false, true],
    ['TLS with both', true, true],
  ])(
    `over %s: ${connections} connections of which one side breaks are each counted once, and nothing is left (seed ${seed})`,
    {
      timeout: 90_000 + 60 * connections,
    },
    async (_name, tls, upstreamTls) => {
      const report = await runFaults({ connections, clockMs, seed, tls: tls ? certificateFiles() : null, upstreamTls });
      console.log(`${report.requests} requests; handshakes: ${JSON.stringify(report.handshakes)}`);
      expect(report.wrong).toEqual([]);
      expect(report.left).toEqual({});
      // The programs are sound: where nothing breaks each ends as it is meant to.
      expect(report.unbroken).toEqual({ opened: 3, upstream_refused: 1, upstream_bad_handshake: 1 });
      // Whatever broke: enough went well to call it a test. One in eight opens; of a hundred it may be few.
      expect(report.requests).toBeGreaterThan(connections / 3);
      expect(report.handshakes.opened! - report.unbroken.opened!).toBeGreaterThan(connections / 20 - 5);
    },
  );
}
