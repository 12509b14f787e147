import { expect, test } from 'vitest';
import { hostOf } from '../../../src/http/host.ts';

test.each([
  ['apps.example.org', 'apps.example.org'],
  ['Apps.Example.ORG:8080', 'apps.example.org'],
  ['apps.example.org:', 'apps.example.org'],
  ['apps.example.org.', 'apps.example.org'],
  ['.', '.'],
  ['10.0.0.1:80', '10.0.0.1'],
  ['[::1]:8080', '[::1]'],
  ['[FE80::1]', '[fe80::1]'],
  ['my_app', 'my_app'],
])('reads the host of %j', (header, host) => {
  expect(hostOf(header)).toBe(host);
});

test.each(['', 'a b', 'a/b', 'user@host', 'a?b', 'a#b', 'a:b', 'a:123456', '::1', '[::1', 'a%2eb', 'a\\b', 'a,b:x'])(
  'finds no host in %j',
  (header) => {
    expect(hostOf(header)).toBeNull();
  },
);

test('a name that is longer than names can be is no host', () => {
  expect(hostOf(`${'a'.repeat(253)}:65535`)).toBe('a'.repeat(253));
  expect(hostOf('a'.repeat(263))).toBeNull();
});
