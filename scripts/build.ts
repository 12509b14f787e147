/** Compiles Sluice for npm into dist/: Node does not strip types under node_modules. */
import { execFileSync } from 'node:child_process';
import { chmodSync, cpSync, rmSync } from 'node:fs';

rmSync('dist', { recursive: true, force: true });
// What it prints must not mix with the JSON that `npm pack --json` prints.
execFileSync('node_modules/.bin/tsc', ['-p', 'tsconfig.build.json'], { stdio: ['ignore', 2, 2] });
// Pages are served as they are.
for (const page of ['page', 'demo/page', 'admin/page']) {
  cpSync(`src/${page}`, `dist/${page}`, { recursive: true, filter: (path) => !path.endsWith('.ts') });
}
chmodSync('dist/main.js', 0o755);
