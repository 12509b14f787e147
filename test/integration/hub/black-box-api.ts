/** What a hub's proxy is asked at its API, one after the other. */
import { type Case, del, get, one, post, target, token, wiped } from './black-box-case.ts';

const withBody = (as: string, body: string) => post('/body', body, { as });
const withToken = (as: string, ...headers: string[]) =>
  get('', { as, headers: headers.length === 0 ? ['X-None: 1'] : headers });

/** Nobody could be sent there. */
export const badTargets = ['nonsense', '', 'ftp://127.0.0.1:1', 'http://', '//127.0.0.1:1', '127.0.0.1:1'];

export const api: readonly Case[] = [
  get('', { as: 'nothing is there' }),
  get('/'),
  get('/nobody'),
  del('/nobody'),
  // Every verb at every place.
  ...['GET', 'HEAD', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'TRACE', 'PROPFIND'].flatMap((method) =>
    ['/api/routes', '/api/routes/', '/api/routes/x', '/', '/api', '/api/', '/api/routesx', '/api/proxy', '/routes']
      .filter((path) => method !== 'DELETE' || path !== '/api/routes')
      .map((path) => one('api', method, path, { as: 'verbs' })),
  ),
  ...['/', '/api', '/api/routesx'].map((path) =>
    one('api', 'POST', path, { as: 'verbs', body: JSON.stringify({ target }) }),
  ),
  // Bodies.
  ...['/api/routes', '/api/routes/x', ''].map((path) =>
    one('api', 'GET', `http://hub.example${path}`, { as: 'absolute form' }),
  ),
  withBody('none', ''),
  withBody('spaces', '  '),
  withBody('null', 'null'),
  withBody('a number', '1'),
  withBody('a text', '"x"'),
  withBody('a list', '[]'),
  withBody('an object without a target', '{}'),
  withBody('a target that is null', '{"target":null}'),
  withBody('a target that is a number', '{"target":1}'),
  withBody('a target that is an object', '{"target":{"url":"x"}}'),
  withBody('cut short', '{"target":"http://127.0.0.1:1"'),
  withBody('more behind it', '{"target":"http://127.0.0.1:1"}x'),
  withBody('quotes of JavaScript', "{'target':'http://127.0.0.1:1'}"),
  withBody('a mark of its order', '\ufeff{"target":"http://127.0.0.1:1"}'),
  withBody('white space around it', ' \n{"target" : "http://127.0.0.1:1" }\t\n'),
  withBody('a key twice', '{"target":"http://127.0.0.1:1","target":"http://127.0.0.1:2"}'),
  get('/body'),
  ...wiped('/body'),
  post('/type', {}, { as: 'of another type', headers: [token, 'Content-Type: text/plain'] }),
  post('/type', {}, { as: 'of a form', headers: [token, 'Content-Type: application/x-www-form-urlencoded'] }),
  post('/type', {}, { as: 'of JSON', headers: [token, 'Content-Type: application/json; charset=utf-8'] }),
  get('/type'),
  ...wiped('/type'),
  // Data.
  post('/data', {
    user: 'ann',
    server_name: '',
    jupyterhub: true,
    'a key': [1, { b: null }],
    ü: '😀',
    last_activity: 'never',
  }),
  get('/data'),
  get('', { as: 'with data' }),
  post('/data', { other: 1 }, { as: 'set anew' }),
  get('/data', { as: 'set anew' }),
  post(
    '/data',
    { nested: { target: 'x', last_activity: 1 }, empty: {}, zero: 0, no: false, text: 'a\u0000b"\\' },
    { as: 'odd' },
  ),
  get('/data', { as: 'odd' }),
  post('/data/', { slash: true }),
  get('/data/'),
  get('/data?x=1'),
  post('/data?query=1', { query: true }),
  get('/data', { as: 'after a query' }),
  del('/data/'),
  get('/data', { as: 'deleted' }),
  del('/data', { as: 'deleted' }),
  // Targets.
  ...[
    'https://127.0.0.1:1',
    'http+unix://%2Ftmp%2Fx.sock',
    'unix+http://%2Ftmp%2Fx.sock',
    'http://[::1]:1/base/',
    'http://Apps.Example:80',
    'http://127.0.0.1:1/a%20b',
  ].flatMap((url, i) => [post(`/t${i}`, { target: url }, { as: url }), get(`/t${i}`), ...wiped(`/t${i}`)]),
  ...badTargets.flatMap((url) => [
    post('/bad', { target: url }, { as: `the target ${JSON.stringify(url)}` }),
    ...wiped('/bad'),
  ]),
  // Tokens.
  withToken('no token'),
  withToken('a wrong one', 'Authorization: token wrong'),
  withToken('another scheme', 'Authorization: Bearer {token}'),
  withToken('the scheme in capitals', 'Authorization: Token {token}'),
  withToken('two spaces', 'Authorization: token  {token}'),
  withToken('a tab', 'Authorization: token\t{token}'),
  withToken('nothing behind the scheme', 'Authorization: token'),
  withToken('nothing at all', 'Authorization:'),
  withToken('the beginning of it', 'Authorization: token {token'),
  withToken('more behind it', 'Authorization: token {token}x'),
  withToken('a word behind it', 'Authorization: token {token} x'),
  withToken('a word before it', 'Authorization: my token {token}'),
  withToken('in a query alone', 'X-Token: {token}'),
  post('/no', {}, { as: 'no token', headers: ['X-None: 1'] }),
  del('/no', { as: 'no token', headers: ['X-None: 1'] }),
  get('/no', { as: 'no token', headers: ['X-None: 1'] }),
  post('/no', '{', { as: 'no token, no JSON', headers: ['X-None: 1'] }),
  one('api', 'PUT', '/api/routes', { as: 'no token', headers: ['X-None: 1'] }),
  one('api', 'GET', '/nowhere', { as: 'no token', headers: ['X-None: 1'] }),
  // Times.
  post('/time'),
  ...[
    '?inactive_since=2000-01-01T00:00:00Z',
    '?inactive_since=2100-01-01T00:00:00Z',
    '?inactive_since=2100-01-01T00:00:00.123Z',
    '?inactive_since=2100-01-01T00:00:00%2B00:00',
    '?inactiveSince=2100-01-01',
    '?inactiveSince=2000-01-01',
    '?inactiveSince=2000-01-01&inactive_since=2100-01-01',
    '?inactiveSince=&inactive_since=2100-01-01',
    '?inactive_since=',
    '?inactive_since',
    '?inactive_since=yesterday',
    '?inactiveSince=nan',
    '?inactiveSince=0',
    '?inactiveSince=1e400',
    '?inactive_since=2100-13-45',
    '?InactiveSince=2000-01-01',
    '?x=1',
    '/?inactive_since=x',
    '/?inactive_since=2000-01-01',
    '/time?inactive_since=2000-01-01',
  ].map((query) => get(query)),
  ...wiped('/time'),
];

/** CHP leaves these without an answer. */
export const unanswered: readonly Case[] = [one('api', 'DELETE', '/api/routes')];
