/** How a store is spoken to, and what becomes of one that does not answer, or answers nonsense. */
import { connect } from 'node:net';
import { describe, expect, onTestFinished, test } from 'vitest';
import { QuotaStore, type QuotaStoreParts, type StoredCount } from '../../../src/quotas/store.ts';
import { FakeStore } from '../../helpers/fake-store.ts';
import { until } from '../../helpers/until.ts';

/** The store as a pod has it, and what it tells. */
function storeAt(server: FakeStore, own: Partial<QuotaStoreParts> = {}) {
  const told: string[] = [];
  let wake: () => void = () => {};
  const tell = (what: string) => {
    told.push(what);
    wake();
  };
  const store = new QuotaStore({
    dial: async () => ({ socket: connect(server.port, '127.0.0.1') }),
    credentials: () => null,
    database: 0,
    pod: 'a',
    probeKey: 'probe',
    leaseMs: 60_000,
    // Long enough for a busy machine.
    timeoutMs: 20_000,
    retryMs: () => 5,
    greeted: async () => true,
    found: () => tell('found'),
    lost: (problem) => tell(problem),
    ...own,
  });
  onTestFinished(() => store.close());
  /** Resolves when something that fits has been told from there on. */
  const heard = async (pattern: RegExp, from = 0) => {
    while (!told.slice(from).some((what) => pattern.test(what))) await new Promise<void>((resolve) => (wake = resolve));
  };
  return { store, told, heard };
}

const one: readonly StoredCount[] = [{ key: 'k', own: 1, cap: 5 }];
const isScript = ([name]: readonly string[]) => name === 'EVAL' || name === 'EVALSHA';

test('greets with user, password and database, looks whether it takes anything, and then asks by the hash', async () => {
  await using server = await FakeStore.start();
  const { store } = storeAt(server, { credentials: () => ({ username: 'u', password: 'p' }), database: 3 });
  await store.start();
  await store.take(one, []);
  await store.take(one, []);
  expect(server.commands.map(([name, ...rest]) => (isScript([name!]) ? [name] : [name, ...rest]))).toEqual([
    ['AUTH', 'u', 'p'],
    ['SELECT', '3'],
    ['SET', 'probe', 'a', 'PX', '60000'],
    ['EVAL'],
    ['EVALSHA'],
  ]);
});

test('who asks at once waits for one round trip together', async () => {
  await using server = await FakeStore.start();
  const { store } = storeAt(server);
  await store.start();
  let asked = 0;
  // Nobody is answered before all have asked.
  server.answer = (command) => {
    if (!isScript(command)) return null;
    asked++;
    return asked < 500 ? '' : '*2\r\n:0\r\n:0\r\n'.repeat(500);
  };
  const answers = await Promise.all(Array.from({ length: 500 }, () => store.take(one, [])));
  expect(new Set(answers)).toEqual(new Set(['taken']));
});

test('a script that is forgotten is sent again, and nobody notices', async () => {
  await using server = await FakeStore.start();
  const { store, told } = storeAt(server);
  await store.start();
  await store.take(one, []);
  server.answer = ([name]) => (name === 'EVALSHA' ? '-NOSCRIPT No matching script.\r\n' : null);
  expect(await store.take(one, [])).toBe('taken');
  expect(server.commands.slice(-2).map(([name]) => name)).toEqual(['EVALSHA', 'EVAL']);
  expect(told).toEqual(['found']);
});

test('all who wait for one that falls silent go on together, and further ones are not sent there', async () => {
  await using server = await FakeStore.start();
  let retryMs = 5;
  const { store, heard } = storeAt(server, { timeoutMs: 300, retryMs: () => retryMs });
  await store.start();
  // A machine may be so busy that its greeting was too late.
  await until(() => store.isThere);
  retryMs = 1e6;
  server.answer = () => '';
  const before = server.commands.length;
  expect(await Promise.all([store.take(one, []), store.take(one, []), store.take([], [])])).toEqual([null, null, null]);
  await heard(/^no answer within 300 ms$/);
  expect(await store.take(one, [])).toBeNull();
  expect(server.commands.length).toBe(before + 3);
});

test('one that accepts and never greets is lost', async () => {
  await using server = await FakeStore.start();
  server.answer = () => '';
  const { store, told } = storeAt(server, { timeoutMs: 50, retryMs: () => 1e6 });
  await store.start();
  expect(told).toEqual(['no answer within 50 ms']);
});

