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

test('a line that clients cause has the form of all others', () => {
  const lines: string[] = [];
  const log = createLog({ write: (line) => void lines.push(line) });
  const words = 'a "word" \\ of\ta peer\u007f \ud800 caf\u00e9';
  const fields = {
    text: words,
    long: words.repeat(10),
    left: undefined,
    nothing: null,
    counts: [0, 1.5, -1, Number.NaN, Number.POSITIVE_INFINITY, 1e21],
    of: { none: undefined, list: ['client'], none_of_it: {} },
    fraction: 0.1,
    infinite: Number.NEGATIVE_INFINITY,
    draining: false,
  };
  log.caused('open', 'open', { level: 'warn', words }, (event) => ({ event, ...fields }));
  log.tellEnding('admin_refused', { level: 'warn', words }, fields);
  const [caused, told] = lines.map((line) => line.replace(/"time":"[^"]+"/, '').replace('admin_refused', 'open'));
  expect(caused).toBe(told);
});
