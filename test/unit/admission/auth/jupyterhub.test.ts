import { describe, expect, test } from 'vitest';
import type { Question, ServiceAnswer } from '../../../../src/admission/auth/asker.ts';
import { parseSecret } from '../../../../src/admission/auth/files.ts';
import { JupyterHubJudge, type JupyterHubOptions } from '../../../../src/admission/auth/jupyterhub/jupyterhub.ts';
import { seal, sealKey, unseal } from '../../../../src/admission/auth/jupyterhub/seal.ts';
import type { Answered, AuthRequest, Decision, GivenAnswer } from '../../../../src/admission/auth/types.ts';
import { authRequest, edited } from './requests.ts';

const json = (value: unknown, status = 200): ServiceAnswer => ({
  status,
  fields: [],
  body: Buffer.from(JSON.stringify(value)),
});
const scopes = ['access:services!service=panel', 'read:users:name!user'];
const ann = { name: 'ann', kind: 'user', groups: ['staff'], scopes };

/** A hub that knows tokens and codes. */
function hub(options: Partial<JupyterHubOptions> = {}, users: Record<string, unknown> = { good: ann }) {
  const state = { now: 1_000_000, questions: [] as Question[], users, code: 'c0de' };
  const judge = new JupyterHubJudge({
    ask: async (question) => {
      state.questions.push(question);
      if (question.path === '/hub/api/user') {
        const token = question.fields[0]![1].replace('token ', '');
        return token in state.users ? json(state.users[token]) : json({}, 403);
      }
      const form = new URLSearchParams(question.body!.toString());
      if (form.get('code') !== state.code || form.get('client_secret') !== 's3cret') return json({}, 400);
      return json({ access_token: 'good' });
    },
    apiPath: '/hub/api',
    service: 'panel',
    prefix: '/services/panel/',
    secret: () => 's3cret',
    cacheMs: 60_000,
    recheckMs: 0,
    now: () => state.now,
    monotonic: () => state.now,
    ...options,
  });
  return { judge, state };
}

const page = (target = '/services/panel/app?x=1', headers: string[] = []) =>
  authRequest(['Accept', 'text/html', ...headers], { target });
const fieldOf = ({ fields }: GivenAnswer, name: string) => fields.filter(([n]) => n === name).map(([, value]) => value);
/** The first part of every cookie that is set. */
const cookiesIn = (answer: GivenAnswer) => fieldOf(answer, 'Set-Cookie').map((text) => text.split(';', 1)[0]!);

/** Goes to the hub and comes back with a code. */
async function signIn(judge: JupyterHubJudge, request = page(), code = 'c0de'): Promise<Decision> {
  const { login } = judge.challenge(request);
  const query = new URL(fieldOf(login!, 'Location')[0]!, 'https://hub.test').searchParams;
  const target = `${query.get('redirect_uri')}?code=${code}&state=${query.get('state')}`;
  const headers = ['Cookie', cookiesIn(login!).join('; ')];
  const back = authRequest(headers, { target });
  expect(judge.brings(back)).toBe(true);
  return judge.decide(back);
}

