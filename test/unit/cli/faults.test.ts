import { afterEach, expect, test } from 'vitest';
import { workUntilFault } from '../../../src/cli/faults.ts';
import { LogLines } from '../../helpers/log-lines.ts';

const before = {
  warning: process.listeners('warning'),
  uncaughtException: process.listeners('uncaughtException'),
};

afterEach(() => {
  for (const [event, listeners] of Object.entries(before)) {
    process.removeAllListeners(event);
    for (const listener of listeners) process.on(event, listener as () => void);
  }
});

test('the exit code is that of the work', async () => {
  const lines = new LogLines();
  expect(await workUntilFault(lines.log, async () => 3)).toBe(3);
  expect(lines.all).toEqual([]);
});

test('work that fails is logged, and its process ends with 1', async () => {
  const lines = new LogLines();
  expect(await workUntilFault(lines.log, () => Promise.reject(new Error('a mistake')))).toBe(1);
  expect(lines.all).toEqual([
    expect.objectContaining({ event: 'crashed', err: expect.objectContaining({ message: 'a mistake' }) }),
  ]);
});
