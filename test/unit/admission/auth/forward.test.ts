import { describe, expect, test } from 'vitest';
import type { Question, ServiceAnswer } from '../../../../src/admission/auth/asker.ts';
import { ForwardJudge, type ForwardOptions } from '../../../../src/admission/auth/forward/forward.ts';
import { authRequest, edited } from './requests.ts';

const letIn = (fields: string[] = []): ServiceAnswer => ({ status: 202, fields, body: Buffer.alloc(0) });
const user = (name: string, ...more: string[]) => letIn(['X-Auth-Request-User', name, ...more]);

function forward(
  answer: (question: Question) => ServiceAnswer | { problem: string } | Promise<ServiceAnswer>,
  options: Partial<ForwardOptions> = {},
) {
  const state = { now: 0, questions: [] as Question[] };
  const judge = new ForwardJudge({
    ask: async (question) => {
      state.questions.push(question);
      return answer(question);
    },
    path: '/oauth2/auth',
    preservesMethod: false,
    requestHeaders: ['authorization', 'cookie'],
    responseHeaders: ['X-Auth-Request-Email'],
    clientHeaders: ['Set-Cookie', 'X-Session-Ends'],
    userHeader: 'x-auth-request-user',
    groupsHeader: 'x-auth-request-groups',
    cacheMs: 0,
    recheckMs: 0,
    now: () => state.now,
    ...options,
  });
  return { state, judge };
}

const cookie = (value: string) => ['Cookie', value];

test('the service is told of the request, and gets the credentials and nothing else', async () => {
  const { judge, state } = forward(() => letIn());
  const headers = ['Cookie', 's=1', 'X-Secret', 'no', 'X-Forwarded-Uri', '/spoofed', 'Authorization', 'Bearer x'];
  await judge.decide(authRequest(headers, { method: 'POST', target: '/a?b', address: '192.0.2.7' }));
  expect(state.questions[0]).toMatchObject({ method: 'GET', path: '/oauth2/auth' });
  expect(state.questions[0]!.fields).toEqual([
    ['X-Forwarded-Method', 'POST'],
    ['X-Forwarded-Proto', 'https'],
    ['X-Forwarded-Host', 'apps.test'],
    ['X-Forwarded-Uri', '/a?b'],
    ['X-Forwarded-For', '192.0.2.7'],
    ['authorization', 'Bearer x'],
    ['cookie', 's=1'],
  ]);
});

test('the service hears once which answer the client can use, wherever the file names that too', async () => {
  const lines = ['Accept', 'application/json', 'X-Requested-With', 'XMLHttpRequest', 'Cookie', 's=1'];
  for (const requestHeaders of [['cookie'], ['cookie', 'accept']]) {
    const { judge, state } = forward(() => letIn(), { requestHeaders });
    await judge.decide(authRequest(lines));
    const said = state.questions[0]!.fields.slice(5).map(([name, value]) => `${name.toLowerCase()}: ${value}`);
    expect(said.toSorted()).toEqual(['accept: application/json', 'cookie: s=1', 'x-requested-with: XMLHttpRequest']);
  }
});

test('what it says of the user goes to the backend, and what clients say under these names does not', async () => {
  const { judge } = forward(() => user('ann', 'X-Auth-Request-Groups', 'a, b', 'X-Auth-Request-Email', 'ann@x.test'));
  const spoofed = [
    'X_Auth_Request_Email',
    'root@x.test',
    'X-Auth-Request-User',
    'root',
    'x_auth_request_groups',
    'admin',
  ];
  const headers = [...spoofed, 'X', '1'];
  const decision = await judge.decide(authRequest(headers));
  expect(decision).toMatchObject({ is: 'admitted', identity: { name: 'ann', groups: ['a', 'b'] } });
  if (decision.is === 'admitted') {
    expect(edited(decision.edits, headers).lines).toEqual(['X: 1', 'X-Auth-Request-Email: ann@x.test']);
  }
  const { judge: silent } = forward(() => letIn());
  const admitted = await silent.decide(authRequest(headers));
  expect(admitted).toMatchObject({ is: 'admitted', identity: null });
  if (admitted.is === 'admitted') expect(edited(admitted.edits, headers).lines).toEqual(['X: 1']);
});

