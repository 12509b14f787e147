import { expect, test } from 'vitest';
import { loadConfig } from '../../../src/config/load.ts';
import { worstCaseMemory } from '../../../src/config/memory.ts';

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
