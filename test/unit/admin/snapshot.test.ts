import { expect, test } from 'vitest';
import type { DrainProgress } from '../../../src/admin/api/drain.ts';
import { type Snapshot, type SnapshotSource, takeSnapshot } from '../../../src/admin/snapshot.ts';
import { Throughput } from '../../../src/admin/throughput.ts';
import type { ConfigState } from '../../../src/config/live/state.ts';
import type { Config } from '../../../src/config/types.ts';
import type { LiveSession } from '../../../src/observe/metrics/source.ts';
import { CounterStore } from '../../../src/observe/metrics/store.ts';
import { testRoute } from '../../helpers/relay.ts';

const start = 1_800_000_000_000;

function source(sessions: LiveSession[], routes = [testRoute({ client: { maxMessageBytes: 1000 } })]): SnapshotSource {
  return {
    config: () => ({ routes }) as unknown as Config,
    configState: () => configState(null),
    drain: () => null,
    counters: new CounterStore(),
    live: { sessions: () => sessions, memory: { pressure: 0.25, limitBytes: 1024 } },
    build: { version: '1.2.3', revision: '' },
  };
}

function configState(lastError: ConfigState['lastError']): ConfigState {
  const config = { files: ['sluice.yaml'], hash: 'abc' } as unknown as Config;
  return { config, resolved: null, loadedAtMs: start, needsRestart: ['listen.address'], lastError };
}

function snapshotOf(from: SnapshotSource, now = start): Snapshot {
  return takeSnapshot(from, { throughput: new Throughput(), startedAt: start }, now);
}

const quiet = { bufferedBytes: 0, queuedMessages: 0, paused: false, pauses: { causes: new Map() } };
const busy = { bufferedBytes: 100, queuedMessages: 2, paused: true, pauses: { causes: new Map() } };

test('adds up the connections of each route', () => {
  const sessions = [
    { route: testRoute(), client: quiet, upstream: busy },
    { route: testRoute(), client: quiet, upstream: busy },
  ];
  const { routes } = snapshotOf(source(sessions));
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
  const [route] = snapshotOf(from).routes;
  expect(route?.client).toMatchObject({ messages: 3, bytes: 300 });
  expect(route?.client.sizes.slice(0, 3)).toEqual([0, 1, 0]);
});

test('shows a route that is gone while it has connections', () => {
  const { routes } = snapshotOf(source([{ route: testRoute({ name: 'old' }), client: quiet, upstream: quiet }]));
  expect(routes[1]).toMatchObject({ name: 'old', where: null, connections: 1, maxConnections: null });
});

test('says how much memory the buffers hold, and writes what JSON cannot hold in another way', () => {
  const from = source([]);
  expect(snapshotOf(from).memory).toEqual({ pressure: 0.25, max: 1024 });
  const unbound = { ...from, live: { ...from.live, memory: { pressure: 0, limitBytes: Number.POSITIVE_INFINITY } } };
  expect(snapshotOf(unbound).memory).toEqual({ pressure: 0, max: null });
});

test('passes on the state of the process, of its configuration and of a drain', () => {
  const path = 'routes[0].upstream';
  const wrong = { file: 'sluice.yaml', line: 3, column: 7, path, message: '"http://h?token=s3cret" is no URL' };
  const drain = { phase: 'close', startedAtMs: start, closesAtMs: start + 1, deadlineAtMs: start + 2 } as DrainProgress;
  const snapshot = snapshotOf(
    { ...source([]), configState: () => configState({ errors: [wrong], atMs: start + 9 }), drain: () => drain },
    start + 5,
  );
  expect(snapshot).toMatchObject({ at: start + 5, startedAt: start, build: { version: '1.2.3' } });
  expect(snapshot.drain).toEqual({ phase: 'close', startedAt: start, closesAt: start + 1, deadlineAt: start + 2 });
  expect(snapshot.config).toMatchObject({ files: ['sluice.yaml'], hash: 'abc', needsRestart: ['listen.address'] });
  expect(snapshot.config.error?.at).toBe(start + 9);
  expect(snapshot.config.error?.lines[0]).toMatch(/^routes\[0\]\.upstream: .*\(sluice\.yaml:3:7\)$/);
  expect(snapshot.config.error?.lines[0]).not.toContain('s3cret');
  const secret = { ...wrong, path: 'admin.token', message: '"hunter2" is not known here' };
  const careful = snapshotOf({ ...source([]), configState: () => configState({ errors: [secret], atMs: start }) });
  expect(careful.config.error?.lines[0]).toMatch(/^admin\.token: (?!.*hunter2)/);
  const many = { errors: Array.from({ length: 23 }, () => wrong), atMs: start };
  const { error } = snapshotOf({ ...source([]), configState: () => configState(many) }).config;
  expect([error?.lines.length, error?.lines.at(-1)]).toEqual([21, 'and 3 more']);
  const calm = snapshotOf(source([]));
  expect([calm.drain, calm.config.error]).toEqual([null, null]);
});
