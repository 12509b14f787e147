import { expect, test } from 'vitest';
import type { LogEvent } from '../../../../src/catalogue/log-events.ts';
import { createLog } from '../../../../src/observe/log/logger.ts';

const everything = { level: 'info', open: 1, end: 1, maxRate: null, user: 'plain' } as const;
const row = { level: 'info', words: 'opened' } as const;

test('the fields of a line that clients cause are made where it is written, and not where its level is left out', () => {
  const lines: string[] = [];
  const log = createLog({ write: (line) => void lines.push(line) });
  let made = 0;
  const describe = (event: LogEvent) => ({ event, flag: 'OK', made: ++made });
  log.configure({ ...everything, level: 'warn' });
  log.caused('open', 'open', row, describe);
  expect([made, lines]).toEqual([0, []]);
  log.configure(everything);
  log.caused('open', 'open', row, describe);
  expect(lines.map((line) => JSON.parse(line))).toMatchObject([
    { level: 'info', event: 'open', flag: 'OK', made: 1, msg: 'opened' },
  ]);
});
