import { expect, test } from 'vitest';
import { loadConfig } from '../../../../src/config/model/load.ts';
import { defaultMaxBuffered, worstCaseMemory } from '../../../../src/config/model/memory.ts';

test('all connections with both buffers full, one read each way, and their sockets', () => {
  const text =
    'routes: [{name: a, upstream: "http://h", limits: {client: {max_buffer_size: 1MiB}, upstream: {max_buffer_size: 512KiB}, connections: {max: 200}}}]';
  const loaded = loadConfig('f', text);
  if ('errors' in loaded) throw new Error('not valid');
  const perConnection = (1024 + 512 + 64 + 16) * 1024;
  expect(worstCaseMemory(loaded.config.routes[0]!)).toEqual({
    connections: 200,
    perConnection,
    total: 200 * perConnection,
  });
});

test('all buffers may hold a quarter of what the container may use', () => {
  const MiB = 1024 * 1024;
  expect(defaultMaxBuffered(512 * MiB, false)).toBe(128 * MiB);
  expect(defaultMaxBuffered(32 * MiB, false)).toBe(16 * MiB);
  // TLS keeps what waits a second time.
  expect(defaultMaxBuffered(512 * MiB, true)).toBe(64 * MiB);
  // No container.
  expect(defaultMaxBuffered(Number.POSITIVE_INFINITY, false)).toBe(256 * MiB);
});
