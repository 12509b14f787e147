import { describe, expect, test } from 'vitest';
import { literalPattern } from '../../../src/routes/pattern.ts';
import { type FoundRoute, type RouteLookup, RouteTable, TwoTables } from '../../../src/routes/table.ts';

function tableOf(...routes: [name: string, hosts: string[], path: string][]) {
  const table = new RouteTable(routes.map(([name, hosts, path]) => ({ name, hosts, path })));
  return (host: string, path: string) => nameOf(table.find(host, path));
}

function nameOf(found: FoundRoute<{ readonly name: string }>): string | null | (string | null)[] {
  if (found === null) return null;
  return 'route' in found ? found.route.name : found.between.map((route) => route?.name ?? null);
}

test('an exact host comes before a wildcard, and that before none, whatever the paths', () => {
  const match = tableOf(
    ['any', [], '/app/deep'],
    ['wild', ['*.example.org'], '/app/deep'],
    ['exact', ['apps.example.org'], '/app'],
  );
  expect(match('apps.example.org', '/app/deep')).toBe('exact');
  expect(match('other.example.org', '/app/deep')).toBe('wild');
  expect(match('elsewhere.test', '/app/deep')).toBe('any');
});

test('a host without a fitting path falls back to the less specific hosts', () => {
  const match = tableOf(['any', [], '/'], ['wild', ['*.example.org'], '/w'], ['exact', ['apps.example.org'], '/e']);
  expect(match('apps.example.org', '/w')).toBe('wild');
  expect(match('apps.example.org', '/x')).toBe('any');
});

test('of two wildcards the longer one wins', () => {
  const match = tableOf(['short', ['*.example.org'], '/a'], ['long', ['*.eu.example.org'], '/']);
  expect(match('x.eu.example.org', '/a')).toBe('long');
  expect(match('x.us.example.org', '/a')).toBe('short');
});

test('a wildcard matches every name below its suffix and nothing else', () => {
  const match = tableOf(['wild', ['*.example.org'], '/']);
  expect(match('a.b.example.org', '/')).toBe('wild');
  expect(match('example.org', '/')).toBeNull();
  expect(match('.example.org', '/')).toBeNull();
  expect(match('evilexample.org', '/')).toBeNull();
  expect(match('a.example.org.evil.test', '/')).toBeNull();
});

test('a route with several hosts answers to each', () => {
  const match = tableOf(['two', ['a.test', 'b.test'], '/']);
  expect(match('a.test', '/')).toBe('two');
  expect(match('b.test', '/')).toBe('two');
  expect(match('c.test', '/')).toBeNull();
});

test('the most specific path wins, in whatever order the routes stand', () => {
  const match = tableOf(
    ['root', [], '/'],
    ['room', [], '/**/api/collaboration/room/'],
    ['user', [], '/user/*'],
    ['ann', [], '/user/ann'],
  );
  expect(match('h', '/user/ann/api/collaboration/room/json:notebook:1')).toBe('room');
  expect(match('h', '/user/ann/tree')).toBe('ann');
  expect(match('h', '/user/bob')).toBe('user');
  expect(match('h', '/user/')).toBe('root');
});

test('equally specific routes keep the order of the file', () => {
  const match = tableOf(['first', [], '/**/a'], ['second', [], '/**/b']);
  expect(match('h', '/b/a')).toBe('first');
});

