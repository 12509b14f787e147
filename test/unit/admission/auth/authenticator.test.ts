import { describe, expect, test } from 'vitest';
import { Authenticator, type AuthVerdict } from '../../../../src/admission/auth/authenticator.ts';
import { type Edits, noEdits } from '../../../../src/admission/auth/edits.ts';
import { AuthFailures } from '../../../../src/admission/auth/failures.ts';
import { type AuthRequest, type Decision, type Judge, lasting, refuse } from '../../../../src/admission/auth/types.ts';
import { authRequest, edited } from './requests.ts';

const admitted = (name: string, groups: string[] = []): Decision => ({
  is: 'admitted',
  identity: { name, groups, expiresAtMs: null },
  edits: noEdits,
  life: lasting,
});

/** A kind that finds its credentials in a line of its own name. */
function kind(name: Judge['kind'], decision: Decision | Promise<Decision>, more: Partial<Judge> = {}): Judge {
  return {
    kind: name,
    guessable: () => true,
    recognises: () => true,
    brings: ({ headers }) => headers.includes(name),
    decide: () => decision,
    challenge: () => ({ authenticate: name }),
    remembers: () => false,
    own: () => noEdits,
    forwarded: () => noEdits,
    ...more,
  };
}

function rowOf(judges: readonly Judge[], lines = { user: null as string | null, groups: null as string | null }) {
  const clock = { now: 0 };
  return new Authenticator({
    judges,
    lines,
    failures: new AuthFailures(() => clock.now),
    isRevoked: (name) => name === 'mallory',
  });
}

const decide = (row: Authenticator, ...headers: string[]) => row.decide(authRequest(headers));

describe('kinds in a row', () => {
  const row = rowOf([kind('jwt', refuse('expired', 'old', false)), kind('basic', admitted('ann'))]);

  test('the first that finds its credentials decides, right or wrong', () => {
    expect(decide(row, 'jwt', '', 'basic', '')).toMatchObject({
      is: 'refused',
      kind: 'jwt',
      outcome: 'unauthenticated',
    });
    expect(decide(row, 'basic', '')).toMatchObject({ is: 'admitted', kind: 'basic' });
  });

  test('what has the form of another kind is left to one behind that finds it too', () => {
    const brings = () => true;
    const recognises = ({ headers }: AuthRequest) => headers.includes('jwt');
    const jwt = kind('jwt', refuse('malformed', 'no JWT'), { brings, recognises });
    const both = rowOf([jwt, kind('bearer', admitted('ci'))]);
    expect(decide(both, 'bearer', '')).toMatchObject({ is: 'admitted', kind: 'bearer' });
    expect(decide(both, 'bearer', '', 'jwt', '')).toMatchObject({ kind: 'jwt', result: 'malformed' });
    // Where none behind finds any, or none knows the form, the first has found it.
    expect(decide(both, 'basic', '')).toMatchObject({ kind: 'jwt', result: 'malformed' });
    const neither = rowOf([jwt, kind('bearer', admitted('ci'), { recognises })]);
    expect(decide(neither, 'bearer', '')).toMatchObject({ kind: 'jwt', result: 'malformed' });
  });

  test('where none does, all are asked for', () => {
    expect(decide(row)).toMatchObject({
      is: 'refused',
      kind: null,
      result: 'no_credentials',
      authenticate: ['jwt', 'basic'],
    });
  });

  test('a page that a person opens is sent to where one can sign in', () => {
    const login = { status: 302, fields: [['Location', '/login']], body: Buffer.alloc(0) } as const;
    const hub = rowOf([
      kind('basic', admitted('x')),
      kind('jupyterhub', admitted('x'), { challenge: () => ({ login }) }),
    ]);
    expect(decide(hub)).toMatchObject({ is: 'answered', answer: login, result: 'no_credentials' });
  });

  test('what is for another kind goes no further, whichever decides', () => {
    const lines = (...names: string[]) => ({ own: () => ({ ...noEdits, lines: new Set(names) }) });
    const cookies = { own: () => ({ ...noEdits, cookies: new Set(['session']) }) };
    const forwarding = (what: Partial<Edits>) => ({ forwarded: () => ({ ...noEdits, ...what }) });
    const headers = ['basic', '', 'X-Mail', 'a', 'x_login', 'b', 'Authorization', 'c', 'Cookie', 'session=d; e=f'];
    const goesOn = (decider: Partial<Judge>) => {
      const verdict = decide(
        rowOf([
          kind('basic', admitted('ann'), decider),
          kind('header', admitted('x'), lines('x-login', 'authorization')),
          kind('jupyterhub', admitted('x'), cookies),
          kind('forward', admitted('x'), lines('x-mail')),
        ]),
        ...headers,
      ) as AuthVerdict & { is: 'admitted' };
      return edited(verdict.edits, headers).lines;
    };
    expect(goesOn({})).toEqual(['basic: ', 'Cookie: e=f']);
    // But for what this one lets pass.
    const authorization = forwarding({ lines: new Set(['authorization']) });
    expect(goesOn(authorization)).toEqual(['basic: ', 'Authorization: c', 'Cookie: e=f']);
    expect(goesOn(forwarding({ cookies: new Set(['session']) }))).toEqual(['basic: ', 'Cookie: session=d; e=f']);
    expect(goesOn(lines('x-mail'))).toEqual(['basic: ', 'X-Mail: a', 'Cookie: e=f']);
  });

  test('one that must ask somebody is waited for', async () => {
    const slow = rowOf([kind('forward', Promise.resolve(admitted('ann')))]);
    expect(await decide(slow, 'forward', '')).toMatchObject({ is: 'admitted', identity: { name: 'ann' } });
  });

  test('one that nobody can tell of is a fault of ours, and asks for nothing', () => {
    const blind = rowOf([kind('basic', refuse('unavailable', 'no file', false))]);
    expect(decide(blind, 'basic', '')).toMatchObject({ outcome: 'auth_unavailable', authenticate: [] });
  });
});

