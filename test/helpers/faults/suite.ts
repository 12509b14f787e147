/** The tests of broken sockets, for any number of connections. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { scratchFolder } from '../scratch-folder.ts';
import { cert, key } from '../test-certificate.ts';
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
      const report = await runFaults({ connections, clockMs, seed, tls: tls ? certificate() : null, upstreamTls });
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

function certificate() {
  const folder = scratchFolder();
  const files = { cert: join(folder, 'tls.crt'), key: join(folder, 'tls.key') };
  writeFileSync(files.cert, cert);
  writeFileSync(files.key, key);
  return files;
}
