/** The store of shared counts and rates against a real redis-server. */
import { connect } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { QuotaStore, type StoredCount } from '../../../src/quotas/store.ts';
import { startRedis } from './redis.ts';

interface Own {
  readonly pod?: string;
  readonly leaseMs?: number;
  readonly username?: string;
  readonly password?: string;
  readonly database?: number;
}

function storeAt(port: number, own: Own = {}) {
  const told: string[] = [];
  let wake: () => void = () => {};
  const tell = (what: string) => {
    told.push(what);
    wake();
  };
  const { username = null, password } = own;
  const store = new QuotaStore({
    dial: async () => ({ socket: connect(port, '127.0.0.1') }),
    credentials: () => (password === undefined ? null : { username, password }),
    database: own.database ?? 0,
    pod: own.pod ?? 'a',
    probeKey: `{sluice}:pod:${own.pod ?? 'a'}`,
    leaseMs: own.leaseMs ?? 60_000,
    // Nobody waits so long, but where the machine is busy.
    timeoutMs: 5000,
    retryMs: () => 20,
    greeted: async () => true,
    found: () => tell('found'),
    lost: (problem) => tell(`lost: ${problem}`),
  });
  onTestFinished(() => store.close());
  const heard = async (pattern: RegExp, from = 0) => {
    while (!told.slice(from).some((what) => pattern.test(what))) await new Promise<void>((resolve) => (wake = resolve));
  };
  return { store, told, heard };
}

const count = (key: string, own: number, cap: number): StoredCount => ({ key: `{sluice}:${key}`, own, cap });

test('two pods share a cap, whatever they ask at once, and what one gives back the other may have', async () => {
  const { port } = await startRedis();
  const [a, b] = [storeAt(port, { pod: 'a' }).store, storeAt(port, { pod: 'b' }).store];
  await Promise.all([a.start(), b.start()]);
  const asked = [1, 2, 3, 4].map(async (own) => [
    (await a.take([count('u', own, 4)], [])) === 'taken' ? 1 : 0,
    (await b.take([count('u', own, 4)], [])) === 'taken' ? 1 : 0,
  ]);
  const [ofA, ofB] = (await Promise.all(asked)).reduce(([x, y], [p, q]) => [x! + p!, y! + q!], [0, 0]);
  expect(ofA! + ofB!).toBe(4);
  expect(await a.take([count('u', ofA! + 1, 4)], [])).toEqual({ place: 0, seen: 5 });
  expect(await a.take([count('u', ofA! - 1, -1)], [])).toBe('taken');
  expect(await b.take([count('u', ofB! + 1, 4)], [])).toBe('taken');
  expect(await a.take([count('u', ofA!, 4)], [])).toEqual({ place: 0, seen: 5 });
});

test('one that refuses takes nothing of the others, and says which it is and when to come back', async () => {
  const { port } = await startRedis();
  const { store } = storeAt(port);
  await store.start();
  const rate = { key: '{sluice}:r', perSecond: 0.001, burst: 1 };
  expect(await store.take([count('x', 1, 5)], [rate])).toBe('taken');
  const refused = await store.take([count('x', 2, 5)], [rate]);
  expect(refused).toMatchObject({ place: 1 });
  expect((refused as { seen: number }).seen).toBeGreaterThan(900_000);
  const other = storeAt(port, { pod: 'b' }).store;
  await other.start();
  expect(await other.take([count('x', 4, 5)], [])).toBe('taken');
});

test('a clock that was set back, or another rate before, makes nobody wait longer than a burst', async () => {
  const { port, ask } = await startRedis();
  const { store } = storeAt(port);
  await store.start();
  await ask('SET', '{sluice}:r', '99999999999999');
  const refused = await store.take([], [{ key: '{sluice}:r', perSecond: 1, burst: 3 }]);
  expect(refused).toEqual({ place: 0, seen: 1000 });
});

test('a pod that says nothing more is forgotten after its lease, and every key has an end', async () => {
  const { port, ask } = await startRedis();
  const dead = storeAt(port, { pod: 'dead', leaseMs: 300 }).store;
  const { store } = storeAt(port, { pod: 'b' });
  await Promise.all([dead.start(), store.start()]);
  expect(await dead.take([count('u', 2, 2)], [{ key: '{sluice}:r', perSecond: 1, burst: 5 }])).toBe('taken');
  await expect.poll(() => store.take([count('u', 1, 2)], []), { interval: 20 }).toBe('taken');
  // In one question, so that none is gone in between.
  const ends = await ask(
    'EVAL',
    "local ends = {} for _, key in ipairs(redis.call('KEYS', '*')) do ends[#ends + 1] = redis.call('PTTL', key) end return ends",
    '0',
  );
  expect(
    ends
      .split('\n')
      .map(Number)
      .every((end) => end > 0),
  ).toBe(true);
});

