/** What vitest writes of a suite with `--reporter=json`, as far as it is read here. */
import { existsSync, readFileSync } from 'node:fs';
import { relative } from 'node:path';

export interface TestFile {
  /** Its absolute path. */
  readonly name: string;
  readonly status: string;
  readonly message: string;
  readonly assertionResults: readonly {
    readonly fullName: string;
    readonly status: string;
    readonly failureMessages: readonly string[];
  }[];
}

/** The files of a report, or undefined where the suite died before it wrote one. */
export function filesOf(report: string): readonly TestFile[] | undefined {
  if (!existsSync(report)) return undefined;
  return (JSON.parse(readFileSync(report, 'utf8')) as { readonly testResults: readonly TestFile[] }).testResults;
}

export interface SuiteResult {
  readonly passed: number;
  readonly failures: readonly string[];
  /** What failed in the first run of a file, and passed in the second. */
  readonly unstable: readonly string[];
}

/**
 * What a suite came to. A file that was run a second time counts by that run. A suite that left no report, or that failed
 * otherwise than by a test, counts as one failure.
 * @param exit of its last run
 */
export function resultOf(exit: number, first?: readonly TestFile[], second: readonly TestFile[] = []): SuiteResult {
  if (first === undefined) return { passed: 0, failures: [`it left no report; exit status ${exit}`], unstable: [] };
  const again = new Map(second.map((file) => [file.name, file]));
  const files = first.map((file) => (failuresOf(file).length > 0 ? (again.get(file.name) ?? file) : file));
  const failures = files.flatMap(failuresOf);
  if (failures.length === 0 && exit !== 0) failures.push(`exit status ${exit}, and no test failed`);
  const passed = files.reduce((sum, file) => sum + passesOf(file), 0);
  const unstable = first.filter((_, n) => failuresOf(files[n]!).length === 0).flatMap(failuresOf);
  return { passed, failures, unstable };
}

function passesOf({ assertionResults }: TestFile): number {
  return assertionResults.filter(({ status }) => status === 'passed').length;
}

/** What did not pass in a file: each test that failed or was skipped, and the file itself where it failed outside of them. */
export function failuresOf({ name, status, message, assertionResults }: TestFile): string[] {
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