test('one that comes back is found, by the password that holds then', async () => {
  await using server = await FakeStore.start();
  let password = 'old';
  const { store, heard, told } = storeAt(server, { credentials: () => ({ username: null, password }), database: 2 });
  await store.start();
  server.answer = ([name, said]) => (name === 'AUTH' && said === 'old' ? '-WRONGPASS no\r\n' : null);
  server.cut();
  await heard(/^WRONGPASS: /);
  password = 'new';
  const before = told.length;
  server.commands.length = 0;
  await heard(/^found$/, before);
  expect(await store.take(one, [])).toBe('taken');
  expect(server.commands.slice(-4).map(([name]) => name)).toEqual(['AUTH', 'SELECT', 'SET', 'EVAL']);
});

describe('nobody waits for, and nothing is made of', () => {
  test.each([
    ['another protocol', 'HTTP/1.1 400 Bad Request\r\n\r\n', /does not speak the protocol of Redis/],
    ['an endless line', `+${'x'.repeat(100_000)}`, /longer than 4096 bytes/],
    ['an endless list', '*99999999\r\n', /a list that is too long/],
    ['a place that is none', '*2\r\n:9\r\n:1\r\n', /something else than was asked/],
    ['a place before the first', '*2\r\n:-1\r\n:1\r\n', /something else than was asked/],
    ['a text for a number', '*2\r\n:0\r\n+x\r\n', /something else than was asked/],
    ['a list of nothing', '*0\r\n', /something else than was asked/],
    ['nothing', '$-1\r\n', /something else than was asked/],
    ['a word', '+OK\r\n', /something else than was asked/],
    ['somebody else’s slow script', '-BUSY Redis is busy running a script.\r\n', /^BUSY: /],
    ['no memory left', '-OOM command not allowed\r\n', /^OOM: /],
    ['a replica', "-READONLY You can't write against a read only replica.\r\n", /^READONLY: /],
    ['one that still reads its data', '-LOADING Redis is loading the dataset in memory\r\n', /^LOADING: /],
    ['a node of a cluster', '-MOVED 3999 127.0.0.1:6381\r\n', /^MOVED: /],
  ])('%s', async (_, answer, problem) => {
    await using server = await FakeStore.start();
    const { store, heard, told } = storeAt(server);
    await store.start();
    server.answer = (command) => (isScript(command) ? answer : null);
    expect(await store.take(one, [])).toBeNull();
    expect(told[1]).toMatch(problem);
    expect(store.isThere).toBe(false);
    // It is found again when it is itself again.
    server.answer = () => null;
    const before = told.length;
    await heard(/^found$/, before);
    expect(await store.take(one, [])).toBe('taken');
  });

  test('what nobody has asked for', async () => {
    await using server = await FakeStore.start();
    const { store, heard } = storeAt(server);
    await store.start();
    server.say('*2\r\n:0\r\n:0\r\n');
    await heard(/nobody has asked for/);
  });

  test('an answer to its greeting that is none', async () => {
    await using server = await FakeStore.start();
    server.answer = ([name]) => (name === 'SET' ? '+QUEUED\r\n' : null);
    const { store, told } = storeAt(server, { retryMs: () => 1e6 });
    await store.start();
    expect(told).toEqual(['it answers something else than was asked']);
  });
});

test('one that is lost as soon as it is found is tried less and less often', async () => {
  await using server = await FakeStore.start();
  const failed: number[] = [];
  const { store, heard, told } = storeAt(server, {
    retryMs: (times) => {
      failed.push(times);
      return 1;
    },
  });
  server.answer = (command) => (isScript(command) ? '-OOM no\r\n' : null);
  await store.start();
  for (let i = 0; i < 4; i++) {
    await heard(/^found$/, told.length - 1);
    expect(await store.take(one, [])).toBeNull();
    await heard(/^found$/, told.length);
  }
  expect(failed.slice(0, 4)).toEqual([0, 1, 2, 3]);
});

test('a connection that was still being opened when all ended is given back', async () => {
  await using server = await FakeStore.start();
  const opened = Promise.withResolvers<void>();
  const socket = connect(server.port, '127.0.0.1');
  const { store } = storeAt(server, {
    dial: async () => {
      await opened.promise;
      return { socket };
    },
  });
  const started = store.start();
  store.close();
  opened.resolve();
  await started;
  expect(socket.destroyed).toBe(true);
  expect(server.commands).toEqual([]);
});
