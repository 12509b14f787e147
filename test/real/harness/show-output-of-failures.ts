/** What servers wrote is shown where a test fails: a status or a close code alone rarely says why. */
import { afterEach, beforeAll } from 'vitest';
import { startedServers } from './server-process.ts';

const shownLines = 40;

beforeAll(() => {
  startedServers.length = 0;
});

afterEach(({ task }) => {
  if (task.result?.state !== 'fail') return;
  for (const server of startedServers) {
    console.error(server.output.split('\n').slice(-shownLines).join('\n'));
  }
});
