/** The same calls to configurable-http-proxy and to Sluice: what a hub sees is the same. */
import { ConfigurableProxy } from 'configurable-http-proxy';
import { describe, expect, onTestFinished, test } from 'vitest';
import { ask, echo, type HubGateway, httpServer, hubGateway, token } from '../../helpers/hub.ts';
import { listen } from '../../helpers/listen.ts';

interface Proxy {
  readonly port: number;
  readonly apiPort: number;
}

const silent = { debug() {}, info() {}, warn() {}, error() {} };

async function chp(options: object = {}): Promise<Proxy> {
  const proxy = new ConfigurableProxy({ authToken: token, log: silent, ...options });
  const servers = [proxy.proxyServer, proxy.apiServer];
  onTestFinished(() => {
    for (const server of servers) {
      server.close();
      server.closeAllConnections();
    }
  });
  return { port: await listen(proxy.proxyServer), apiPort: await listen(proxy.apiServer) };
}

/** What of an answer a hub reads; times differ. */
interface Seen {
  readonly status: number;
  readonly json: unknown;
}

interface Call {
  readonly method?: string;
  readonly path: string;
  readonly body?: unknown;
  readonly authorization?: string | null;
  /** To the public port. */
  readonly public?: boolean;
  readonly host?: string;
}

async function call({ port, apiPort }: Proxy, one: Call): Promise<Seen> {
  const { method = 'GET', path, body, authorization = `token ${token}`, host } = one;
  const headers = {
    ...(authorization === null ? {} : { authorization }),
    ...(host === undefined ? {} : { host }),
  };
  const text = body === undefined ? undefined : typeof body === 'string' ? body : JSON.stringify(body);
  const answer = await ask(one.public ? port : apiPort, path, {
    method,
    headers,
    ...(text === undefined ? {} : { body: text }),
  });
  const isJson = String(answer.headers['content-type']).startsWith('application/json');
  return { status: answer.status, json: isJson ? seen(JSON.parse(answer.body)) : null };
}

/** A time is a time in both, and headers are none of this. */
function seen(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if ('url' in value) return value.url;
  const entries = Object.entries(value).map(([key, inner]) =>
    key === 'last_activity'
      ? [key, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/.test(String(inner))]
      : [key, seen(inner)],
  );
  return Object.fromEntries(entries);
}

let target = '';

const post = (path: string, body: object = {}): Call => ({
  method: 'POST',
  path: `/api/routes${path}`,
  body: { target, ...body },
});
const get = (path: string): Call => ({ path: `/api/routes${path}` });
const del = (path: string): Call => ({ method: 'DELETE', path: `/api/routes${path}` });
const visit = (path: string, host?: string): Call => ({ public: true, path, ...(host === undefined ? {} : { host }) });