test('what it says to the client goes there, as long as it holds', async () => {
  const { judge, state } = forward(() => user('ann', 'Set-Cookie', 's=2', 'set-cookie', 't=3', 'X-Other', '1'), {
    cacheMs: 5000,
  });
  for (let i = 0; i < 2; i++) {
    const decision = await judge.decide(authRequest(cookie('s=1')));
    expect(decision).toMatchObject({
      toClient: [
        ['Set-Cookie', 's=2'],
        ['Set-Cookie', 't=3'],
      ],
    });
  }
  expect(state.questions).toHaveLength(1);
});

test.each([true, false])(
  'what holds for a user holds for the method that the service has heard of: %s',
  async (preservesMethod) => {
    const { judge, state } = forward(() => user('ann'), { cacheMs: 5000, preservesMethod });
    for (const method of ['GET', 'POST', 'GET', 'POST']) {
      const decision = await judge.decide(authRequest(cookie('s=1'), { method, target: `/${method}` }));
      expect(decision).toMatchObject({ is: 'admitted', identity: { name: 'ann' } });
    }
    const told = state.questions.map(({ fields }) => fields.find(([name]) => name === 'X-Forwarded-Method')?.[1]);
    expect(told).toEqual(['GET', 'POST']);
  },
);

test.each([
  ['POST', 'POST'],
  ['TRACE', 'GET'],
])('a service that wants the method of the request is asked for %s with %s', async (method, asked) => {
  const { judge, state } = forward(() => user('ann'), { preservesMethod: true });
  await judge.decide(authRequest(cookie('s=1'), { method }));
  expect(state.questions[0]).toMatchObject({ method: asked });
  expect(state.questions[0]!.fields).toContainEqual(['X-Forwarded-Method', method]);
});

test('a redirect and a refusal are passed on, less what concerns the connection', async () => {
  const fields = [
    'Location',
    '/login',
    'Set-Cookie',
    'csrf=1',
    'Connection',
    'close, X-Of-This-Hop',
    'X-Of-This-Hop',
    '1',
    'Content-Length',
    '2',
    'Set-Cookie',
    'x=2',
  ];
  const { judge } = forward(() => ({ status: 302, fields, body: Buffer.from('hi') }));
  expect(await judge.decide(authRequest())).toEqual({
    is: 'answered',
    result: 'relayed',
    detail: 'the service of forward answers 302',
    guessed: true,
    answer: {
      status: 302,
      fields: [
        ['Location', '/login'],
        ['Set-Cookie', 'csrf=1'],
        ['Set-Cookie', 'x=2'],
      ],
      body: Buffer.from('hi'),
    },
  });
});

test('an error of its own is passed on too, and is nobody’s fault', async () => {
  const { judge } = forward(() => ({ status: 503, fields: ['Retry-After', '7'], body: Buffer.from('down') }));
  expect(await judge.decide(authRequest())).toMatchObject({
    is: 'answered',
    result: 'unavailable',
    guessed: false,
    answer: { status: 503, fields: [['Retry-After', '7']], body: Buffer.from('down') },
  });
});

test('a password that it turns down is a guess, a session or a token is none', async () => {
  const basic = authRequest(['Authorization', 'Basic YTpi']);
  const { judge } = forward(() => letIn());
  expect(judge.guessable(basic)).toBe(true);
  expect(judge.guessable(authRequest(['Authorization', 'Bearer YTpi', 'Cookie', 's=1']))).toBe(false);
  // It is not asked about passwords.
  expect(forward(() => letIn(), { requestHeaders: ['cookie'] }).judge.guessable(basic)).toBe(false);
  for (const [status, guessed] of [
    [302, true],
    [401, true],
    [403, false],
  ] as const) {
    const answering = forward(() => ({ status, fields: [], body: Buffer.alloc(0) }));
    expect(await answering.judge.decide(basic)).toMatchObject({ is: 'answered', guessed });
  }
});

test.each([
  ['no answer', { problem: 'no answer in 5000 ms' }],
  ['a status that is none', { status: 600, fields: [], body: Buffer.alloc(0) }],
  ['a switch of protocols', { status: 101, fields: [], body: Buffer.alloc(0) }],
  ['a name that is none', user('a\x80\x80')],
  ['two names', user('ann', 'X-Auth-Request-User', 'bob')],
])('%s lets nobody in', async (_, answer) => {
  expect(await forward(() => answer).judge.decide(authRequest())).toMatchObject({
    is: 'refused',
    result: 'unavailable',
  });
});

