import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { Authenticator } from '../../../../src/admission/auth/authenticator.ts';
import { noEdits } from '../../../../src/admission/auth/edits.ts';
import { AuthFailures } from '../../../../src/admission/auth/failures.ts';
import { Lives } from '../../../../src/admission/auth/lives.ts';
import { authenticationStep } from '../../../../src/admission/auth/step.ts';
import {
  type AuthKind,
  type AuthRequest,
  type Decision,
  lasting,
  refuse,
} from '../../../../src/admission/auth/types.ts';
import { withoutLikelySecrets } from '../../../../src/observe/log/redaction.ts';
import { MemoryBudget } from '../../../../src/relay/memory/memory-budget.ts';
import { fakeConnection } from '../../../helpers/connection.ts';
import { testVisit } from '../../../helpers/visit.ts';

const memory = new MemoryBudget(Number.POSITIVE_INFINITY, () => {});
const lives = () => new Lives({ wallClock: () => 0, now: () => 0, chance: () => 0, isRevoked: () => false, memory });

function stepFor(
  decision: Decision | Promise<Decision>,
  seen: AuthRequest[] = [],
  own = lives(),
  kind: AuthKind = 'basic',
) {
  const authenticator = new Authenticator({
    judges: [
      {
        kind,
        guessable: () => true,
        recognises: () => true,
        remembers: () => false,
        own: () => noEdits,
        forwarded: () => noEdits,
        brings: (request) => {
          seen.push(request);
          return request.headers.includes('Authorization');
        },
        decide: () => decision,
        challenge: () => ({ authenticate: 'Basic realm="Sluice"' }),
      },
    ],
    lines: { user: 'X-User', groups: null },
    failures: new AuthFailures(() => 0),
    isRevoked: () => false,
  });
  return authenticationStep(authenticator, own);
}

const ann: Decision = {
  is: 'admitted',
  identity: { name: 'ann', groups: ['g'], expiresAtMs: 7 },
  edits: noEdits,
  life: lasting,
};
const headers = ['Host', 'gateway.test', 'Authorization', 'Basic x'];

test('who is let in is written down, told to the upstream, counted, and looked after when the connection opens', async () => {
  const seen: AuthRequest[] = [];
  const own = lives();
  const visit = testVisit({
    headers,
    kind: 'websocket',
    target: '/a?b',
    origination: { scheme: 'https', host: 'apps.test' },
  });
  expect(await stepFor(Promise.resolve(ann), seen, own)(visit)).toBeNull();
  expect(seen[0]).toMatchObject({ target: '/a?b', scheme: 'https', host: 'apps.test', trusted: false });
  expect(visit.identity).toEqual({ name: 'ann', user: 'ann', groups: ['g'], expiresAtMs: 7, kind: 'basic' });
  expect(visit.changes?.set).toEqual([['X-User', 'ann']]);
  expect(visit.route.counters.auth.get('basic', 'admitted')).toBe(1);
  const opened = visit.hooks!.map((hook) => hook(fakeConnection({ id: '1' })));
  // The name of a group of one letter.
  expect([own.size, memory.usedBytes]).toEqual([1, 34]);
  opened[0]![Symbol.dispose]();
  expect([own.size, memory.usedBytes]).toEqual([0, 0]);
});

test('who is nobody in particular is let in without a name', () => {
  const visit = testVisit({ headers });
  expect(stepFor({ ...ann, identity: null })(visit)).toBeNull();
  expect([visit.identity, visit.hooks]).toEqual([null, null]);
});

test('who is nobody in particular is looked after where the service is asked again', () => {
  const own = lives();
  const visit = testVisit({ headers, kind: 'websocket' });
  const recheck = { everyMs: 1000, bytes: 0, ask: async () => 'goes' as const };
  expect(stepFor({ ...ann, identity: null, life: { endsAtMs: null, recheck } }, [], own)(visit)).toBeNull();
  expect(visit.identity).toBeNull();
  const [watched] = visit.hooks!.map((hook) => hook(fakeConnection()));
  expect(own.size).toBe(1);
  watched![Symbol.dispose]();
});

test('a refusal says how to ask, and what the log needs', () => {
  const visit = testVisit({ headers });
  expect(stepFor(refuse('unknown', 'wrong'))(visit)).toEqual({
    outcome: 'unauthenticated',
    detail: 'wrong (basic)',
    fields: [['WWW-Authenticate', 'Basic realm="Sluice"']],
  });
  expect(visit.route.counters.auth.get('basic', 'unknown')).toBe(1);
  const bare = testVisit();
  expect(stepFor(ann)(bare)).toMatchObject({ outcome: 'unauthenticated', detail: 'the request brings none of basic' });
  expect(bare.route.counters.auth.get('none', 'no_credentials')).toBe(1);
});

test('somebody who guesses hears when to come back', () => {
  const step = stepFor(refuse('unknown', 'wrong'));
  for (let i = 0; i < 20; i++) step(testVisit({ headers }));
  expect(step(testVisit({ headers }))).toMatchObject({ outcome: 'auth_slowed', fields: [['Retry-After', '3']] });
});

test('an answer of a service is passed on', () => {
  const answer = { status: 302, fields: [['Location', '/login']], body: Buffer.alloc(0) } as const;
  expect(
    stepFor({ is: 'answered', answer, result: 'relayed', detail: 'it answers 302' })(testVisit({ headers })),
  ).toEqual({
    outcome: 'auth_answered',
    detail: 'it answers 302 (basic)',
    answer,
  });
});

const folder = join(import.meta.dirname, '../../../../src/admission/auth');
/** Why somebody is not let in, as it stands in the code. */
const reasons = readdirSync(folder, { recursive: true, encoding: 'utf8' })
  .filter((path) => path.endsWith('.ts'))
  .flatMap((path) => [...readFileSync(join(folder, path), 'utf8').matchAll(/refuse\('\w+', '([^']+)'/g)])
  .map(([, words]) => words!);

test('the log hides no word of why somebody is not let in', async () => {
  expect(reasons.length).toBeGreaterThan(20);
  const hurt: string[] = [];
  for (const words of reasons) {
    for (const kind of ['jwt', 'bearer', 'basic', 'forward', 'jupyterhub', 'header'] as const) {
      const told = await stepFor(refuse('malformed', words), [], lives(), kind)(testVisit({ headers }));
      const detail = told?.detail ?? '';
      expect(detail).toContain(words);
      if (withoutLikelySecrets(detail) !== detail) hurt.push(detail);
    }
  }
  expect(hurt).toEqual([]);
});
