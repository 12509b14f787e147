import { expect, test } from 'vitest';
import { type AskedBy, bearerOf, isCrossSite, isOurName } from '../../../src/admin/visit.ts';

test.each([
  '127.0.0.1:9090',
  '127.0.0.1',
  '[::1]:9090',
  '10.0.0.7:9090',
  'localhost:9090',
  'LOCALHOST',
  'localhost.:9090',
  'sluice.localhost:9090',
  'Admin.example.org:1234',
])('%s is a name of this port', (host) => {
  expect(isOurName(host, 'admin.example.org')).toBe(true);
});

test.each([
  undefined,
  '',
  'evil.example:9090',
  '127.0.0.1.evil.example',
  'localhost.evil.example',
  'notlocalhost',
  'localhost@evil.example',
  '[::1',
  '[localhost]',
  '127.0.0.1:9090, evil.example',
  // No address: browsers ask for it by the name server.
  '127.1.evil',
])('%j may have been pointed here by anybody', (host) => {
  expect(isOurName(host, 'admin.example.org')).toBe(false);
});

const host = '127.0.0.1:9090';
const visit = (over: Partial<AskedBy>): AskedBy => ({
  ...{ method: 'DELETE', host, origin: undefined, site: undefined, mode: undefined },
  ...over,
});

test.each<[string, Partial<AskedBy>]>([
  ['a program that is no browser', {}],
  ['the page of this port', { origin: `http://${host}`, site: 'same-origin', mode: 'cors' }],
  ['the page of this port behind a proxy that changes Host', { origin: 'https://a.example', site: 'same-origin' }],
  ['an address that the user typed', { method: 'GET', site: 'none', mode: 'navigate' }],
  ['a link that the user followed from elsewhere', { method: 'GET', site: 'cross-site', mode: 'navigate' }],
  ['the page of this port in a browser that tells the origin alone', { origin: `http://${host}` }],
  ['the page of this port behind TLS', { origin: `https://${host}` }],
])('%s is no other site', (_, over) => {
  expect(isCrossSite(visit(over))).toBe(false);
});

test.each<[string, Partial<AskedBy>]>([
  ['a script of another site', { origin: 'https://evil.example', site: 'cross-site', mode: 'no-cors' }],
  ['a script that reads', { method: 'GET', site: 'cross-site', mode: 'no-cors' }],
  ['a form of another site', { method: 'POST', origin: 'https://evil.example', site: 'cross-site', mode: 'navigate' }],
  ['a page on another port of this machine', { origin: 'http://127.0.0.1:8888', site: 'same-site', mode: 'cors' }],
  ['a sandboxed page', { origin: 'null' }],
  ['another site, in a browser that tells the origin alone', { origin: 'https://evil.example' }],
  ['another port, in such a browser', { origin: 'http://127.0.0.1:8888' }],
  ['a page whose origin only ends in ours', { origin: `http://evil.example/${host}` }],
  ['a word that no browser knows yet', { site: 'sideways' }],
])('%s is another site', (_, over) => {
  expect(isCrossSite(visit(over))).toBe(true);
});

test('a bearer token is read from its header, and nothing else is', () => {
  expect(bearerOf('Bearer abc')).toBe('abc');
  expect(bearerOf('bearer   abc= ')).toBe('abc=');
  for (const other of [undefined, '', 'Bearer', 'Bearer ', 'Basic abc', 'Bearer a b', 'xBearer abc']) {
    expect(bearerOf(other)).toBeNull();
  }
});