describe('a browser', () => {
  test('is sent to the hub, with a state that a cookie of its own holds too', () => {
    const { login } = hub().judge.challenge(page());
    const to = new URL(fieldOf(login!, 'Location')[0]!, 'https://hub.test');
    expect(to.pathname).toBe('/hub/api/oauth2/authorize');
    expect(Object.fromEntries(to.searchParams)).toMatchObject({
      client_id: 'service-panel',
      redirect_uri: '/services/panel/oauth_callback',
      response_type: 'code',
      code_challenge_method: 'S256',
    });
    const [cookie] = fieldOf(login!, 'Set-Cookie');
    expect(cookie).toMatch(
      /^sluice-hub-panel-[\w-]{8}=[\w-]+; Path=\/services\/panel\/; HttpOnly; SameSite=Lax; Secure; Max-Age=600$/,
    );
    expect(cookie).not.toContain(to.searchParams.get('state')!);
  });

  test('comes back with a code, gets a session, and is let in with it where it was', async () => {
    const { judge, state } = hub();
    const back = (await signIn(judge)) as Answered;
    expect(back).toMatchObject({ is: 'answered', result: 'admitted', answer: { status: 302 } });
    expect(fieldOf(back.answer, 'Location')).toEqual(['/services/panel/app?x=1']);
    const form = Object.fromEntries(new URLSearchParams(state.questions[0]!.body!.toString()));
    expect(form).toMatchObject({ client_id: 'service-panel', grant_type: 'authorization_code', code: 'c0de' });
    expect(form.code_verifier).toHaveLength(43);
    const session = cookiesIn(back.answer).at(-1)!;
    expect(session).toMatch(/^sluice-hub-panel=[\w-]+$/);
    expect(session).not.toContain('good');
    const headers = ['Cookie', `a=1; ${session}`];
    const decision = await judge.decide(authRequest(headers));
    expect(decision).toMatchObject({ is: 'admitted', identity: { name: 'ann', groups: ['staff'] } });
    if (decision.is === 'admitted') expect(edited(decision.edits, headers).lines).toEqual(['Cookie: a=1']);
  });

  test('tells the app neither of its session nor of sign-ins in other tabs, whichever kind lets it in', async () => {
    const { judge } = hub();
    const session = cookiesIn(((await signIn(judge)) as Answered).answer).at(-1)!;
    const [other, another] = [page(), page()].map((request) => cookiesIn(judge.challenge(request).login!)[0]!);
    const headers = ['Cookie', `a=1; ${other}; ${session}`, 'Cookie', `sluice-hub-panels=2;\t${another} `];
    const request = authRequest(headers);
    const decision = await judge.decide(request);
    if (decision.is !== 'admitted') throw new Error(decision.is);
    for (const edits of [decision.edits, judge.own(request)]) {
      expect(edited(edits, headers).lines).toEqual(['Cookie: a=1', 'Cookie: sluice-hub-panels=2']);
    }
  });

  test.each(['//evil.test/x', '/\\evil.test', '/services/other/', 'https://evil.test/'])(
    'never goes on to %s',
    async (target) => {
      const back = (await signIn(hub().judge, page(target))) as Answered;
      expect(fieldOf(back.answer, 'Location')).toEqual(['/services/panel/']);
    },
  );

  test('that did not begin the sign-in, or has another code, or is late, gets no session', async () => {
    const { judge, state } = hub();
    const bare = authRequest([], { target: '/services/panel/oauth_callback?code=c0de&state=abc' });
    expect(await judge.decide(bare)).toMatchObject({ is: 'refused', result: 'malformed' });
    expect(await signIn(judge, page(), 'wrong')).toMatchObject({ is: 'refused', result: 'unknown' });
    expect(await signIn(judge, page(), '')).toMatchObject({ is: 'refused', result: 'unknown' });
    const { login } = judge.challenge(page());
    const query = new URL(fieldOf(login!, 'Location')[0]!, 'https://hub.test').searchParams;
    const target = `/services/panel/oauth_callback?code=c0de&state=${query.get('state')}`;
    state.now += 600_000;
    const late = authRequest(['Cookie', cookiesIn(login!).join('; ')], { target });
    expect(await judge.decide(late)).toMatchObject({ is: 'refused', result: 'malformed' });
  });

  // jupyterhub/jupyterhub#1438, #2044 and #2351: who came back late, or twice, stood before an error that stayed.
  test('that comes back too late is sent once more, to where the app begins, and signed in', async () => {
    const { judge } = hub();
    const late = page('/services/panel/oauth_callback?code=c0de&state=abc');
    const again = (await judge.decide(late)) as Answered;
    expect(again).toMatchObject({ is: 'answered', result: 'relayed', answer: { status: 302 } });
    const query = new URL(fieldOf(again.answer, 'Location')[0]!, 'https://hub.test').searchParams;
    const target = `/services/panel/oauth_callback?code=c0de&state=${query.get('state')}`;
    // One that keeps no cookies does not go round.
    expect(await judge.decide(page(target))).toMatchObject({ is: 'refused', result: 'malformed' });
    const back = (await judge.decide(page(target, ['Cookie', cookiesIn(again.answer).join('; ')]))) as Answered;
    expect(back).toMatchObject({ is: 'answered', result: 'admitted' });
    expect(fieldOf(back.answer, 'Location')).toEqual(['/services/panel/']);
  });

  // auth0/auth0.js#1263, decidim/decidim#7362: a browser keeps no cookie beyond 4096 bytes.
  test.each([
    ['a long address', `/services/panel/app?x=${'y'.repeat(2500)}`, 'all of it'],
    ['a longer address', `/services/panel/app?x=${'y'.repeat(5000)}`, '/services/panel/app'],
    ['a long path', `/services/panel/${'y'.repeat(5000)}`, '/services/panel/'],
  ])('at %s is signed in with a cookie that it keeps', async (_, target, next) => {
    const { judge } = hub();
    for (const cookie of cookiesIn(judge.challenge(page(target)).login!)) {
      expect(cookie.length).toBeLessThanOrEqual(4096);
    }
    const back = (await signIn(judge, page(target))) as Answered;
    expect(fieldOf(back.answer, 'Location')).toEqual([next === 'all of it' ? target : next]);
  });

  test('cannot put a session in the place of a state, nor the other way round', async () => {
    const { judge } = hub();
    const session = cookiesIn(((await signIn(judge)) as Answered).answer)
      .at(-1)!
      .split('=')[1]!;
    const target = '/services/panel/oauth_callback?code=c0de&state=abcdefgh';
    const headers = ['Cookie', `sluice-hub-panel-abcdefgh=${session}`];
    expect(await judge.decide(authRequest(headers, { target }))).toMatchObject({ is: 'refused', result: 'malformed' });
    const state = cookiesIn(judge.challenge(page()).login!)[0]!.split('=')[1]!;
    expect(await judge.decide(authRequest(['Cookie', `sluice-hub-panel=${state}`]))).toMatchObject({ is: 'refused' });
  });

  test('may have a few sessions of other paths before its own, and no thousand, each of which takes time to look at', async () => {
    const { judge } = hub();
    const own = seal(sealKey('s3cret', 'jupyterhub panel'), 'good');
    const behind = (count: number) => {
      const others = Array.from({ length: count }, () => `sluice-hub-panel=${own.slice(0, -4)}AAAA; `).join('');
      return authRequest(['Cookie', `${others}sluice-hub-panel=${own}`]);
    };
    expect(await judge.decide(behind(7))).toMatchObject({ is: 'admitted', identity: { name: 'ann' } });
    expect(judge.remembers(behind(7))).toBe(true);
    expect(await judge.decide(behind(8))).toMatchObject({ is: 'refused', result: 'expired' });
    expect(judge.remembers(behind(8))).toBe(false);
  });

  test('whose session is over is sent to sign in again; its scripts are refused', async () => {
    const { judge, state } = hub({ cacheMs: 0 });
    const session = cookiesIn(((await signIn(judge)) as Answered).answer).at(-1)!;
    state.users = {};
    expect(await judge.decide(page('/services/panel/', ['Cookie', session]))).toMatchObject({
      is: 'answered',
      answer: { status: 302 },
    });
    expect(await judge.decide(authRequest(['Cookie', session]))).toMatchObject({ is: 'refused', result: 'expired' });
    expect(await judge.decide(authRequest(['Cookie', 'sluice-hub-panel=made-up']))).toMatchObject({
      result: 'expired',
    });
    expect(judge.challenge(authRequest(['Accept', '*/*']))).toEqual({ authenticate: 'Bearer' });
  });
});

