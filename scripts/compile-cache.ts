/**
 * Fills a directory with Node's compile cache of the whole program (`compile-cache.ts DIRECTORY`), for an image whose
 * process may write nothing. Measured: with the cache a start takes 0.2 s instead of 0.6 s, and the process is 23 MB
 * smaller, because Node never loads what strips types. Node passes the cache by where its own version, the user or the
 * CPU's features are others.
 */
import { chmodSync, mkdirSync, readdirSync } from 'node:fs';
import { enableCompileCache, flushCompileCache } from 'node:module';
import { join } from 'node:path';

const directory = process.argv[2]!;
mkdirSync(directory, { recursive: true });
/** As images call the architecture on which this runs. */
const here = process.arch === 'x64' ? 'amd64' : process.arch;
const { TARGETARCH: target = here } = process.env;
if (target !== here) {
  console.log(`no compile cache: made on ${here}, it would mean nothing on ${target}`);
  process.exit(0);
}

enableCompileCache(directory);

// The last command ends the process.
process.once('exit', () => {
  flushCompileCache();
  // Node writes for its own user only.
  chmodSync(directory, 0o755);
  for (const entry of readdirSync(directory, { recursive: true, withFileTypes: true })) {
    chmodSync(join(entry.parentPath, entry.name), entry.isDirectory() ? 0o755 : 0o644);
  }
});

await import('../src/cli/serve.ts');
process.argv.splice(2, Number.POSITIVE_INFINITY, 'check', 'config/sluice.yaml');
await import('../src/main.ts');
