/**
 * Tells what failed in the suites and adds up their results: a line each, and one for all. Exits with 1 unless
 * everything passed.
 */
import { exitOf, type Result, suiteOf } from './reports.ts';

const [directory, ...suites] = process.argv.slice(2) as [string, ...string[]];
const results = suites.map((suite) => ({ suite, ...read(suite) }));
for (const { suite, unsteady } of results) for (const failure of unsteady) console.log(`UNSTEADY ${suite}: ${failure}`);
for (const { suite, failures } of results) for (const failure of failures) console.log(`FAILED ${suite}: ${failure}`);
for (const { suite, passed, failures } of results) console.log(`${suite}: ${passed} passed, ${failures.length} failed`);
const passed = results.reduce((sum, result) => sum + result.passed, 0);
const failed = results.reduce((sum, result) => sum + result.failures.length, 0);
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 && passed > 0 ? 0 : 1;

/**
 * A suite that left no report, or failed otherwise than by a test, counts as one failure. A file that ran twice counts
 * as in the second run.
 */
function read(suite: string): Result & { unsteady: string[] } {
  const exit = exitOf(directory, suite);
  const report = suiteOf(directory, suite);
  if (!report) return { passed: 0, failures: [`it left no report; exit status ${exit}`], unsteady: [] };
  const again = suiteOf(directory, `${suite}.again`)?.files;
  const whole: Result & { unsteady: string[] } = { passed: report.passed, failures: [], unsteady: [] };
  for (const [file, first] of report.files) {
    const last = (first.failures.length > 0 && again?.get(file)) || first;
    whole.passed += last.passed - first.passed;
    whole.failures.push(...last.failures);
    if (last.failures.length === 0) whole.unsteady.push(...first.failures);
  }
  if (exit !== 0 && whole.failures.length + whole.unsteady.length === 0) {
    whole.failures.push(`exit status ${exit}, and no test failed`);
  }
  if (exitOf(directory, `${suite}.again`) && whole.failures.length === 0) {
    whole.failures.push('its second run failed, and none of its tests did');
  }
  return whole;
}