test.each(['made-up', seal(sealKey('former', 'jupyterhub panel'), 'good')])(
  'a browser whose session cannot be opened, as after a new token of the service, is sent to sign in again: %s',
  async (session) => {
    const { judge, state } = hub();
    const decision = await judge.decide(page('/services/panel/app', ['Cookie', `sluice-hub-panel=${session}`]));
    expect(decision).toMatchObject({ is: 'answered', result: 'relayed', answer: { status: 302 } });
    expect(state.questions).toEqual([]);
  },
);

describe('a program', () => {
  test.each(['token', 'Bearer'])('with a token of the hub as %s is let in, and asked for once', async (scheme) => {
    const { judge, state } = hub();
    const request = authRequest(['Authorization', `${scheme} good`]);
    expect(judge.brings(request)).toBe(true);
    const both = await Promise.all([judge.decide(request), judge.decide(request)]);
    for (const decision of both) expect(decision).toMatchObject({ is: 'admitted', identity: { name: 'ann' } });
    expect(state.questions).toHaveLength(1);
    state.now += 60_000;
    await judge.decide(request);
    expect(state.questions).toHaveLength(2);
  });

  const deciding = (request: AuthRequest, users = {}) => hub({}, users).judge.decide(request);
  const token = (value: string) => authRequest(['Authorization', `token ${value}`]);
  test.each([
    ['with no token of the hub', token('bad'), {}, 'unknown'],
    ['with two', authRequest(['Authorization', 'token a', 'Authorization', 'Bearer b']), {}, 'several'],
    ['with one that is none', token('a b'), {}, 'malformed'],
    ['with one of 1 MB', token('x'.repeat(1_000_000)), {}, 'malformed'],
    ['without the scope', token('good'), { good: { ...ann, scopes: ['access:services!service=other'] } }, 'claim'],
    ['without any scope', token('good'), { good: { ...ann, scopes: undefined } }, 'claim'],
    ['without a name', token('good'), { good: { ...ann, name: null } }, 'unavailable'],
    ['of whom the hub says nonsense', token('good'), { good: 'nonsense' }, 'unavailable'],
  ])('%s is refused', async (_, request, users, result) => {
    expect(await deciding(request, users)).toMatchObject({ is: 'refused', result });
  });

  test('whom the hub names without the scope is known to the log', async () => {
    expect(await deciding(token('good'), { good: { ...ann, scopes: [] } })).toMatchObject({
      identity: { name: 'ann' },
    });
  });

  test('that may use all services is let in', async () => {
    expect(await deciding(token('good'), { good: { ...ann, scopes: ['access:services'] } })).toMatchObject({
      is: 'admitted',
    });
  });

  test('is not let in while the hub, or the file of the token, is not there', async () => {
    const gone = hub({ ask: async () => ({ problem: 'refused' }) }).judge;
    expect(await gone.decide(token('good'))).toMatchObject({
      result: 'unavailable',
      guessed: false,
      detail: 'the hub: refused',
    });
    const blind = hub({ secret: () => null }).judge;
    expect(await blind.decide(token('good'))).toMatchObject({ result: 'unavailable' });
    expect(blind.challenge(page())).toEqual({ authenticate: 'Bearer' });
  });
});

