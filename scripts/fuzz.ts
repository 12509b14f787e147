/**
 * `npm run fuzz [-- SECONDS [REPORT]]`: generated heads, bodies, frames, paths, tokens and exchanges, new ones in each
 * round, for a minute or as long as asked. Both parsers are held against llhttp, both lanes against each other. What is
 * found is told with all that repeats it, and belongs into the `kept.json` beside its test, which every later run tries
 * first.
 */
import { spawn } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';

interface Report {
  readonly numPassedTests: number;
  readonly testResults: readonly {
    readonly message: string;
    readonly assertionResults: readonly {
      readonly fullName: string;
      readonly status: string;
      readonly failureMessages: readonly string[];
    }[];
  }[];
}

interface Round {
  readonly paths: readonly string[];
  /** How many go through both lanes. */
  readonly exchanges: number;
  /** How many schedules of connections run out of memory. */
  readonly schedules?: number;
}

/** In turn. Each takes some ten seconds. */
const rounds: readonly Round[] = [
  { paths: ['test/property/http', 'test/property/websocket', 'test/property/routes'], exchanges: 0 },
  { paths: ['test/integration/fast/lanes.test.ts'], exchanges: 3000 },
  { paths: ['test/integration/auth/fuzzed-credentials.test.ts'], exchanges: 2000 },
  { paths: ['test/property/relay/memory.test.ts'], exchanges: 0, schedules: 8 },
  { paths: ['test/property/observe', 'test/property/config', 'test/property/limits'], exchanges: 0 },
  { paths: ['test/property/validation', 'test/property/relay'], exchanges: 0 },
  { paths: ['admission', 'drain', 'front', 'quotas'].map((room) => `test/property/${room}`), exchanges: 0 },
];
const report = '.cache/fuzz/report.json';

const seconds = Number(process.argv[2] ?? 60);
if (!(seconds > 0)) throw new Error(`npm run fuzz -- SECONDS: ${process.argv[2]} is no number of seconds`);
const until = Date.now() + seconds * 1000;
mkdirSync('.cache/fuzz', { recursive: true });

let passed = 0;
/** What the last round reports. */
let results: Report['testResults'] = [];
let count = 0;
for (; count < rounds.length || Date.now() < until; count++) {
  const round = rounds[count % rounds.length]!;
  const failures = await play(round);
  if (failures.length === 0) continue;
  console.error(failures.join('\n\n'));
  process.exitCode = 1;
  break;
}
const [, , , written] = process.argv;
if (written !== undefined) writeFileSync(written, JSON.stringify({ numPassedTests: passed, testResults: results }));
console.log(
  `fuzz: ${count} rounds, ${passed} properties held${process.exitCode === 1 ? ', and then one did not' : ''}`,
);

/** One round; what failed in it. */
async function play({ paths, exchanges, schedules = 0 }: Round): Promise<string[]> {
  rmSync(report, { force: true });
  const args = ['node_modules/vitest/vitest.mjs', 'run', ...paths, '--reporter=json', `--outputFile.json=${report}`];
  const env = { ...process.env, SLUICE_EXCHANGES: String(exchanges), SLUICE_SCHEDULES: String(schedules) };
  const child = spawn(process.execPath, args, { env, stdio: ['ignore', 'ignore', 'inherit'] });
  const code = await new Promise<number | null>((resolve) => child.on('exit', resolve));
  const { numPassedTests, testResults } = JSON.parse(readFileSync(report, 'utf8')) as Report;
  passed += numPassedTests;
  results = testResults;
  const failures = testResults.flatMap(({ assertionResults }) =>
    assertionResults
      .filter(({ status }) => status === 'failed')
      .map(({ fullName, failureMessages }) => `${fullName}\n${failureMessages.join('\n')}`),
  );
  const messages = testResults.map(({ message }) => message).filter((message) => message !== '');
  return failures.length === 0 && code !== 0 ? [...messages, `vitest ended with ${code}`] : failures;
}
