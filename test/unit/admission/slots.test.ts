import { expect, test } from 'vitest';
import { ConnectionSlots } from '../../../src/admission/slots.ts';
import { UntrustedPeers } from '../../../src/admission/untrusted-peers.ts';

function take(slots: ConnectionSlots, address: string, caps: { max: number; maxPerAddress: number }): Disposable {
  const slot = slots.take(address, caps);
  if (!(Symbol.dispose in slot)) throw new Error(slot.detail);
  return slot;
}

test('lends up to the maximum, and again when one comes back', () => {
  const slots = new ConnectionSlots();
  const caps = { max: 2, maxPerAddress: Number.POSITIVE_INFINITY };
  const first = take(slots, 'a', caps);
  take(slots, 'b', caps);
  expect(slots.take('c', caps)).toEqual({
    outcome: 'too_many_connections',
    detail: 'connections.max is 2',
    limit: { name: 'connections.max', configured: 2, observed: 3 },
  });
  first[Symbol.dispose]();
  expect(slots.taken).toBe(1);
  take(slots, 'c', caps);
});

test('counts each address for itself', () => {
  const slots = new ConnectionSlots();
  const caps = { max: 10, maxPerAddress: 2 };
  const first = take(slots, 'a', caps);
  take(slots, 'a', caps);
  take(slots, 'b', caps);
  expect(slots.take('a', caps)).toMatchObject({
    outcome: 'too_many_per_address',
    limit: { name: 'connections.max_per_address', configured: 2, observed: 3 },
  });
  first[Symbol.dispose]();
  take(slots, 'a', caps)[Symbol.dispose]();
  expect(slots.taken).toBe(2);
});

test('a slot comes back once, however often it is disposed of', () => {
  const slots = new ConnectionSlots();
  const caps = { max: 10, maxPerAddress: 10 };
  const first = take(slots, 'a', caps);
  take(slots, 'a', caps);
  first[Symbol.dispose]();
  first[Symbol.dispose]();
  expect(slots.taken).toBe(1);
});

test('a peer is new once, and no longer than there is room to remember', () => {
  const peers = new UntrustedPeers();
  expect([peers.isNew('a'), peers.isNew('a'), peers.isNew('b')]).toEqual([true, false, true]);
  for (let i = 0; i < 2000; i++) peers.isNew(`peer ${i}`);
  expect(peers.isNew('one more')).toBe(false);
});
