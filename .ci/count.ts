/**
 * Tells what failed in the suites and adds up their results: a line each, and one for all. A file that was run a second
 * time counts by that run, and what failed in its first is told as UNSTABLE. Exits with 1 unless everything passed.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { filesOf, resultOf, type SuiteResult } from './report.ts';

const [directory, ...suites] = process.argv.slice(2);
const results = suites.map((suite) => ({ suite, ...read(suite) }));
for (const { suite, unstable } of results) for (const failure of unstable) console.log(`UNSTABLE ${suite}: ${failure}`);
for (const { suite, failures } of results) for (const failure of failures) console.log(`FAILED ${suite}: ${failure}`);
for (const { suite, passed, failures } of results) console.log(`${suite}: ${passed} passed, ${failures.length} failed`);
const passed = results.reduce((sum, result) => sum + result.passed, 0);
const failed = results.reduce((sum, result) => sum + result.failures.length, 0);
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 && passed > 0 ? 0 : 1;

function read(suite: string): SuiteResult {
  const exit = Number(readFileSync(join(directory!, `${suite}.exit`), 'utf8'));
  return resultOf(exit, filesOf(join(directory!, `${suite}.json`)), filesOf(join(directory!, `${suite}.again.json`)));
}
