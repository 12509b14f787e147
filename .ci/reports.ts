/** What a suite of vitest told of its files. */
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

/** Each failure is a text that begins with the file's path. */
export interface Result {
  passed: number;
  failures: string[];
}

/**
 * A suite's tests, some of which may have run many times, and its files by their paths from the project's directory.
 */
export interface Suite {
  passed: number;
  files: Map<string, Result>;
}

/** What a suite reported, or nothing if it left no report. */
export function suiteOf(directory: string, name: string): Suite | undefined {
  const path = join(directory, `${name}.json`);
  if (!existsSync(path)) return undefined;
  const { numPassedTests, testResults } = JSON.parse(readFileSync(path, 'utf8')) as Report;
  const files = new Map(testResults.map((file) => [relative(process.cwd(), file.name), resultOf(file)]));
  return { passed: numPassedTests, files };
}

/** The exit status of a suite, if it ran. */
export function exitOf(directory: string, name: string): number | undefined {
  const path = join(directory, `${name}.exit`);
  return existsSync(path) ? Number(readFileSync(path, 'utf8')) : undefined;
}

/**
 * What did not pass in a file: each test that failed or was skipped, and the file itself where it failed outside of
 * them.
 */
function resultOf({ name, status, message, assertionResults }: TestFile): Result {
  const file = relative(process.cwd(), name);
  const failures = assertionResults
    .filter((test) => test.status !== 'passed')
    .map((test) => `${file}: ${test.fullName}: ${brief(test.failureMessages.join('\n')) || test.status}`);
  const byTests = assertionResults.some((test) => test.status === 'failed');
  if (status === 'failed' && !byTests) failures.unshift(`${file}: ${brief(message)}`);
  return { passed: assertionResults.filter((test) => test.status === 'passed').length, failures };
}

/** A failure's message and where in the project it came from; the suite's own output has the rest. */
function brief(message: string): string {
  const lines = message.split('\n').filter((line) => !/^ +at .*(node_modules|node:internal|new Promise)/.test(line));
  return lines.join('\n').slice(0, 1500);
}
