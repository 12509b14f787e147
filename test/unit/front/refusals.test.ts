import { IncomingMessage, ServerResponse } from 'node:http';
import { Duplex } from 'node:stream';
import { expect, onTestFinished, test, vi } from 'vitest';
import { refusalOf } from '../../../src/front/errors.ts';
import { refuseOnResponse } from '../../../src/front/refusals.ts';
import { HeardMistakes } from '../../helpers/heard-mistakes.ts';

test('an answer that cannot be written is told, and ends its connection and not the process', async () => {
  using mistakes = new HeardMistakes();
  const { promise, resolve } = Promise.withResolvers<void>();
  const res = {
    req: { headers: {}, rawHeaders: [], httpVersion: '1.1', method: 'GET', complete: true },
    writeHead() {
      throw new TypeError('Invalid character in header content');
    },
    destroy: resolve,
  };
  refuseOnResponse(res as unknown as ServerResponse, refusalOf(null, { outcome: 'memory', detail: '' }), false);
  await promise;
  expect(mistakes.told).toEqual(['Invalid character in header content']);
});

test.each([
  ['at once', 0],
  ['behind a body that stops', 5],
])('an answer %s of which its client takes nothing is not waited for without end', (_, length) => {
  vi.useFakeTimers();
  onTestFinished(() => void vi.useRealTimers());
  const stuck = new Duplex({ read() {}, write() {} }) as unknown as Parameters<ServerResponse['assignSocket']>[0];
  const req = new IncomingMessage(stuck);
  Object.assign(req, { method: 'POST', httpVersion: '1.1', httpVersionMajor: 1, httpVersionMinor: 1 });
  req.headers['content-length'] = String(length);
  const res = new ServerResponse(req);
  res.assignSocket(stuck);
  refuseOnResponse(res, refusalOf(null, { outcome: 'memory', detail: '' }), false);
  vi.advanceTimersByTime(length === 0 ? 9000 : 19_000);
  expect(res.destroyed).toBe(false);
  vi.advanceTimersByTime(1000);
  expect(res.destroyed).toBe(true);
});