test('a server that goes and comes back is found, and meanwhile nobody waits', async () => {
  const server = await startRedis();
  const { store, told, heard } = storeAt(server.port);
  await store.start();
  await server.stop();
  await heard(/^lost/);
  expect(store.isThere).toBe(false);
  expect(await store.take([count('u', 1, 1)], [])).toBe(null);
  const before = told.length;
  await server.start();
  await heard(/^found/, before);
  expect(await store.take([count('u', 1, 1)], [])).toBe('taken');
});

test('a server that forgets everything, the script too, counts right with the next word of each pod', async () => {
  const { port, ask } = await startRedis();
  const [a, b] = [storeAt(port, { pod: 'a' }), storeAt(port, { pod: 'b' })];
  await Promise.all([a.store.start(), b.store.start()]);
  expect(await a.store.take([count('u', 2, 3)], [])).toBe('taken');
  expect(await a.store.take([count('u', 2, 3)], [])).toBe('taken');
  await ask('FLUSHALL');
  await ask('SCRIPT', 'FLUSH');
  expect(await b.store.take([count('u', 1, 3)], [])).toBe('taken');
  expect(await a.store.take([count('u', 2, -1)], [])).toBe('taken');
  expect(await b.store.take([count('u', 2, 3)], [])).toEqual({ place: 0, seen: 4 });
  expect([...a.told, ...b.told]).toEqual(['found', 'found']);
});

test('the script goes over the wire once, and then its hash', async () => {
  const { port, ask } = await startRedis();
  const { store } = storeAt(port);
  await store.start();
  for (let own = 1; own <= 5; own++) expect(await store.take([count('u', own, 9)], [])).toBe('taken');
  const stats = await ask('INFO', 'commandstats');
  expect(stats).toMatch(/cmdstat_eval:calls=1,/);
  expect(stats).toMatch(/cmdstat_evalsha:calls=4,/);
});

test('a database of its own, and a user whose ACL has what docs/scaling.md says and nothing else', async () => {
  const rules = '~{sluice}:* +auth +select +set +get +eval +evalsha +time +hgetall +hset +hdel +pexpire';
  const { port, ask } = await startRedis('--user', 'gate', 'on', '>right', ...rules.split(' '));
  const { store, told } = storeAt(port, { username: 'gate', password: 'right', database: 3 });
  await store.start();
  expect(told).toEqual(['found']);
  const rate = { key: '{sluice}:r', perSecond: 1, burst: 1 };
  expect(await store.take([count('u', 1, 2)], [rate])).toBe('taken');
  expect(await store.take([count('u', 0, -1)], [])).toBe('taken');
  expect(await ask('-n', '3', 'EXISTS', '{sluice}:r', '{sluice}:u')).toBe('1');
});

test('who does not take anything is lost, with words that help and without what was asked', async () => {
  const guarded = await startRedis('--requirepass', 'right');
  const replica = await startRedis('--replicaof', '127.0.0.1 1');
  const renamed = await startRedis('--rename-command', 'AUTH', '');
  const full = await startRedis('--maxmemory', '1');
  const narrow = await startRedis('--user', 'default', 'on', 'nopass', '~{sluice}:*', '+set');
  const strange = await startRedis();
  const cases = [
    [storeAt(guarded.port, { password: 'wrong-secret' }), /^lost: WRONGPASS: it does not accept the password/],
    [storeAt(guarded.port), /^lost: NOAUTH: .*quotas\.password_file/],
    [storeAt(replica.port), /^lost: READONLY: .*name the primary/],
    [storeAt(renamed.port, { password: 'wrong-secret' }), /^lost: ERR: it does not take the credentials/],
    [storeAt(full.port), /^lost: OOM: /],
    [storeAt(strange.port, { database: 99 }), /^lost: ERR DB index is out of range/],
  ] as const;
  for (const [{ store, heard, told }, pattern] of cases) {
    void store.start();
    await heard(pattern);
    expect(await store.take([count('u', 1, 1)], [])).toBe(null);
    expect(told).not.toContain('found');
    expect(told.join()).not.toContain('secret');
  }
  const refused = storeAt(narrow.port);
  await refused.store.start();
  expect(await refused.store.take([count('u', 1, 1)], [])).toBe(null);
  expect(refused.told.at(-1)).toMatch(/^lost: NOPERM: .*docs\/scaling\.md/);
  await strange.ask('SET', '{sluice}:u', 'mine');
  const other = storeAt(strange.port);
  await other.store.start();
  expect(await other.store.take([count('u', 1, 1)], [])).toBe(null);
  expect(other.told.at(-1)).toMatch(/^lost: WRONGTYPE: .*quotas\.prefix/);
});
