import { afterEach, expect, test } from 'vitest';
import { type Leave, workUntilFault } from '../../../src/cli/faults.ts';
import { surviveMistakes } from '../../../src/mistakes.ts';
import { LogLines } from '../../helpers/log-lines.ts';

const before = {
  warning: process.listeners('warning'),
  uncaughtException: process.listeners('uncaughtException'),
};

afterEach(() => {
  surviveMistakes(null);
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

/** A process that takes leave so, and what it has logged; `crash` is an exception that nobody catches. */
function running(leave: Leave) {
  const lines = new LogLines();
  process.removeAllListeners('uncaughtException');
  const code = workUntilFault(lines.log, (leavesBy) => {
    leavesBy(leave);
    return new Promise(() => {});
  });
  const crash = (message: string) => process.emit('uncaughtException', new Error(message));
  return { lines, code, crash };
}

test('an exception that nobody caught ends the process when everybody has heard of it', async () => {
  const { promise, resolve } = Promise.withResolvers<void>();
  const heard: string[] = [];
  const { code, crash } = running(() => {
    heard.push('leaves');
    return promise;
  });
  crash('a mistake');
  expect(heard).toEqual(['leaves']);
  resolve();
  expect(await code).toBe(1);
});

test('a second one meanwhile ends it at once, and so does a leave that fails', async () => {
  const { lines, code, crash } = running(() => new Promise(() => {}));
  crash('a mistake');
  crash('another');
  expect(await code).toBe(1);
  expect(lines.all.map(({ event }) => event)).toEqual(['crashed', 'crashed']);

  const failing = running(() => Promise.reject(new Error('and another')));
  failing.crash('a mistake');
  expect(await failing.code).toBe(1);
});
