import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { RouteRates } from '../../../src/admission/rates.ts';
import { ConnectionSlots } from '../../../src/admission/slots.ts';
import { admit, compileSteps, phaseNames, type StepParts } from '../../../src/admission/steps.ts';
import type { Verdict } from '../../../src/admission/verdict.ts';
import type { Step } from '../../../src/admission/visit.ts';
import { anyCaps } from '../../helpers/access.ts';
import { testRoute } from '../../helpers/relay.ts';
import { admissionRoute, handshakeFields, testVisit, type VisitOverrides } from '../../helpers/visit.ts';

const calm = { usedBytes: 0, limitBytes: 100, pressed: false };
const parts: StepParts = {
  memory: calm,
  refusesHandshakes: () => false,
  rates: new RouteRates(),
  reported: () => {},
  authenticate: () => null,
  quotas: null,
};
const handshake = (overrides: VisitOverrides = {}) =>
  testVisit({ kind: 'websocket', headers: handshakeFields, ...overrides });

test('the phases have one order, and docs/architecture.md shows it', () => {
  expect(phaseNames).toEqual([
    'drain',
    'networks',
    'hosts',
    'methods',
    'handshake',
    'rates',
    'authentication',
    'origin',
    'user_rates',
    'memory',
    'caps',
    'quotas',
  ]);
  const shown = /^visit ─► (.*) ─► admitted$/m.exec(readFileSync('docs/architecture.md', 'utf8'))![1]!;
  expect(shown.split(' ─► ').map((name) => name.replace(' ', '_'))).toEqual(phaseNames);
});

describe('the steps of a handshake', () => {
  const run = (visit = handshake(), own: Partial<typeof parts> = {}) =>
    admit(visit, compileSteps(visit.route.route, 'websocket', { ...parts, ...own }));

  test('admit a valid one, which holds a slot until it is given back', () => {
    const slots = new ConnectionSlots();
    const visit = handshake({ route: admissionRoute({}, { slots }) });
    expect(run(visit)).toBe(null);
    expect([slots.taken, visit.ask?.key]).toEqual([1, 'dGhlIHNhbXBsZSBub25jZQ==']);
    visit.giveBack();
    expect(slots.taken).toBe(0);
  });

  const pressed = { ...calm, pressed: true };
  test.each<[string, VisitOverrides, Partial<typeof parts>]>([
    ['draining', { method: 'POST' }, { refusesHandshakes: () => true }],
    ['method_not_allowed', { method: 'POST' }, { memory: pressed }],
    ['origin_refused', { route: admissionRoute({ requireOrigin: true }) }, { memory: pressed }],
    [
      'memory',
      { route: admissionRoute({ connections: { ...anyCaps, max: 0, maxPerAddress: 0 } }) },
      { memory: pressed },
    ],
    ['too_many_connections', { route: admissionRoute({ connections: { ...anyCaps, max: 0, maxPerAddress: 0 } }) }, {}],
    ['too_many_per_address', { route: admissionRoute({ connections: { ...anyCaps, max: 1, maxPerAddress: 0 } }) }, {}],
  ])('refuse with %s before what comes later', (outcome, overrides, own) => {
    expect(run(handshake(overrides), own)).toMatchObject({ outcome });
  });
});

describe('the steps of plain HTTP', () => {
  const steps = (memory = calm) =>
    compileSteps(testRoute({ requireOrigin: true, connections: { ...anyCaps, max: 0, maxPerAddress: 0 } }), 'http', {
      memory,
      refusesHandshakes: () => true,
      rates: new RouteRates(),
      reported: () => {},
      authenticate: () => null,
      quotas: null,
    });

  test('ask for no origin, count no connection and go on through a drain', () => {
    expect(admit(testVisit(), steps())).toBe(null);
  });

  test('refuse where the memory of all is almost spent', () => {
    const pressed = { ...calm, pressed: true };
    expect(admit(testVisit(), steps(pressed))).toMatchObject({ outcome: 'memory' });
  });
});

test('a step that throws is one that waits and fails: nobody throws into whoever asks', async () => {
  const bug = new Error('a bug');
  const verdict = admit(testVisit(), [
    () => null,
    () => {
      throw bug;
    },
  ]);
  await expect(verdict).rejects.toBe(bug);
});

describe('a step that waits', () => {
  const refused = { outcome: 'origin_refused', detail: 'no' } as const;

  test('is waited for, and those behind it run when it admits', async () => {
    const ran: string[] = [];
    const { promise, resolve } = Promise.withResolvers<Verdict>();
    const steps: Step[] = [
      () => promise,
      () => {
        ran.push('second');
        return Promise.resolve(null);
      },
      () => {
        ran.push('third');
        return refused;
      },
      () => {
        throw new Error('nothing runs behind a refusal');
      },
    ];
    const pending = admit(testVisit(), steps);
    expect(ran).toEqual([]);
    resolve(null);
    expect(await pending).toBe(refused);
    expect(ran).toEqual(['second', 'third']);
  });

  test('still reads the head when that has gone from where it stood', async () => {
    let pairs = ['A', '1'];
    const fields = { values: () => [pairs[1]!], pairs: () => pairs, hasFamily: () => false };
    const visit = testVisit({ fields });
    const seen: (string | undefined)[] = [];
    const step: Step = async () => {
      seen.push(visit.value('a'));
      await Promise.resolve();
      seen.push(visit.value('a'));
      return null;
    };
    const pending = admit(visit, [step]);
    pairs = ['A', "another's"];
    expect(await pending).toBe(null);
    expect(seen).toEqual(['1', '1']);
  });

  test('lends nothing to a client that has left meanwhile', async () => {
    const { promise, resolve } = Promise.withResolvers<Verdict>();
    const visit = testVisit();
    const pending = admit(visit, [
      () => promise,
      () => {
        throw new Error('nothing runs for somebody who has left');
      },
    ]);
    visit.leave();
    resolve(null);
    expect(await pending).toMatchObject({ outcome: 'client_gone' });
  });

  test('whose refusal comes at once makes no promise of it', () => {
    expect(admit(testVisit(), [() => null, () => refused])).toBe(refused);
  });
});
