import { expect, test } from 'vitest';
import { Opening, type OpeningClient } from '../../../../src/front/fast/opening.ts';
import type { LaneParts } from '../../../../src/front/fast/parts.ts';
import type { PendingHandshake } from '../../../../src/front/fast/under-way.ts';
import type { AdmittedVisit } from '../../../../src/front/reception.ts';
import { Recorder } from '../../../../src/front/recorder.ts';
import { RouteCounters } from '../../../../src/observe/metrics/counters.ts';
import { MemoryBudget } from '../../../../src/relay/memory/memory-budget.ts';
import type { DialEvents } from '../../../../src/upstream/connect.ts';
import { LogLines } from '../../../helpers/log-lines.ts';
import { admissionRoute, handshakeFields, testVisit } from '../../../helpers/visit.ts';

/** An opening whose client's connection throws when it is refused; `dial` is what becomes of the dial. */
function opening(handshakeMs: number, dial: (events: DialEvents) => void) {
  const lines = new LogLines();
  const underWay = new Set<PendingHandshake>();
  const budget = new MemoryBudget(Number.POSITIVE_INFINITY, () => {});
  const recorder = new Recorder({ log: lines.log, rejected: () => {}, hub: null, unrouted: () => new RouteCounters() });
  const parts = { log: lines.log, openings: underWay, memory: { budget }, recorder } as unknown as LaneParts;
  const held = { leases: 0, destroyed: 0 };
  const client = {
    line: { destroy: () => held.destroyed++ },
    turnedAwayWith() {
      throw new Error('a bug');
    },
  } as unknown as OpeningClient;
  const { route } = admissionRoute({ timeouts: { connectMs: 0, headersMs: 0, handshakeMs, closeMs: 0 } });
  const endpoint = {
    lease: () => ({ [Symbol.dispose]: () => held.leases-- }),
    dial(_ms: number, events: DialEvents) {
      held.leases++;
      dial(events);
      return { cancel() {} };
    },
  };
  const request = {
    visit: testVisit({ kind: 'websocket', headers: handshakeFields }) as AdmittedVisit,
    route: { ...admissionRoute(), route, endpoint, hub: null },
    head: Buffer.alloc(100),
  } as unknown as ConstructorParameters<typeof Opening>[2];
  new Opening(parts, client, request).begin();
  const left = () => ({ underWay: underWay.size, bytes: budget.usedBytes, ...held });
  return { lines, left };
}

const nothing = { underWay: 0, bytes: 0, leases: 0, destroyed: 1 };

test('a mistake of ours in refusing a handshake ends it once', async () => {
  const { lines, left } = opening(0, ({ done }) => done({ problem: 'connect_refused', detail: 'nobody is there' }));
  await lines.next(({ event }) => event === 'handshake_bug');
  expect(left()).toEqual(nothing);
});

test('a mistake of ours when its time is over ends the handshake, and not the process', async () => {
  const { lines, left } = opening(1, () => {});
  await lines.next(({ event }) => event === 'handshake_bug');
  expect(left()).toEqual(nothing);
});