describe('a path that servers read in several ways', () => {
  const match = tableOf(['all', [], '/'], ['admin', [], '/admin'], ['files', [], '/files/*']);

  test('goes on where all readings lead to one route', () => {
    expect(match('h', '/app/a%2Fb;c//d/../e')).toBe('all');
    expect(match('h', '/files/dir%2Fname')).toBe('files');
    expect(match('h', '/files//home/x')).toEqual(['all', 'files']);
    expect(match('h', '/admin/..%2f../x')).toEqual(['admin', 'all']);
  });

  test('leads to both where they differ', () => {
    expect(match('h', '/app/../admin')).toEqual(['all', 'admin']);
    expect(match('h', '/app%2F..%2Fadmin')).toEqual(['all', 'admin']);
    expect(match('h', '//admin')).toEqual(['all', 'admin']);
    expect(match('h', '/x/..;/admin')).toEqual(['all', 'admin']);
    expect(match('h', '/admin/..')).toEqual(['admin', 'all']);
  });

  test('leads to a route or to none', () => {
    const only = tableOf(['admin', [], '/admin']);
    expect(only('h', '/x/../admin')).toEqual(['admin', null]);
    expect(only('h', '/admin/../x')).toEqual(['admin', null]);
    expect(only('h', '/x/../y')).toBeNull();
  });

  test('is read no further than its length allows', () => {
    expect(match('h', `/%2f${'a'.repeat(20_000)}`)).toEqual([null, null]);
  });

  test('goes on whatever its readings where the host has one route', () => {
    const sole = tableOf(['all', ['a.test'], '/'], ['admin', ['b.test'], '/admin'], ['any', [], '/']);
    expect(sole('a.test', `/x/../admin%2f${'a'.repeat(20_000)}`)).toBe('all');
    expect(sole('c.test', '/x/../admin')).toBe('any');
    expect(sole('b.test', '/x/../admin')).toEqual(['any', 'admin']);
  });
});

test('a route that is not there is taken out in vain', () => {
  const kept = { name: 'kept', hosts: ['a.test'], path: '/a' };
  const table = new RouteTable([kept]);
  for (const [hosts, path] of [
    [['b.test'], '/a'],
    [['a.test'], '/a'],
    [['a.test'], '/a/b/c'],
    [['a.test'], '/a/**/c'],
    [[], '/a'],
  ] as const) {
    table.remove({ name: 'other', hosts: [...hosts], path });
  }
  expect(table.find('a.test', '/a')).toEqual({ route: kept });
});

describe('two tables as one', () => {
  const tableOfRoutes = (...routes: [name: string, hosts: string[], path: string][]) =>
    new RouteTable(routes.map(([name, hosts, path]) => ({ name, hosts, path })));

  test('the more specific host wins, then the more specific path, then the first table', () => {
    const both = new TwoTables(
      tableOfRoutes(['file', ['a.test'], '/x'], ['any', [], '/deep/er'], ['star', ['*.b.test'], '/']),
      tableOfRoutes(['api', ['a.test'], '/x/y'], ['same', ['a.test'], '/x'], ['root', [], '/'], ['deep', [], '/deep']),
    );
    const match = (host: string, path: string) => nameOf(both.find(host, path));
    expect(match('a.test', '/x/y')).toBe('api');
    expect(match('a.test', '/x')).toBe('file');
    expect(match('a.test', '/deep/er')).toBe('any');
    expect(match('c.test', '/deep/x')).toBe('deep');
    expect(match('x.b.test', '/deep/er')).toBe('star');
    expect(match('c.test', '/x%2F..%2Fdeep')).toEqual(['root', 'deep']);
  });

  test('a host with one route needs no reading, unless the other table has the host too', () => {
    const first = tableOfRoutes(['all', ['a.test'], '/']);
    const unread = `/%2f${'a'.repeat(20_000)}`;
    expect(nameOf(new TwoTables(first, tableOfRoutes(['any', [], '/'])).find('a.test', unread))).toBe('all');
    const other = tableOfRoutes(['other', ['a.test'], '/x']);
    expect(nameOf(new TwoTables(first, other).find('a.test', unread))).toEqual([null, null]);
    expect(nameOf(new TwoTables(first, other).find('a.test', '/x'))).toBe('other');
  });

  test('where the first has nothing for a host, the second is asked alone', () => {
    const both = new TwoTables(tableOfRoutes(['one', ['a.test'], '/']), tableOfRoutes(['two', ['b.test'], '/']));
    expect(nameOf(both.find('b.test', '/x'))).toBe('two');
    expect(nameOf(both.find('c.test', '/x'))).toBeNull();
  });
});