test('who is shut out stays out, whatever the credentials', () => {
  expect(decide(rowOf([kind('basic', admitted('mallory'))]), 'basic', '')).toMatchObject({
    is: 'refused',
    outcome: 'auth_revoked',
    result: 'revoked',
    identity: { name: 'mallory' },
  });
});

describe('the backend', () => {
  const linesFor = (decision: Decision, ...headers: string[]) => {
    const row = rowOf([kind('basic', decision)], { user: 'X-User', groups: 'X-Groups' });
    const verdict = decide(row, 'basic', '', ...headers) as AuthVerdict;
    if (verdict.is !== 'admitted') throw new Error(verdict.is);
    return edited(verdict.edits, headers).lines;
  };

  test('is told who the user is, whatever the client says', () => {
    expect(linesFor(admitted('ann', ['a', 'b']), 'x_user', 'root', 'X-USER', 'root', 'X-Groups', 'wheel')).toEqual([
      'X-User: ann',
      'X-Groups: a,b',
    ]);
  });

  test('is told so once, where the service of its kind has a line of that name too', () => {
    const added = [
      ['x-user', 'ann'],
      ['X_Groups', 'a;b'],
      ['X-Mail', 'ann@x.test'],
    ] as const;
    const said = { ...admitted('ann', ['a', 'b']), edits: { ...noEdits, added } };
    expect(linesFor(said)).toEqual(['X-Mail: ann@x.test', 'X-User: ann', 'X-Groups: a,b']);
    // Where nothing else is known, the word of the service stands, and never that of the client.
    const ungrouped = { ...admitted('ann', []), edits: said.edits };
    expect(linesFor(ungrouped, 'X-Groups', 'wheel')).toEqual(['X_Groups: a;b', 'X-Mail: ann@x.test', 'X-User: ann']);
    const nameless: Decision = { is: 'admitted', identity: null, edits: said.edits, life: lasting };
    expect(linesFor(nameless, 'X-User', 'root')).toEqual(['x-user: ann', 'X_Groups: a;b', 'X-Mail: ann@x.test']);
  });

  test('is not told what nobody knows, and not by the client either', () => {
    const anonymous: Decision = { is: 'admitted', identity: null, edits: noEdits, life: lasting };
    expect(linesFor(anonymous, 'X-User', 'root', 'X-Groups', 'wheel')).toEqual([]);
    expect(linesFor(admitted('ann'), 'X-Groups', 'wheel')).toEqual(['X-User: ann']);
  });
});

