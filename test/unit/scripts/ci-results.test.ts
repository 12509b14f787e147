/** How CI counts what its suites report. */
import { expect, test } from 'vitest';
import { resultOf, type TestFile } from '../../../.ci/report.ts';

function file(name: string, ...tests: readonly ('passed' | 'failed' | 'skipped')[]): TestFile {
  return {
    name: `${process.cwd()}/test/${name}`,
    status: tests.includes('failed') ? 'failed' : 'passed',
    message: '',
    assertionResults: tests.map((status, n) => ({
      fullName: `test ${n}`,
      status,
      failureMessages: status === 'failed' ? ['Error: no'] : [],
    })),
  };
}

test('every test that did not pass is a failure, a skipped one too', () => {
  expect(resultOf(1, [file('a', 'passed', 'failed'), file('b', 'skipped')])).toEqual({
    passed: 1,
    failures: ['test/a: test 1: Error: no', 'test/b: test 0: skipped'],
    unstable: [],
  });
});

test('a file that passes when it is run once more passed, and is told as unstable', () => {
  const first = [file('a', 'passed', 'failed'), file('b', 'passed')];
  expect(resultOf(0, first, [file('a', 'passed', 'passed')])).toEqual({
    passed: 3,
    failures: [],
    unstable: ['test/a: test 1: Error: no'],
  });
});

test('a file that fails twice is a failure, and so is one that was not run again', () => {
  const first = [file('a', 'failed'), file('b', 'failed')];
  expect(resultOf(1, first, [file('a', 'failed')])).toEqual({
    passed: 0,
    failures: ['test/a: test 0: Error: no', 'test/b: test 0: Error: no'],
    unstable: [],
  });
});

test('a second run counts for nothing that passed in the first', () => {
  expect(resultOf(0, [file('a', 'passed')], [file('a', 'failed')]).failures).toEqual([]);
});

test('a file that fails outside of its tests is a failure', () => {
  const broken = { ...file('a'), status: 'failed', message: 'SyntaxError: no' };
  expect(resultOf(1, [broken]).failures).toEqual(['test/a: SyntaxError: no']);
});

test('a suite that left no report, or failed with no test, is a failure', () => {
  expect(resultOf(134)).toEqual({ passed: 0, failures: ['it left no report; exit status 134'], unstable: [] });
  expect(resultOf(1, [file('a', 'passed')]).failures).toEqual(['exit status 1, and no test failed']);
});
