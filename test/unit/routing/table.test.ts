import { expect, test } from 'vitest';
import { RouteTable } from '../../../src/routing/table.ts';

function tableOf(...routes: [name: string, hosts: string[], path: string][]) {
  const table = new RouteTable(routes.map(([name, hosts, path]) => ({ name, hosts, path })));
  return (host: string, path: string) => table.match(host, path.slice(1).split('/'))?.name ?? null;
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
