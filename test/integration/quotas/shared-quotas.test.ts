/** What a pod tells the store of its own counts, and when. */
import { connect } from 'node:net';
import { expect, onTestFinished, test, vi } from 'vitest';
import { QuotaStoreCounters } from '../../../src/observe/metrics/counters.ts';
import { SharedQuotas, type SharedQuotasParts } from '../../../src/quotas/shared-quotas.ts';
import { QuotaStore } from '../../../src/quotas/store.ts';
import { FakeStore } from '../../helpers/fake-store.ts';
import { HeardMistakes } from '../../helpers/heard-mistakes.ts';
import { until } from '../../helpers/until.ts';

function quotasAt(server: FakeStore, own: Partial<SharedQuotasParts> = {}) {
  const counters = new QuotaStoreCounters();
  const quotas = new SharedQuotas({
    dial: async () => ({ socket: connect(server.port, '127.0.0.1') }),
    credentials: () => null,
    database: 0,
    pod: 'a',
    prefix: 'sluice',
    leaseMs: 600_000,
    timeoutMs: 20_000,
    retryMs: () => 5,
    counters,
    found: () => {},
    lost: () => {},
    ...own,
  });
  onTestFinished(() => quotas.close());
  return { quotas, counters };
}

const isScript = ([name]: readonly string[]) => name === 'EVAL' || name === 'EVALSHA';
const scripts = (server: FakeStore) => server.commands.filter(isScript).length;

test('keys name the kind and the route, and nobody who asks', async () => {
  await using server = await FakeStore.start();
  const { quotas } = quotasAt(server);
  expect(quotas.keyOf('route', 'panel', '')).toBe('{sluice}:route:panel');
  expect(quotas.keyOf('user', 'panel', '=ann')).toMatch(/^\{sluice\}:user:panel:[\w-]{22}$/);
  expect(quotas.keyOf('user', 'panel', '=ann')).not.toBe(quotas.keyOf('user', 'panel', '=bob'));
});

test('what is held counts, and what is given back does no more', async () => {
  await using server = await FakeStore.start();
  const { quotas, counters } = quotasAt(server);
  await quotas.start();
  const first = quotas.hold(['k']);
  const second = quotas.hold(['k']);
  expect(await quotas.ask([{ key: 'k', cap: 2 }], [])).toBe('taken');
  expect(server.counts.get('k')?.get('a')).toBe(2);
  const third = quotas.hold(['k']);
  expect(await quotas.ask([{ key: 'k', cap: 2 }], [])).toEqual({ place: 0, seen: 3 });
  third[Symbol.dispose]();
  second[Symbol.dispose]();
  second[Symbol.dispose]();
  await until(() => server.counts.get('k')?.get('a') === 1);
  first[Symbol.dispose]();
  await until(() => server.counts.get('k')?.size === 0);
  expect(counters.decisions.get('admitted')).toBe(1);
  expect(counters.decisions.get('refused')).toBe(1);
});

test('many who leave at once are told of in a few words', async () => {
  await using server = await FakeStore.start();
  const { quotas } = quotasAt(server);
  await quotas.start();
  const held = Array.from({ length: 1000 }, (_, i) => quotas.hold(['r', `u${i}`]));
  await Promise.all(
    held.map((_, i) =>
      quotas.ask(
        [
          { key: 'r', cap: 1000 },
          { key: `u${i}`, cap: 1 },
        ],
        [],
      ),
    ),
  );
  const before = scripts(server);
  for (const one of held) one[Symbol.dispose]();
  await until(() => [...server.counts].every(([key, pods]) => pods.size === 0 || key.includes(':alive:')));
  expect(scripts(server) - before).toBeLessThanOrEqual(8);
});

test('a store that is lost is told all that has changed before anybody is sent there again', async () => {
  await using server = await FakeStore.start();
  const { quotas, counters } = quotasAt(server);
  await quotas.start();
  const gone = quotas.hold(['gone']);
  quotas.hold(['stays']);
  await quotas.ask([{ key: 'gone', cap: 9 }], []);
  let isAway = true;
  server.answer = (command) => (isAway && command[0] === 'SET' ? '-LOADING later\r\n' : null);
  server.cut();
  await until(() => !quotas.isThere);
  expect(quotas.ask([{ key: 'stays', cap: 1 }], [])).toBe('unknown');
  gone[Symbol.dispose]();
  quotas.hold(['came']);
  expect(quotas.ask([{ key: 'came', cap: 1 }], [])).toBe('unknown');
  server.counts.get('stays')?.clear();
  isAway = false;
  await until(() => quotas.isThere);
  expect(server.counts.get('gone')?.size).toBe(0);
  expect(server.counts.get('stays')?.get('a')).toBe(1);
  expect(server.counts.get('came')?.get('a')).toBe(1);
  expect(counters.decisions.get('local')).toBe(2);
});

