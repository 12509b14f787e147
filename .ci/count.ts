/** Adds up the results of the suites: a line each, and one for all. Exits with 1 unless everything passed. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

interface Report {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly numPendingTests: number;
  readonly numFailedTestSuites: number;
}

const [directory, ...suites] = process.argv.slice(2);
let passed = 0;
let failed = 0;
for (const suite of suites) {
  const counts = count(suite);
  console.log(`${suite}: ${counts.passed} passed, ${counts.failed} failed`);
  passed += counts.passed;
  failed += counts.failed;
}
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 && passed > 0 ? 0 : 1;

/** A suite that left no report, or failed otherwise than by a test, counts as one failure; so does each skipped test. */
function count(suite: string): { passed: number; failed: number } {
  const path = join(directory, `${suite}.json`);
  const exit = Number(readFileSync(join(directory, `${suite}.exit`), 'utf8'));
  if (!existsSync(path)) return { passed: 0, failed: 1 };
  const report = JSON.parse(readFileSync(path, 'utf8')) as Report;
  const failures = report.numFailedTests + report.numPendingTests;
  return { passed: report.numPassedTests, failed: failures === 0 && exit !== 0 ? 1 : failures };
}
