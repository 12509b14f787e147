/** Tells what failed in the suites and adds up their results: a line each, and one for all. Exits with 1 unless everything passed. */
import { existsSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';

interface Report {
  readonly numPassedTests: number;
  readonly testResults: readonly TestFile[];
}

interface TestFile {
  readonly name: string;
  readonly status: string;
  readonly message: string;
  readonly assertionResults: readonly {
    readonly fullName: string;
    readonly status: string;
    readonly failureMessages: readonly string[];
  }[];
}

const [directory, ...suites] = process.argv.slice(2);
const results = suites.map((suite) => ({ suite, ...read(suite) }));
for (const { suite, failures } of results) for (const failure of failures) console.log(`FAILED ${suite}: ${failure}`);
for (const { suite, passed, failures } of results) console.log(`${suite}: ${passed} passed, ${failures.length} failed`);
const passed = results.reduce((sum, result) => sum + result.passed, 0);
const failed = results.reduce((sum, result) => sum + result.failures.length, 0);
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 && passed > 0 ? 0 : 1;

/** A suite that left no report, or failed otherwise than by a test, counts as one failure. */
function read(suite: string): { passed: number; failures: string[] } {
  const path = join(directory, `${suite}.json`);
  const exit = Number(readFileSync(join(directory, `${suite}.exit`), 'utf8'));
  if (!existsSync(path)) return { passed: 0, failures: [`it left no report; exit status ${exit}`] };
  const report = JSON.parse(readFileSync(path, 'utf8')) as Report;
  const failures = report.testResults.flatMap(failuresOf);
  if (failures.length === 0 && exit !== 0) failures.push(`exit status ${exit}, and no test failed`);
  return { passed: report.numPassedTests, failures };
}

/** What did not pass in a file: each test that failed or was skipped, and the file itself where it failed outside of them. */
function failuresOf({ name, status, message, assertionResults }: TestFile): string[] {
  const file = relative(process.cwd(), name);
  const tests = assertionResults
    .filter((test) => test.status !== 'passed')
    .map((test) => `${file}: ${test.fullName}: ${brief(test.failureMessages.join('\n')) || test.status}`);
  const byTests = assertionResults.some((test) => test.status === 'failed');
  return status === 'failed' && !byTests ? [`${file}: ${brief(message)}`, ...tests] : tests;
}

/** A failure's message and where in the project it came from; the suite's own output has the rest. */
function brief(message: string): string {
  const lines = message.split('\n').filter((line) => !/^ +at .*(node_modules|node:internal|new Promise)/.test(line));
  return lines.join('\n').slice(0, 1500);
}