test.each([
  '/public/../private',
  '/public/%2e%2e/private',
  '/public/..%2fprivate',
  '/public/%252e%252e/x',
  '/a/..;x/b',
  '/a\\..\\b',
  '/a/.',
  '/%2E',
])('a path that the service and the backend may read in two ways is refused: %s', async (target) => {
  const { judge, state } = forward(() => user('ann'));
  expect(await judge.decide(authRequest([], { target }))).toMatchObject({ is: 'refused', result: 'malformed' });
  expect(state.questions).toEqual([]);
});

test.each(['/a.b/..c/.well-known/x..', '/dir%2Fa.ipynb', '/?x=/../', '/...'])(
  'and others are not: %s',
  async (target) => {
    expect(await forward(() => user('ann')).judge.decide(authRequest([], { target }))).toMatchObject({
      is: 'admitted',
    });
  },
);

describe('the cache', () => {
  test('spares a question for each credentials, whatever the path, for its time', async () => {
    const { judge, state } = forward(() => user('ann'), { cacheMs: 5000 });
    const get = (target: string, value = 's=1') => judge.decide(authRequest(cookie(value), { target }));
    await Promise.all(Array.from({ length: 80 }, (_, i) => get(`/static/${i}.js`)));
    expect(state.questions).toHaveLength(1);
    await get('/x', 's=2');
    expect(state.questions).toHaveLength(2);
    state.now = 5000;
    await get('/y');
    expect(state.questions).toHaveLength(3);
  });

  test('never carries what a path is free for over to another path', async () => {
    const path = ({ fields }: Question) => fields.find(([name]) => name === 'X-Forwarded-Uri')![1];
    const { judge } = forward(
      (question) =>
        path(question).startsWith('/public') ? letIn() : { status: 401, fields: [], body: Buffer.alloc(0) },
      { cacheMs: 5000 },
    );
    const get = (target: string) => judge.decide(authRequest(cookie('any=thing'), { target }));
    const [open, shut] = await Promise.all([get('/public'), get('/private')]);
    expect([open.is, shut.is]).toEqual(['admitted', 'answered']);
    expect((await get('/private')).is).toBe('answered');
    expect((await get('/public')).is).toBe('admitted');
  });

  test('keeps nothing for those without credentials, and nothing that does not let in', async () => {
    const { judge, state } = forward(() => user('ann'), { cacheMs: 5000 });
    await judge.decide(authRequest());
    await judge.decide(authRequest());
    expect(state.questions).toHaveLength(2);
    const shut = forward(() => ({ status: 302, fields: ['Set-Cookie', 'csrf=own'], body: Buffer.alloc(0) }), {
      cacheMs: 5000,
    });
    await shut.judge.decide(authRequest(cookie('s=1')));
    await shut.judge.decide(authRequest(cookie('s=1')));
    expect(shut.state.questions).toHaveLength(2);
  });

  test.each([
    ['does not let in', { status: 403, fields: [], body: Buffer.alloc(0) }],
    ['cannot be asked', { problem: 'no answer in 2000 ms' }],
    ['names nobody', letIn()],
  ])('asks once about a request where the service %s', async (_, answer) => {
    const { judge, state } = forward(() => answer as ServiceAnswer, { cacheMs: 5000 });
    await judge.decide(authRequest(cookie('s=1')));
    expect(state.questions).toHaveLength(1);
  });

  test('keeps what names nobody for its own path, whose question it was', async () => {
    const { judge, state } = forward(() => letIn(), { cacheMs: 5000 });
    const get = (target: string) => judge.decide(authRequest(cookie('s=1'), { target }));
    await get('/a');
    await get('/a');
    expect(state.questions).toHaveLength(1);
    await get('/b');
    await get('/b');
    expect(state.questions).toHaveLength(2);
  });

  test('holds for the address that it was told of, in the same words to all paths and to its own', async () => {
    const inside = (question: Question) =>
      question.fields.some(([name, value]) => name === 'X-Forwarded-For' && value === '192.0.2.1');
    for (const answer of [user('ann'), letIn()]) {
      const { judge } = forward(
        (question) => (inside(question) ? answer : { status: 401, fields: [], body: Buffer.alloc(0) }),
        { cacheMs: 5000 },
      );
      expect((await judge.decide(authRequest(cookie('s=1')))).is).toBe('admitted');
      expect((await judge.decide(authRequest(cookie('s=1'), { address: '203.0.113.9' }))).is).toBe('answered');
      expect((await judge.decide(authRequest(cookie('s=1')))).is).toBe('admitted');
    }
  });

  test('knows whom it knows, whichever answer they can use', async () => {
    const { judge, state } = forward(() => user('ann'), { cacheMs: 5000 });
    for (const accept of ['text/html', 'image/*', '*/*']) {
      await judge.decide(authRequest([...cookie('s=1'), 'Accept', accept]));
    }
    expect(state.questions).toHaveLength(1);
  });

  test('sends nobody away as somebody else wants it, who asks at the same time', async () => {
    const wants = ({ fields }: Question) => fields.find(([name]) => name === 'Accept')![1];
    const { judge } = forward(
      async (question) => ({
        status: wants(question) === 'text/html' ? 302 : 401,
        fields: [],
        body: Buffer.alloc(0),
      }),
      { cacheMs: 5000 },
    );
    const accepts = ['text/html', 'application/json', 'text/html', 'application/json'];
    const decisions = await Promise.all(
      accepts.map((accept) => judge.decide(authRequest([...cookie('s=old'), 'Accept', accept]))),
    );
    expect(decisions.map((one) => one.is === 'answered' && one.answer.status)).toEqual([302, 401, 302, 401]);
  });

  test('tells hosts, schemes and the lines of credentials apart', async () => {
    const { judge, state } = forward(() => user('ann'), { cacheMs: 5000 });
    await judge.decide(authRequest(cookie('x')));
    await judge.decide(authRequest(['Authorization', 'x']));
    await judge.decide(authRequest(cookie('x'), { host: 'other.test' }));
    await judge.decide(authRequest(cookie('x'), { scheme: 'http' }));
    expect(state.questions).toHaveLength(4);
  });
});

