import { expect, test } from 'vitest';
import { type SnapshotSource, takeSnapshot } from '../../../src/admin/snapshot.ts';
import { Throughput } from '../../../src/admin/throughput.ts';
import type { Config } from '../../../src/config/types.ts';
import type { LiveSession } from '../../../src/metrics/source.ts';
import { CounterStore } from '../../../src/metrics/store.ts';
import { testRoute } from '../../helpers/relay.ts';

const start = 1_800_000_000_000;

function source(sessions: LiveSession[], routes = [testRoute({ client: { maxMessageBytes: 1000 } })]): SnapshotSource {
  return {
    config: () => ({ routes }) as unknown as Config,
    configStatus: () => ({ files: ['sluice.yaml'], hash: 'abc', loadedAt: start, error: null }),
    drainStatus: () => null,
    counters: new CounterStore(),
    live: { sessions: () => sessions, memory: { pressure: 0.25, limitBytes: 1024 } },
    throughput: new Throughput(),
    build: { version: '1.2.3', revision: '' },
    startedAt: start,
  };
}

const quiet = { bufferedBytes: 0, queuedMessages: 0, paused: false, pauses: { causes: new Map() } };
const busy = { bufferedBytes: 100, queuedMessages: 2, paused: true, pauses: { causes: new Map() } };

test('adds up the connections of each route', () => {
  const sessions = [
    { routeName: 'test', client: quiet, upstream: busy },
    { routeName: 'test', client: quiet, upstream: busy },
  ];
  const { routes } = takeSnapshot(source(sessions), start);
  expect(routes).toMatchObject([
    {
      name: 'test',
      where: { hosts: [], path: '/', upstream: 'http://127.0.0.1:1' },
      connections: 2,
      maxConnections: 10_000,
      client: { buffered: 0, queued: 0, paused: 0, maxMessage: 1000 },
      upstream: { buffered: 200, queued: 4, paused: 2, maxMessage: null },
    },
  ]);
});

test('has what was counted, with the sizes', () => {
  const from = source([]);
  const { client } = from.counters.of('test');
  client.textMessages = 2;
  client.binaryMessages = 1;
  client.messageBytes = 300;
  client.messageSizes.observe(65);
  const [route] = takeSnapshot(from, start).routes;
  expect(route?.client).toMatchObject({ messages: 3, bytes: 300 });
  expect(route?.client.sizes.slice(0, 3)).toEqual([0, 1, 0]);
});

test('shows a route that is gone while it has connections', () => {
  const { routes } = takeSnapshot(source([{ routeName: 'old', client: quiet, upstream: quiet }]), start);
  expect(routes[1]).toMatchObject({ name: 'old', where: null, connections: 1, maxConnections: null });
});

test('says how much memory the buffers hold, and writes what JSON cannot hold in another way', () => {
  const from = source([]);
  expect(takeSnapshot(from, start).memory).toEqual({ pressure: 0.25, max: 1024 });
  const unbound = { ...from, live: { ...from.live, memory: { pressure: 0, limitBytes: Number.POSITIVE_INFINITY } } };
  expect(takeSnapshot(unbound, start).memory).toEqual({ pressure: 0, max: null });
});

test('passes on the state of process, configuration and drain', () => {
  const error = { at: start, lines: ['sluice.yaml:3:1 is wrong'] };
  const drain = { phase: 'close', startedAt: start, closesAt: start, deadlineAt: start + 1000 } as const;
  const from = source([]);
  const status = { ...from.configStatus(), error };
  const snapshot = takeSnapshot({ ...from, configStatus: () => status, drainStatus: () => drain }, start + 5);
  expect(snapshot).toMatchObject({
    at: start + 5,
    startedAt: start,
    build: { version: '1.2.3' },
    config: { error },
    drain,
  });
});
