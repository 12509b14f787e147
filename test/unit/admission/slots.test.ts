import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { OpenConnection } from '../../../src/admission/open-connection.ts';
import { type Caps, type Claimant, ConnectionSlot, ConnectionSlots, Newcomer } from '../../../src/admission/slots.ts';
import { UntrustedPeers } from '../../../src/admission/untrusted-peers.ts';
import { anyCaps } from '../../helpers/access.ts';
import { fakeConnection } from '../../helpers/connection.ts';

const from = (address: string): Claimant => ({ address, user: null });
const by = (key: string, more: Partial<Claimant> & { vouched?: boolean } = {}): Claimant => ({
  address: more.address ?? 'a',
  user: { key, vouched: more.vouched ?? true },
});

function take(slots: ConnectionSlots, claimant: Claimant, caps: Caps): ConnectionSlot {
  const slot = slots.take(claimant, caps);
  if (!(slot instanceof ConnectionSlot)) throw new Error('no slot');
  return slot;
}

describe('a route and its addresses', () => {
  test('lend up to the maximum, and again when one comes back', () => {
    const slots = new ConnectionSlots();
    const caps = { ...anyCaps, max: 2 };
    const first = take(slots, from('a'), caps);
    take(slots, from('b'), caps);
    expect(slots.take(from('c'), caps)).toEqual({
      outcome: 'too_many_connections',
      detail: 'connections.max is 2',
      limit: { name: 'connections.max', configured: 2, observed: 3 },
    });
    first[Symbol.dispose]();
    expect(slots.taken).toBe(1);
    take(slots, from('c'), caps);
  });

  test('count each address for itself', () => {
    const slots = new ConnectionSlots();
    const caps = { ...anyCaps, maxPerAddress: 2 };
    const first = take(slots, from('a'), caps);
    take(slots, from('a'), caps);
    take(slots, from('b'), caps);
    expect(slots.take(from('a'), caps)).toMatchObject({
      outcome: 'too_many_per_address',
      limit: { name: 'connections.max_per_address', configured: 2, observed: 3 },
    });
    first[Symbol.dispose]();
    take(slots, from('a'), caps)[Symbol.dispose]();
    expect(slots.taken).toBe(2);
  });

  test('get a slot back once, however often it is disposed of', () => {
    const slots = new ConnectionSlots();
    const first = take(slots, from('a'), anyCaps);
    take(slots, from('a'), anyCaps);
    first[Symbol.dispose]();
    first[Symbol.dispose]();
    expect(slots.taken).toBe(1);
  });
});

test('a user has their maximum, whatever others have, and is forgotten with the last connection', () => {
  const slots = new ConnectionSlots();
  const caps = { ...anyCaps, maxPerUser: 2 };
  const held = [
    take(slots, by('ann'), caps),
    take(slots, by('ann', { address: 'b' }), caps),
    take(slots, by('bob'), caps),
  ];
  for (let i = 0; i < 3; i++) held.push(take(slots, from('a'), caps));
  expect(slots.take(by('ann', { address: 'c' }), caps)).toEqual({
    outcome: 'too_many_per_user',
    detail: 'connections.max_per_user is 2',
    limit: { name: 'connections.max_per_user', configured: 2, observed: 3 },
  });
  held[0]![Symbol.dispose]();
  held.push(take(slots, by('ann'), caps));
  expect([slots.taken, slots.users]).toEqual([6, 2]);
  for (const slot of held) slot[Symbol.dispose]();
  expect([slots.taken, slots.users]).toEqual([0, 0]);
});