test('who comes while a store is told of the others is told as well', async () => {
  await using server = await FakeStore.start();
  server.answer = (command) => (isScript(command) ? '' : null);
  const { quotas } = quotasAt(server);
  const started = quotas.start();
  await until(() => scripts(server) === 1);
  quotas.hold(['late']);
  expect(quotas.ask([{ key: 'late', cap: 9 }], [])).toBe('unknown');
  server.answer = () => null;
  server.say('*2\r\n:0\r\n:0\r\n');
  await started;
  await until(() => server.counts.get('late')?.get('a') === 1);
});

test('a store that answers late is not waited for, and what is held is told when it is back', async () => {
  await using server = await FakeStore.start();
  const { quotas, counters } = quotasAt(server, { timeoutMs: 300 });
  await quotas.start();
  await until(() => quotas.isThere);
  quotas.hold(['k']);
  let isSilent = true;
  server.answer = (command) => (isSilent && isScript(command) ? '' : null);
  expect(await quotas.ask([{ key: 'k', cap: 9 }], [])).toBe('unknown');
  isSilent = false;
  await until(() => server.counts.get('k')?.get('a') === 1);
  expect(counters.decisions.get('local')).toBe(1);
});

test('one who could not be asked about, because too many wait for it, is told of with the next word', async () => {
  await using server = await FakeStore.start();
  const { quotas, counters } = quotasAt(server);
  await quotas.start();
  const take = vi.spyOn(QuotaStore.prototype, 'take').mockResolvedValueOnce(null);
  onTestFinished(() => take.mockRestore());
  quotas.hold(['k']);
  expect(await quotas.ask([{ key: 'k', cap: 9 }], [])).toBe('unknown');
  quotas.hold(['other'])[Symbol.dispose]();
  await until(() => server.counts.get('k')?.get('a') === 1);
  expect(counters.decisions.get('local')).toBe(1);
});

test('all is told again and again, so that leases last', async () => {
  await using server = await FakeStore.start();
  const { quotas } = quotasAt(server, { leaseMs: 60 });
  await quotas.start();
  quotas.hold(['k']);
  await until(() => server.counts.get('k')?.get('a') === 1);
  server.counts.clear();
  await until(() => server.counts.get('k')?.get('a') === 1);
});

test('a store that falls silent is noticed though nobody comes', async () => {
  await using server = await FakeStore.start();
  const { quotas } = quotasAt(server, { leaseMs: 60, timeoutMs: 300 });
  await quotas.start();
  await until(() => quotas.isThere && server.sumOf('alive') === 1);
  server.answer = () => '';
  await until(() => !quotas.isThere);
  server.answer = () => null;
  await until(() => quotas.isThere);
});

test('one that leaves gives everything back', async () => {
  await using server = await FakeStore.start();
  const { quotas } = quotasAt(server);
  await quotas.start();
  for (let i = 0; i < 600; i++) quotas.hold([`k${i}`]);
  await Promise.all(Array.from({ length: 600 }, (_, i) => quotas.ask([{ key: `k${i}`, cap: 9 }], [])));
  expect(server.counts.size).toBe(601);
  quotas.close();
  await until(() => [...server.counts.values()].every((pods) => pods.size === 0));
});

test('a mistake of ours while the store is told is told itself, and the next word is said', async () => {
  using mistakes = new HeardMistakes();
  await using server = await FakeStore.start();
  const { quotas } = quotasAt(server);
  await quotas.start();
  const take = vi.spyOn(QuotaStore.prototype, 'take').mockRejectedValueOnce(new Error('made on purpose'));
  onTestFinished(() => take.mockRestore());
  quotas.hold(['k'])[Symbol.dispose]();
  await until(() => mistakes.told.length > 0);
  expect(mistakes.told).toEqual(['made on purpose']);
  const held = quotas.hold(['k']);
  quotas.hold(['k'])[Symbol.dispose]();
  await until(() => server.counts.get('k')?.get('a') === 1);
  held[Symbol.dispose]();
});

test('a mistake of ours while it connects is told, and it connects again', async () => {
  using mistakes = new HeardMistakes();
  await using server = await FakeStore.start();
  let dials = 0;
  const { quotas } = quotasAt(server, {
    dial: async () => {
      if (++dials === 2) throw new Error('made on purpose');
      return dials === 1 ? { problem: 'nobody there' } : { socket: connect(server.port, '127.0.0.1') };
    },
  });
  await quotas.start();
  await until(() => quotas.isThere);
  expect([mistakes.told, dials]).toEqual([['made on purpose'], 3]);
});