test.each([
  ['is not there', { problem: 'refused' }, 'the hub: refused'],
  ['fails', json({}, 502), 'the hub: it answers 502'],
])('who comes back with a code from a hub that %s has guessed nothing', async (_, answer, detail) => {
  const { judge } = hub({ ask: async () => answer });
  expect(await signIn(judge)).toMatchObject({ is: 'refused', result: 'unavailable', guessed: false, detail });
});

test('the hub is asked again about connections', async () => {
  const { judge, state } = hub({ recheckMs: 300_000 });
  const decision = await judge.decide(authRequest(['Authorization', 'token good']));
  if (decision.is !== 'admitted') throw new Error(decision.is);
  const { ask, everyMs } = decision.life.recheck!;
  expect([everyMs, await ask()]).toEqual([300_000, 'stays']);
  state.users = { good: { ...ann, name: 'bob' } };
  expect(await ask()).toBe('goes');
  state.users = {};
  expect(await ask()).toBe('goes');
  state.users = { good: 7 };
  expect(await ask()).toBe('unknown');
});

test('what is known of a token is forgotten with the connection that asking again ends', async () => {
  const { judge, state } = hub({ recheckMs: 300_000 });
  const request = authRequest(['Authorization', 'token good']);
  const decision = await judge.decide(request);
  if (decision.is !== 'admitted') throw new Error(decision.is);
  state.users = {};
  expect((await judge.decide(request)).is).toBe('admitted');
  expect(await decision.life.recheck!.ask()).toBe('goes');
  expect((await judge.decide(request)).is).toBe('refused');
});

describe('a seal', () => {
  const key = sealKey('secret', 'use');
  test('opens with its own key, whole', () => {
    const sealed = seal(key, 'tökén');
    expect(unseal(key, sealed)).toBe('tökén');
    expect(seal(key, 'tökén')).not.toBe(sealed);
    for (const other of [sealKey('other', 'use'), sealKey('secret', 'other')]) expect(unseal(other, sealed)).toBeNull();
  });

  test('opens to nobody who changes a byte of it', () => {
    const bytes = Buffer.from(seal(key, 'token'), 'base64url');
    for (let i = 0; i < bytes.length; i++) {
      const changed = Buffer.from(bytes);
      changed[i]! ^= 1;
      expect(unseal(key, changed.toString('base64url'))).toBeNull();
    }
    for (const text of ['', 'x', '.', 'x'.repeat(1_000_000)]) expect(unseal(key, text)).toBeNull();
  });
});

test('the file of the token holds one', () => {
  expect(parseSecret(' abc\n')).toEqual({ value: 'abc' });
  expect(parseSecret('\n')).toMatchObject({ problem: expect.stringContaining('is empty') });
  expect(parseSecret('a b')).toMatchObject({ problem: expect.stringContaining('more than one') });
});

test('the hub’s word is remembered for its time, for programs and browsers, and for nobody else', async () => {
  const { judge, state } = hub();
  const program = authRequest(['Authorization', 'token good']);
  expect(judge.remembers(program)).toBe(false);
  await judge.decide(program);
  expect(judge.remembers(program)).toBe(true);
  expect(judge.remembers(authRequest(['Authorization', 'token bad']))).toBe(false);
  expect(judge.remembers(authRequest(['Authorization', 'token good', 'Authorization', 'token bad']))).toBe(false);
  const back = (await signIn(judge)) as Answered;
  const browser = authRequest(['Cookie', cookiesIn(back.answer).join('; ')]);
  expect(judge.remembers(browser)).toBe(true);
  expect(judge.remembers(authRequest(['Cookie', 'sluice-hub-panel=forged']))).toBe(false);
  await judge.decide(authRequest(['Authorization', 'token bad']));
  expect(judge.remembers(authRequest(['Authorization', 'token bad']))).toBe(false);
  state.now += 60_000;
  expect([judge.remembers(program), judge.remembers(browser)]).toEqual([false, false]);
  expect(hub({ secret: () => null }).judge.remembers(program)).toBe(false);
});