/** Each a conversation: every call's answer is compared. */
const conversations: readonly (readonly [name: string, calls: () => readonly Call[]])[] = [
  ['an empty table', () => [get(''), get('/'), get('/user/ann')]],
  [
    'one route',
    () => [post('/user/ann', { user: 'ann', jupyterhub: true }), get('/user/ann'), get(''), visit('/user/ann/lab?x=1')],
  ],
  ['trailing slashes', () => [post('/user/ann/'), get('/user/ann'), get('/user/ann/'), del('/user/ann/'), get('')]],
  [
    'the root',
    () => [post('', { hub: true }), get(''), post('/', { hub: 1 }), get('/'), visit('/x/y'), del('/'), visit('/x/y')],
  ],
  ['a deletion', () => [post('/a'), del('/a'), del('/a'), del('/b'), get('/a')]],
  [
    'escapes',
    () => [
      post('/has%20space/foo'),
      post('/%C3%BC%F0%9F%98%80'),
      get(''),
      get('/has%20space/foo'),
      visit('/has%20space/foo/x'),
      visit('/%C3%BC%F0%9F%98%80/x'),
    ],
  ],
  [
    'two slashes',
    () => [post('/x//y/z', { extra: true }), get(''), get('/x//y/z'), visit('/x/y/z'), del('/x//y/z'), get('')],
  ],
  [
    'names of the language',
    () => [
      post('/user/constructor'),
      get('/user/constructor'),
      get('/toString'),
      visit('/user/constructor/x'),
      visit('/user/nobody'),
    ],
  ],
  ['case', () => [post('/user/Ann'), get('/user/ann'), visit('/user/ann'), visit('/user/Ann')]],
  [
    'whole segments',
    () => [post('/user/ann'), visit('/user/annabel'), visit('/user/ann'), visit('/user/ann/'), visit('/user')],
  ],
  [
    'the longest prefix',
    () => [post('/'), post('/a/b/c'), visit('/a/b/d'), visit('/a/b/c/d'), del('/a/b/c'), visit('/a/b/c/d')],
  ],
  [
    'data of odd types',
    () => [post('/a', { jupyterhub: [1, { a: null }], last_activity: 'yesterday', user: 5 }), get('/a'), get('')],
  ],
  ['data that is set anew', () => [post('/a', { x: 1 }), post('/a', { y: 2 }), get('/a')]],
  [
    'bodies that are none',
    () => [
      { method: 'POST', path: '/api/routes/a', body: '{' },
      { method: 'POST', path: '/api/routes/a', body: '[]' },
      { method: 'POST', path: '/api/routes/a', body: '{}' },
      { method: 'POST', path: '/api/routes/a', body: '{"target": 1}' },
      get(''),
    ],
  ],
  [
    'what is not there',
    () => [
      { path: '/' },
      { path: '/api' },
      { path: '/api/routesx' },
      { path: '/api/route' },
      { method: 'PUT', path: '/api/routes/a' },
      { method: 'HEAD', path: '/api/routes' },
      { method: 'PATCH', path: '/api/routes' },
    ],
  ],
  [
    'tokens',
    () => [
      { ...get(''), authorization: null },
      { ...get(''), authorization: 'token wrong' },
      { ...get(''), authorization: 'Bearer secret!' },
      { ...get(''), authorization: 'token  secret!' },
      { ...post('/a'), authorization: 'token' },
      { ...del('/a'), authorization: null },
      get(''),
    ],
  ],
  [
    'inactive_since',
    () => [
      post('/a'),
      get('?inactive_since=2000-01-01T00:00:00Z'),
      get('?inactiveSince=2000-01-01T00:00:00Z'),
      get('?inactive_since=2100-01-01T00:00:00Z'),
      get('?inactiveSince=2100-01-01'),
      get('?inactive_since=yesterday'),
      get('?inactiveSince=nan'),
      get('?inactive_since='),
      get('/?inactive_since=x'),
      get('/a?inactive_since=x'),
    ],
  ],
  [
    'a path in the target',
    () => [
      { method: 'POST', path: '/api/routes/a', body: { target: `${target}/base` } },
      { method: 'POST', path: '/api/routes/b', body: { target: `${target}/base/` } },
      visit('/a/x?y=1'),
      visit('/b/x'),
      visit('/a'),
      visit('/b/'),
    ],
  ],
  [
    'health',
    () => [visit('/_chp_healthz'), post('/'), visit('/_chp_healthz'), post('/_chp_healthz'), visit('/_chp_healthz')],
  ],
  [
    'no server',
    () => [
      { method: 'POST', path: '/api/routes/a', body: { target: 'http://127.0.0.1:1' } },
      visit('/a'),
      visit('/nowhere'),
    ],
  ],
];

describe('with paths', () => {
  test.each(conversations)('%s', async (_name, calls) => {
    target = `http://127.0.0.1:${await httpServer(echo)}`;
    const [theirs, ours] = [await chp(), await hubGateway()];
    for (const one of calls()) {
      expect(await call(ours, one), JSON.stringify(one)).toEqual(await call(theirs, one));
    }
  });
});

describe('with hosts', () => {
  test('the first segment is the host, and the root is for all', async () => {
    target = `http://127.0.0.1:${await httpServer(echo)}`;
    const [theirs, ours] = [await chp({ hostRouting: true }), await hubGateway({ api: 'hosts: true' })];
    const calls = [
      post('/'),
      post('/ann.example.org/user/ann', { user: 'ann' }),
      { method: 'POST', path: '/api/routes/bob.example.org', body: { target: `${target}/bob` } },
      get(''),
      get('/ann.example.org/user/ann'),
      visit('/user/ann/x', 'ann.example.org'),
      visit('/user/ann/x', 'ann.example.org:8000'),
      visit('/x', 'bob.example.org'),
      visit('/x', 'eve.example.org'),
      del('/ann.example.org/user/ann'),
      del('/'),
      visit('/user/ann/x', 'ann.example.org'),
    ];
    for (const one of calls) expect(await call(ours, one), JSON.stringify(one)).toEqual(await call(theirs, one));
  });
});

describe('rules of flags', () => {
  const rules: readonly (readonly [name: string, theirs: object, ours: Parameters<typeof hubGateway>[0]])[] = [
    ['--no-include-prefix', { includePrefix: false }, { rules: { routePath: false } }],
    ['--no-prepend-path', { prependPath: false }, { rules: { targetPath: false } }],
  ];

  test.each(rules)('%s', async (_name, options, own) => {
    target = `http://127.0.0.1:${await httpServer(echo)}/base`;
    const [theirs, ours]: [Proxy, HubGateway] = [await chp({ prependPath: true, ...options }), await hubGateway(own)];
    for (const one of [post('/a/b'), visit('/a/b/c?d=1'), visit('/a/b/'), visit('/a/b/c/')]) {
      expect(await call(ours, one), JSON.stringify(one)).toEqual(await call(theirs, one));
    }
  });
});