describe('where a route evicts', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());
  const caps: Caps = { ...anyCaps, maxPerUser: 2, onLimit: 'evict_oldest' };

  /** Opens a connection that has been idle since `lastDataAt`; what becomes of it is told in `told`. */
  function open(
    slots: ConnectionSlots,
    claimant: Claimant,
    lastDataAt: number,
    told: string[] = [],
    id = `${lastDataAt}`,
  ) {
    const slot = take(slots, claimant, { ...caps, maxPerUser: 100 });
    const connection: { -readonly [K in keyof OpenConnection]: OpenConnection[K] } = fakeConnection({
      id,
      lastDataAt,
      evict: (configured, observed) => {
        connection.isEnding = true;
        told.push(`${id} evicted at ${observed} of ${configured}`);
      },
      cut: () => void told.push(`${id} cut`),
    });
    slot.connection = connection;
    return { slot, connection };
  }

  const wait = (slots: ConnectionSlots, claimant: Claimant, own = caps): Newcomer => {
    const newcomer = slots.take(claimant, own);
    if (!(newcomer instanceof Newcomer)) throw new Error('nobody waits');
    return newcomer;
  };

  test('the one that has been idle for longest goes, and the newcomer has its place when it is gone', async () => {
    const slots = new ConnectionSlots();
    const told: string[] = [];
    const others = open(slots, by('bob'), 1, told);
    open(slots, by('ann'), 30, told);
    const idle = open(slots, by('ann'), 20, told);
    const newcomer = wait(slots, by('ann', { address: 'c' }));
    expect([told, slots.taken]).toEqual([['20 evicted at 3 of 2'], 3]);
    let has: unknown = null;
    void newcomer.slot.then((slot) => (has = slot));
    others.slot[Symbol.dispose]();
    await Promise.resolve();
    expect(has).toBe(null);
    idle.slot[Symbol.dispose]();
    const slot = await newcomer.slot;
    expect(slot).toBeInstanceOf(ConnectionSlot);
    expect([slots.taken, slots.users]).toEqual([2, 1]);
    (slot as ConnectionSlot)[Symbol.dispose]();
  });

  test('of those whose data no tick has seen yet, which is now at each question, the first that was opened goes', () => {
    const slots = new ConnectionSlots();
    const told: string[] = [];
    let now = 100;
    for (const id of ['first', 'second', 'third']) {
      const { connection } = open(slots, by('ann'), 0, told, id);
      Object.defineProperty(connection, 'lastDataAt', { get: () => now++ });
    }
    slots.take(by('ann'), { ...caps, maxPerUser: 3 });
    expect(told).toEqual(['first evicted at 4 of 3']);
  });

  test('who is slow to go is cut, and one that is gone is not', () => {
    const slots = new ConnectionSlots();
    const told: string[] = [];
    const [slow, quick] = [open(slots, by('ann'), 1, told), open(slots, by('ann'), 2, told)];
    wait(slots, by('ann'));
    wait(slots, by('ann'));
    quick.slot[Symbol.dispose]();
    vi.advanceTimersByTime(1999);
    expect(told).toEqual(['1 evicted at 3 of 2', '2 evicted at 4 of 2']);
    vi.advanceTimersByTime(1);
    expect(told.slice(2)).toEqual(['1 cut']);
    slow.slot[Symbol.dispose]();
  });

  test('a place that is coming back is waited for, before anybody goes', async () => {
    const slots = new ConnectionSlots();
    const told: string[] = [];
    const [leaving] = [open(slots, by('ann'), 2, told), open(slots, by('ann'), 1, told)];
    leaving.connection.isEnding = true;
    const newcomer = wait(slots, by('ann'));
    expect(told).toEqual([]);
    const second = wait(slots, by('ann'));
    expect(told).toEqual(['1 evicted at 4 of 2']);
    leaving.slot[Symbol.dispose]();
    expect(await newcomer.slot).toBeInstanceOf(ConnectionSlot);
    expect(slots.take(by('ann'), caps)).toMatchObject({ outcome: 'too_many_per_user' });
    second.giveUp();
    second.giveUp();
    expect(await second.slot).toMatchObject({ outcome: 'too_many_per_user', limit: { configured: 2, observed: 3 } });
  });

  test('nobody goes for those who are on their way in, nor by a name that only a path says, nor where it would be in vain', () => {
    const slots = new ConnectionSlots();
    const told: string[] = [];
    const pending = [take(slots, by('ann'), caps), take(slots, by('ann'), caps)];
    expect(slots.take(by('ann'), caps)).toMatchObject({ outcome: 'too_many_per_user', limit: { observed: 3 } });
    for (const slot of pending) slot[Symbol.dispose]();
    open(slots, by('ann'), 1, told);
    open(slots, by('ann', { address: 'b' }), 2, told);
    expect(slots.take(by('ann', { vouched: false }), caps)).toMatchObject({ outcome: 'too_many_per_user' });
    expect(slots.take(by('ann'), { ...caps, onLimit: 'reject' })).toMatchObject({ outcome: 'too_many_per_user' });
    expect(slots.take(by('ann'), { ...caps, max: 1 })).toMatchObject({ outcome: 'too_many_connections' });
    expect(slots.take(by('ann', { address: 'b' }), { ...caps, maxPerAddress: 1 })).toMatchObject({
      outcome: 'too_many_per_address',
    });
    expect(slots.take(by('ann'), { ...caps, maxPerUser: 0 })).toMatchObject({ outcome: 'too_many_per_user' });
    expect(told).toEqual([]);
    wait(slots, by('ann', { address: 'a' }), { ...caps, maxPerAddress: 1 });
    expect(told).toEqual(['1 evicted at 3 of 2']);
  });

  test('who has given up keeps no place, and takes none from the others who wait', async () => {
    const slots = new ConnectionSlots();
    const [first, second] = [open(slots, by('ann'), 1), open(slots, by('ann'), 2)];
    const [gone, waiting] = [wait(slots, by('ann')), wait(slots, by('ann'))];
    gone.giveUp();
    gone.giveUp();
    first.slot[Symbol.dispose]();
    expect(await waiting.slot).toBeInstanceOf(ConnectionSlot);
    second.slot[Symbol.dispose]();
    expect([slots.taken, slots.users]).toEqual([1, 1]);
    ((await waiting.slot) as ConnectionSlot)[Symbol.dispose]();
    expect([slots.taken, slots.users]).toEqual([0, 0]);
  });

  test('those who stay can be evicted, whichever of them has gone before', () => {
    const slots = new ConnectionSlots();
    const told: string[] = [];
    const [first, second] = [1, 2, 3, 4].map((at) => open(slots, by('ann'), at, told));
    first!.slot[Symbol.dispose]();
    second!.slot[Symbol.dispose]();
    wait(slots, by('ann'), { ...caps, maxPerUser: 1 });
    expect(told).toEqual(['3 evicted at 3 of 1', '4 evicted at 3 of 1']);
  });

  test('under a cap that has become smaller as many go as are too many', async () => {
    const slots = new ConnectionSlots();
    const told: string[] = [];
    const open3 = [1, 2, 3].map((at) => open(slots, by('ann'), at, told));
    const newcomer = wait(slots, by('ann'), { ...caps, maxPerUser: 1 });
    expect(told).toHaveLength(3);
    const settled = vi.fn();
    void newcomer.slot.then(settled);
    for (const { slot } of open3.slice(0, 2)) slot[Symbol.dispose]();
    await Promise.resolve();
    expect(settled).not.toHaveBeenCalled();
    open3[2]!.slot[Symbol.dispose]();
    expect(await newcomer.slot).toBeInstanceOf(ConnectionSlot);
  });

  test('a place for which somebody has come meanwhile from a full address goes to the next', async () => {
    const slots = new ConnectionSlots();
    const own = { ...caps, maxPerUser: 1, maxPerAddress: 1 };
    const idle = open(slots, by('ann', { address: 'x' }), 1);
    const first = wait(slots, by('ann', { address: 'y' }), own);
    take(slots, from('y'), own);
    idle.slot[Symbol.dispose]();
    expect(await first.slot).toMatchObject({ outcome: 'too_many_per_address' });
    expect([slots.users, slots.taken]).toEqual([0, 1]);
  });
});

test('a peer is new once, and no longer than there is room to remember', () => {
  const peers = new UntrustedPeers();
  expect([peers.isNew('a'), peers.isNew('a'), peers.isNew('b')]).toEqual([true, false, true]);
  for (let i = 0; i < 2000; i++) peers.isNew(`peer ${i}`);
  expect(peers.isNew('one more')).toBe(false);
});