describe('asking again', () => {
  test('is nothing that is done unless the route says so', async () => {
    expect(await forward(() => user('ann')).judge.decide(authRequest())).toMatchObject({ life: { recheck: null } });
  });

  test.each([
    ['the same user stays', () => user('ann'), 'stays'],
    ['another user goes', () => user('bob'), 'goes'],
    ['nobody goes', () => letIn(), 'goes'],
    ['who is signed out goes', () => ({ status: 302, fields: [], body: Buffer.alloc(0) }), 'goes'],
    ['a service that is down ends nobody', () => ({ problem: 'refused' }), 'unknown'],
    ['one that errs ends nobody', () => ({ status: 502, fields: [], body: Buffer.alloc(0) }), 'unknown'],
    ['one that is asked too often ends nobody', () => ({ status: 429, fields: [], body: Buffer.alloc(0) }), 'unknown'],
  ] as const)('%s', async (_, second, standing) => {
    let asked = 0;
    const { judge } = forward(() => (asked++ === 0 ? user('ann') : (second() as ServiceAnswer)), {
      recheckMs: 300_000,
    });
    const decision = await judge.decide(authRequest(cookie('s=1')));
    if (decision.is !== 'admitted') throw new Error('not let in');
    expect(decision.life.recheck!.everyMs).toBe(300_000);
    expect(await decision.life.recheck!.ask()).toBe(standing);
  });

  test.each([
    ['of a user', user('ann')],
    ['of nobody, for its path', letIn()],
  ])('what is known %s is forgotten with whom it sends away, who comes back at once', async (_, first) => {
    let isIn = true;
    const out = { status: 401, fields: [], body: Buffer.alloc(0) };
    const { judge, state } = forward(() => (isIn ? first : out), { cacheMs: 60_000, recheckMs: 1000 });
    const request = authRequest(cookie('s=1'));
    const decision = await judge.decide(request);
    if (decision.is !== 'admitted') throw new Error('not let in');
    const ask = () => decision.life.recheck!.ask();
    expect([await ask(), (await judge.decide(request)).is, state.questions.length]).toEqual(['stays', 'admitted', 2]);
    isIn = false;
    expect([await ask(), (await judge.decide(request)).is]).toEqual(['goes', 'answered']);
  });
});