test('a table of what is not met as it is says how many segments were the route’s own', () => {
  const met = (route: { readonly path: string }, segments: readonly string[], own: number) =>
    `${route.path} ${segments.slice(own).join('|')}`;
  const table = new RouteTable([{ hosts: [], path: '/user/ann' }], met);
  expect(table.find('h', '/user/ann/lab/x')).toEqual({ route: '/user/ann lab|x' });
  // No route of such a table is the only one: what is met depends on the path.
  table.remove({ hosts: [], path: '/user/ann' });
  table.add({ hosts: [], path: '/' });
  expect(table.find('h', '/a/b')).toEqual({ route: '/ a|b' });
});

test('what is equally specific at one place is found and taken out by its identity', () => {
  const [first, second, third] = ['first', 'second', 'third'].map((name) => ({ name, hosts: [], path: '/a/*' }));
  const table = new RouteTable([first!, second!, third!]);
  table.remove(second!);
  expect(table.find('h', '/a/b')).toEqual({ route: first });
  table.remove(first!);
  expect(table.find('h', '/a/b')).toEqual({ route: third });
  table.remove(third!);
  expect(table.find('h', '/a/b')).toBeNull();
});

describe('names of a program’s routes that servers may read as something else', () => {
  const server = (path: string) => ({ path, hosts: [], patterns: [literalPattern(path.slice(1).split('/'))] });
  const paths = ['/user/DOM\\ann', '/user/a;b', '/user/a', '/user/DOM', '/x//y', '/user/..;x'];
  const api = new RouteTable(
    [...paths.map(server), { path: '/', hosts: [], patterns: [literalPattern([])] }],
    (one) => one,
  );
  const find = (path: string, table: RouteLookup<{ readonly path: string }> = api) => {
    const found = table.find('h', path);
    return found === null ? null : 'route' in found ? found.route.path : found.between.map((one) => one?.path ?? null);
  };

  test.each([
    ['/user/DOM%5Cann/lab', '/user/DOM\\ann'],
    ['/user/DOM%5cann', '/user/DOM\\ann'],
    ['/user/DOM\\ann/', '/user/DOM\\ann'],
    ['/user/DOM%5Cann/a%2Fb/c;d//e/../f', '/user/DOM\\ann'],
    ['/user/a%3Bb/api?x'.split('?', 1)[0]!, '/user/a;b'],
    ['/user/a;b/x;y', '/user/a;b'],
    ['/x//y', '/x//y'],
    ['/x//y/z', '/x//y'],
    ['/user/..;x/y', '/user/..;x'],
  ])('%j is of the server that is set under it', (path, route) => {
    expect(find(path)).toBe(route);
  });

  test.each([
    // Out of what is the server's own.
    ['/user/DOM%5Cann/../x', ['/user/DOM\\ann', '/']],
    ['/user/DOM%5Cann%2f..%2f..%2fa', ['/', '/user/DOM\\ann']],
    ['/user/a;b/..;/a', ['/user/a;b', '/user/a']],
    // Of nobody's name.
    ['/user/DOM%5Cbob', ['/', '/user/DOM']],
    ['/user/a;c', ['/', '/user/a']],
    ['/user/a;b;c', ['/', '/user/a']],
    ['/x//z', '/'],
  ])('%j may lead elsewhere', (path, routes) => {
    expect(find(path)).toEqual(routes);
  });

  test('and not those of a file, whose patterns may stand before one server', () => {
    const file = tableOf(['odd', [], '/a;b'], ['all', [], '/'], ['any', [], '/user/*/lab']);
    expect(file('h', '/a;b/x')).toEqual(['odd', 'all']);
    const both = new TwoTables<{ readonly path: string }>(new RouteTable([{ path: '/user/a/lab', hosts: [] }]), api);
    expect(find('/user/a;b/lab', both)).toEqual('/user/a;b');
    expect(find('/user/a%2Flab', both)).toEqual(['/', '/user/a/lab']);
  });
});
