import { expect, test } from 'vitest';
import { type ApiRoute, ApiRoutes } from '../../../src/routes/api-routes.ts';

const body = (port: number, more: object = {}) => JSON.stringify({ target: `http://127.0.0.1:${port}`, ...more });

function tableOf(withHosts = false, most?: number) {
  const events: string[] = [];
  const routes = new ApiRoutes(withHosts, undefined, most);
  routes.listener = {
    added: ({ key }) => events.push(`+${key}`),
    removed: ({ key }) => events.push(`-${key}`),
    changed: () => events.push('changed'),
  };
  return { routes, events };
}

const found = (routes: ApiRoutes, path: string) => routes.get(path) as ApiRoute | null;

test('sets, finds and deletes by path, however it is spelled', () => {
  const { routes, events } = tableOf();
  expect(routes.set('/user/ann/', body(1), 5)).toBeNull();
  expect(found(routes, '/user/%61nn')).toMatchObject({ key: '/user/ann', lastActivity: 5, path: '/user/ann' });
  expect(found(routes, '/user/Ann')).toBeNull();
  routes.delete(found(routes, '/user/ann')!);
  expect(found(routes, '/user/ann')).toBeNull();
  expect([...routes.all()]).toEqual([]);
  expect(events).toEqual(['+/user/ann', 'changed', '-/user/ann', 'changed']);
});

test('deletes what is gone already without a word', () => {
  const { routes, events } = tableOf();
  routes.set('/a', body(1), 0);
  const route = found(routes, '/a')!;
  routes.delete(route);
  routes.delete(route);
  expect(events.filter((event) => event === '-/a')).toHaveLength(1);
});

test('what leads to the same target goes on, with other data; another target is another route', () => {
  const { routes, events } = tableOf();
  routes.set('/a', body(1), 1);
  const first = found(routes, '/a')!;
  routes.set('/a', body(1, { extra: true }), 2);
  expect(found(routes, '/a')).toBe(first);
  expect(first.json('T')).toBe('{"target":"http://127.0.0.1:1","extra":true,"last_activity":"T"}');
  expect(first.lastActivity).toBe(2);
  routes.set('/a', body(2), 3);
  expect(found(routes, '/a')).not.toBe(first);
  // Another kind has other limits.
  routes.set('/a', body(2, { user: 'a' }), 4);
  expect(events.filter((event) => event !== 'changed')).toEqual(['+/a', '-/a', '+/a', '-/a', '+/a']);
});

test('an escaped slash is kept, so that requests with it find the route', () => {
  const { routes } = tableOf();
  routes.set('/user/a%2Fb', body(1), 0);
  const route = found(routes, '/user/a/b')!;
  expect(route.path).toBe('/user/a%2Fb');
  expect(route.patterns.map(({ length }) => length)).toEqual([3, 2]);
  expect(route.segmentsIn(['user', 'a/b', 'lab'])).toBe(2);
  expect(route.segmentsIn(['user', 'a', 'b', 'lab'])).toBe(3);
  expect(route.segmentsIn(['elsewhere'])).toBe(3);
});

test('with hosts an escaped slash behind the host is a slash, and does not make the route one of the whole host', () => {
  const { routes } = tableOf(true);
  expect(routes.set('/ann.example.org%2Ffoo', body(1), 0)).toBeNull();
  expect(routes.set('/ann.example.org/a%2Fb', body(1), 0)).toBeNull();
  const lengths = (path: string) => found(routes, path)!.patterns.map(({ length }) => length);
  expect(lengths('/ann.example.org/foo')).toEqual([1]);
  expect(lengths('/ann.example.org/a%2Fb')).toEqual([2, 1]);
});

test('with hosts the first segment is one, in lower case', () => {
  const { routes } = tableOf(true);
  routes.set('/Ann.example.org/user/ann', body(1), 0);
  const route = found(routes, '/Ann.example.org/user/ann')!;
  expect(route.hosts).toEqual(['ann.example.org']);
  expect(route.segmentsIn([])).toBe(2);
  expect(route.data).toContain('"host":"ann.example.org"');
  routes.set('/', body(1), 0);
  expect(found(routes, '/')!.hosts).toEqual([]);
  expect(routes.set('/a%20b/x', body(1), 0)?.problem).toMatch(/no host/);
  expect(routes.set('/a:80/x', body(1), 0)?.problem).toMatch(/no host/);
  expect(routes.set(`/${'a'.repeat(300)}/x`, body(1), 0)?.problem, 'no request has it').toMatch(/no host/);
  routes.set('/bob.example.org./x', body(1), 0);
  expect(found(routes, '/bob.example.org./x')!.hosts).toEqual(['bob.example.org']);
});

