import { describe, expect, test } from 'vitest';
import { type QuotaAnswer, type Quotas, quotaStep } from '../../../src/admission/quotas.ts';
import { type ConnectionSlot, ConnectionSlots } from '../../../src/admission/slots.ts';
import type { Visit, VisitKind } from '../../../src/admission/visit.ts';
import { anyCaps, anyRate } from '../../helpers/access.ts';
import { fakeConnection } from '../../helpers/connection.ts';
import type { RouteOverrides } from '../../helpers/relay.ts';
import { admissionRoute, testVisit } from '../../helpers/visit.ts';

/** Quotas that answer what a test says, and remember what was asked. */
class FakeQuotas implements Quotas {
  answers: (QuotaAnswer | 'gone')[] = [];
  readonly asked: unknown[] = [];
  readonly held: string[] = [];

  keyOf(kind: string, label: string, who: string): string {
    return `${kind} ${label} ${who}`;
  }

  hold(keys: readonly string[]): Disposable {
    this.held.push(...keys);
    return { [Symbol.dispose]: () => void this.held.splice(0) };
  }

  ask(...asked: Parameters<Quotas['ask']>): ReturnType<Quotas['ask']> {
    this.asked.push(asked);
    const answer = this.answers.shift() ?? 'taken';
    return answer === 'gone' ? 'unknown' : Promise.resolve(answer);
  }
}

const ann = { name: 'ann', raw: null, vouched: true };
const rate = { perSecond: 1, burst: 5, action: 'close' } as const;

function visitOf(route: RouteOverrides, kind: VisitKind = 'websocket', slots = new ConnectionSlots()): Visit {
  return testVisit({ kind, named: ann, route: admissionRoute({ label: 'r', ...route }, { slots }) });
}

/** Resolves when all that is settled has been heard. */
const settled = () => new Promise((resolve) => setImmediate(resolve));

const judge = (visit: Visit, quotas: Quotas | null) =>
  quotaStep(visit.route.route, visit.kind, { quotas })?.(visit) ?? null;

test('there is nothing to ask without a store, and for plain requests without a rate', () => {
  expect(quotaStep(visitOf({}).route.route, 'websocket', { quotas: null })).toBeNull();
  expect(quotaStep(visitOf({}).route.route, 'http', { quotas: new FakeQuotas() })).toBeNull();
});

test('a handshake asks for all that bounds it at once, and holds it until its end', async () => {
  const quotas = new FakeQuotas();
  const visit = visitOf({
    connections: { ...anyCaps, max: 9, maxPerAddress: 8, maxPerUser: 7 },
    rates: { ...anyRate, handshakesPerAddress: rate, handshakesPerUser: rate, requestsPerUser: rate },
  });
  expect(await judge(visit, quotas)).toBeNull();
  expect(quotas.asked).toEqual([
    [
      [
        expect.objectContaining({ key: 'route r ', cap: 9 }),
        expect.objectContaining({ key: 'address r 192.0.2.1', cap: 8 }),
        expect.objectContaining({ key: 'user r =ann', cap: 7 }),
      ],
      [
        expect.objectContaining({ key: 'handshakesPerAddress r 192.0.2.1', rate }),
        expect.objectContaining({ key: 'handshakesPerUser r =ann', rate }),
      ],
    ],
  ]);
  expect(quotas.held).toHaveLength(3);
  visit.giveBack();
  expect(quotas.held).toEqual([]);
});

test('a plain request asks for its rates, and holds nothing', async () => {
  const quotas = new FakeQuotas();
  const visit = visitOf({ rates: { ...anyRate, requestsPerUser: rate, handshakesPerUser: rate } }, 'http');
  expect(await judge(visit, quotas)).toBeNull();
  expect(quotas.asked).toEqual([[[], [expect.objectContaining({ key: 'requestsPerUser r =ann' })]]]);
  expect(quotas.held).toEqual([]);
});

test('a rate that is reported alone is no question', () => {
  const quotas = new FakeQuotas();
  const rates = { ...anyRate, requestsPerUser: { ...rate, isReported: true } } as const;
  expect(quotaStep(visitOf({ rates }).route.route, 'http', { quotas })).toBeNull();
});

