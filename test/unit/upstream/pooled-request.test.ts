/** Node's HTTP client on a connection from a pool. */
import { request } from 'node:http';
import { expect, test } from 'vitest';
import type { Pool } from '../../../src/upstream/pool.ts';
import { PooledRequest } from '../../../src/upstream/pooled-request.ts';

test('a pool that throws fails its own request, and nothing else', async () => {
  const pool = { take: () => null, lease: () => Promise.reject(new Error('a mistake')) } as unknown as Pool;
  const pooled = new PooledRequest(pool, { reuse: 'any', timeoutMs: 0, signal: new AbortController().signal });
  const { promise, resolve } = Promise.withResolvers<Error>();
  request({ agent: pooled.asAgent }).on('error', resolve).end();
  expect((await promise).message).toBe('a mistake');
});