test('refuses, with a reason, what its parts refuse', () => {
  const routes = new ApiRoutes(false, ({ upstream }) => (upstream.port === 9 ? { problem: 'not there' } : null));
  expect(routes.set('/%', body(1), 0)?.problem).toMatch(/UTF-8/);
  expect(routes.get('/%')).toMatchObject({ problem: expect.stringMatching(/UTF-8/) });
  expect(routes.set('/a', '{}', 0)?.problem).toMatch(/target/);
  expect(routes.set('/a', '{"target":"x"}', 0)?.problem).toMatch(/URL/);
  expect(routes.set('/a', body(9), 0)).toEqual({ problem: 'not there' });
  expect(routes.size).toBe(0);
});

test.each([
  ['is too long', '/'.padEnd(2000, '@')],
  ['holds a control character', '/a%2fb\u00c0'],
])('refuses what cannot be read again because it %s once it is escaped', (_why, path) => {
  const { routes, events } = tableOf();
  expect(routes.set(path, body(1), 0)?.problem).toMatch(/, once it is escaped$/);
  expect(routes.size).toBe(0);
  expect(events).toEqual([]);
});

test('holds so many routes and no more; those that are there may still change', () => {
  const { routes } = tableOf(false, 2);
  routes.set('/a', body(1), 0);
  routes.set('/b', body(1), 0);
  expect(routes.set('/c', body(1), 0)).toMatchObject({
    full: true,
    problem: expect.stringMatching(/^there are 2 routes, .*delete those.*inactive_since/),
  });
  expect(routes.set('/a', body(2), 0)).toBeNull();
  routes.delete(found(routes, '/b')!);
  expect(routes.set('/c', body(1), 0)).toBeNull();
});

test('holds so many characters and no more, and counts what takes the place of something', () => {
  const routes = new ApiRoutes(false, undefined, 10, 148);
  const more = (length: number) => ({ x: 'x'.repeat(length) });
  expect(routes.set('/a', body(1, more(30)), 0)).toBeNull();
  const full = routes.set('/b', body(1, more(40)), 0);
  expect(full).toMatchObject({ full: true });
  expect(full?.problem).toMatch(/^the paths, targets and data of 1 routes have 105 characters .*more than 148.*delete/);
  expect(routes.set('/a', body(1, more(70)), 0), 'what it had counts no more').toBeNull();
  expect(routes.set('/a', body(1, more(80)), 0)).toMatchObject({ full: true });
  expect(found(routes, '/a')!.characters).toBe(145);
  routes.delete(found(routes, '/a')!);
  expect(routes.set('/b', body(1, more(40)), 0)).toBeNull();
});

test('a path of many short segments counts for the nodes that it takes, in each way in which it may be read', () => {
  const { routes } = tableOf();
  const path = '/a'.repeat(2000);
  expect(routes.set(path, body(1), 0)).toBeNull();
  const route = found(routes, path)!;
  expect(route.characters).toBeGreaterThan(2000 * 48);
  expect(routes.set('/b/c', body(1), 0)).toBeNull();
  expect(routes.set('/b%2Fd', body(1), 0)).toBeNull();
  expect(found(routes, '/b/d')!.characters - found(routes, '/b/c')!.characters).toBe(2 * 48);
  let set = 0;
  while (routes.set(`/${set}${path}`, body(1), 0) === null) set++;
  expect(set).toBeLessThan((64 << 20) / (2000 * 48));
});

test('what a route holds is the same text, whether somebody has used it or not', () => {
  const { routes } = tableOf();
  routes.set('/user/a%2Fb', body(1, { user: 'a/b' }), 0);
  const route = found(routes, '/user/a/b')!;
  const before = [route.data, route.path, route.patterns, route.characters];
  expect(route.target.upstream.href).toBe('http://127.0.0.1:1');
  expect([route.data, route.path, route.patterns, route.characters]).toEqual(before);
  expect(JSON.parse(route.data)).toEqual({ target: 'http://127.0.0.1:1', user: 'a/b' });
});

test('nobody need listen', () => {
  const routes = new ApiRoutes(false);
  routes.set('/a', body(1), 0);
  routes.set('/a', body(2), 0);
  routes.delete(found(routes, '/a')!);
  expect(routes.size).toBe(0);
});

test('a default target is the root’s until a program has set it, and again when that is gone', () => {
  const { routes } = tableOf();
  expect(routes.setDefault('nowhere', 0)).toMatchObject({ problem: expect.stringContaining('no URL') });
  expect(routes.setDefault('http://127.0.0.1:1', 0)).toBeNull();
  expect(routes.setDefault('http://127.0.0.1:2', 0)).toBeNull();
  expect(found(routes, '/')!.target.upstream.href).toBe('http://127.0.0.1:2');
  routes.set('/', body(3, { hub: true }), 0);
  expect(routes.setDefault('http://127.0.0.1:4', 0)).toBeNull();
  expect(found(routes, '/')!.target.upstream.href).toBe('http://127.0.0.1:3');
  routes.delete(found(routes, '/')!);
  routes.setDefault('http://127.0.0.1:5', 0);
  expect(found(routes, '/')!.target.upstream.href).toBe('http://127.0.0.1:5');
});