test('who has no name is not asked about, and where nobody can tell nobody waits', () => {
  const quotas = new FakeQuotas();
  const route = admissionRoute({ label: 'r', rates: { ...anyRate, requestsPerUser: rate } });
  expect(judge(testVisit({ kind: 'http', route }), quotas)).toBeNull();
  expect(quotas.asked).toEqual([]);
  quotas.answers = ['gone'];
  expect(judge(visitOf({ connections: { ...anyCaps, max: 9 } }), quotas)).toBeNull();
  expect(quotas.held).toEqual(['route r ']);
});

describe('a refusal', () => {
  const caps = { ...anyCaps, max: 9, maxPerUser: 7 };
  const rates = { ...anyRate, handshakesPerUser: rate };

  test.each([
    [
      { place: 0, seen: 10 },
      { outcome: 'too_many_connections', limit: { configured: 9, observed: 10 } },
    ],
    [
      { place: 1, seen: 8 },
      { outcome: 'too_many_per_user', detail: 'connections.max_per_user is 7, over all pods' },
    ],
    [
      { place: 2, seen: 1001 },
      { outcome: 'user_handshake_rate', fields: [['Retry-After', '2']] },
    ],
  ])('says what it is by: %j', async (answer, refused) => {
    const quotas = new FakeQuotas();
    quotas.answers = [answer];
    expect(await judge(visitOf({ connections: caps, rates }), quotas)).toMatchObject(refused);
  });

  test('is none where the store could not tell after all', async () => {
    const quotas = new FakeQuotas();
    quotas.answers = ['unknown'];
    expect(await judge(visitOf({ connections: caps }), quotas)).toBeNull();
  });
});

describe('where the route evicts', () => {
  const caps = { ...anyCaps, max: 9, maxPerUser: 2, onLimit: 'evict_oldest' } as const;
  const claimant = { address: 'a', user: { key: '=ann', vouched: true } };

  function setUp(idle: number) {
    const slots = new ConnectionSlots();
    const evicted: string[] = [];
    const open = Array.from({ length: idle }, (_, i) => {
      const slot = slots.take(claimant, anyCaps) as ConnectionSlot;
      slot.connection = {
        ...fakeConnection(),
        lastDataAt: i,
        evict: () => void evicted.push(`${i}`),
      };
      return slot;
    });
    const quotas = new FakeQuotas();
    const visit = visitOf({ connections: caps }, 'websocket', slots);
    const slot = slots.take(claimant, anyCaps) as ConnectionSlot;
    visit.slot = slot;
    visit.lend(slot);
    return { quotas, visit, open, evicted };
  }

  test('the longest idle connection of the user goes, and then it is asked again', async () => {
    const { quotas, visit, open, evicted } = setUp(2);
    quotas.answers = [{ place: 1, seen: 3 }, 'taken'];
    const verdict = judge(visit, quotas);
    await settled();
    expect(evicted).toEqual(['0']);
    expect(quotas.asked).toHaveLength(1);
    open[0]![Symbol.dispose]();
    expect(await verdict).toBeNull();
    expect(quotas.asked).toHaveLength(2);
  });

  test('nobody goes where all are on other pods, where the name is the client’s own, or for another cap', async () => {
    const nobody = setUp(0);
    nobody.quotas.answers = [{ place: 1, seen: 3 }];
    expect(await judge(nobody.visit, nobody.quotas)).toMatchObject({ outcome: 'too_many_per_user' });
    const other = setUp(1);
    other.quotas.answers = [{ place: 0, seen: 10 }];
    expect(await judge(other.visit, other.quotas)).toMatchObject({ outcome: 'too_many_connections' });
    const { quotas, open } = setUp(1);
    quotas.answers = [{ place: 1, seen: 3 }];
    const slots = new ConnectionSlots();
    const own = testVisit({
      kind: 'websocket',
      named: { ...ann, vouched: false },
      route: admissionRoute({ label: 'r', connections: caps }, { slots }),
    });
    expect(await judge(own, quotas)).toMatchObject({ outcome: 'too_many_per_user' });
    expect([...other.evicted, ...open.filter(({ isLeaving }) => isLeaving)]).toEqual([]);
  });

  test('who leaves meanwhile is not waited for', async () => {
    const { quotas, visit } = setUp(1);
    quotas.answers = [{ place: 1, seen: 3 }];
    const verdict = judge(visit, quotas);
    await settled();
    visit.leave();
    expect(await verdict).toMatchObject({ outcome: 'too_many_per_user' });
    expect(quotas.asked).toHaveLength(1);
  });
});
