import type { ServerResponse } from 'node:http';
import { expect, test } from 'vitest';
import { refusalOf } from '../../../src/front/errors.ts';
import { refuseOnResponse } from '../../../src/front/refusals.ts';

test('an answer that cannot be written ends its connection, and not the process', async () => {
  const { promise, resolve } = Promise.withResolvers<void>();
  const res = {
    req: { headers: {}, rawHeaders: [], httpVersion: '1.1', method: 'GET', complete: true },
    writeHead() {
      throw new TypeError('Invalid character in header content');
    },
    destroy: resolve,
  };
  refuseOnResponse(res as unknown as ServerResponse, refusalOf(null, { outcome: 'memory', detail: '' }), false);
  await expect(promise).resolves.toBeUndefined();
});