describe('guessing', () => {
  test('slows the address down, and no other, and only where one can guess', () => {
    const row = rowOf([
      kind('basic', refuse('unknown', 'wrong')),
      kind('header', admitted('ann'), { guessable: () => false }),
    ]);
    for (let i = 0; i < 20; i++) decide(row, 'basic', '');
    expect(decide(row, 'basic', '')).toMatchObject({
      outcome: 'auth_slowed',
      result: 'slowed',
      detail: 'more than 20 wrong credentials came from this address, and then more than one in 3 s',
      waitSeconds: 3,
    });
    expect(decide(row, 'header', '')).toMatchObject({ is: 'admitted' });
    expect(row.decide(authRequest(['basic', ''], { subscriber: '192.0.2.2' }))).toMatchObject({
      outcome: 'unauthenticated',
    });
    expect(decide(row)).toMatchObject({ result: 'no_credentials' });
  });

  test('does not keep out whose credentials are known, unless the user is shut out', () => {
    const remembers = ({ headers }: AuthRequest) => headers.includes('known');
    const wrong = refuse('signature', 'wrong');
    const judge = kind('jwt', wrong, { remembers, decide: (one) => (remembers(one) ? admitted('ann') : wrong) });
    const row = rowOf([judge]);
    for (let i = 0; i < 21; i++) decide(row, 'jwt', '');
    expect(decide(row, 'jwt', '')).toMatchObject({ result: 'slowed' });
    expect(decide(row, 'jwt', 'known')).toMatchObject({ is: 'admitted' });
    const mallory = { remembers, decide: (one: AuthRequest) => (remembers(one) ? admitted('mallory') : wrong) };
    const shutOut = rowOf([kind('jwt', wrong, mallory)]);
    for (let i = 0; i < 21; i++) decide(shutOut, 'jwt', '');
    expect(decide(shutOut, 'jwt', 'known')).toMatchObject({ result: 'revoked' });
  });

  test('many times at once is no more tries, and the right one behind them is not told from the others', async () => {
    const decisions = Array.from({ length: 24 }, () => Promise.withResolvers<Decision>());
    const asked = decisions.values();
    const row = rowOf([kind('basic', admitted('x'), { decide: () => asked.next().value!.promise })]);
    const verdicts = decisions.map(() => decide(row, 'basic', ''));
    for (const { resolve } of decisions.slice(0, -1)) resolve(refuse('unknown', 'wrong'));
    decisions.at(-1)!.resolve(admitted('ann'));
    const results = (await Promise.all(verdicts)).map((verdict) => (verdict.is === 'refused' ? verdict.result : 'in'));
    expect(results).toEqual([...Array(20).fill('unknown'), ...Array(4).fill('slowed')]);
    // Each of them counts for the time that follows.
    expect(decide(row, 'basic', '')).toMatchObject({ result: 'slowed', waitSeconds: 12 });
  });

  test('is what a service turns down, where one could guess', () => {
    const answer = { status: 401, fields: [], body: Buffer.alloc(0) };
    const turnedDown = { is: 'answered', answer, result: 'relayed', detail: '' } as const;
    const known = rowOf([kind('forward', turnedDown)]);
    for (let i = 0; i < 40; i++) expect(decide(known, 'forward', '')).toMatchObject({ result: 'relayed' });
    const guessed = rowOf([kind('forward', { ...turnedDown, guessed: true })]);
    for (let i = 0; i < 20; i++) expect(decide(guessed, 'forward', '')).toMatchObject({ result: 'relayed' });
    expect(decide(guessed, 'forward', '')).toMatchObject({ outcome: 'auth_slowed' });
  });

  test('is not what an old token is', () => {
    const row = rowOf([kind('jwt', refuse('expired', 'old', false))]);
    for (let i = 0; i < 40; i++) expect(decide(row, 'jwt', '')).toMatchObject({ result: 'expired' });
  });
});
