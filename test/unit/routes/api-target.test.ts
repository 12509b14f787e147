import { expect, test } from 'vitest';
import { parseApiTarget } from '../../../src/routes/api-target.ts';

test('reads host, port and the path that comes first', () => {
  expect(parseApiTarget('http://10.0.0.1:8888')).toEqual({
    upstream: { protocol: 'http:', host: '10.0.0.1', port: 8888, href: 'http://10.0.0.1:8888' },
    base: '',
  });
  expect(parseApiTarget('https://Hub.example/base/')).toEqual({
    upstream: { protocol: 'https:', host: 'hub.example', port: 443, href: 'https://hub.example' },
    base: '/base',
  });
  expect(parseApiTarget('http://[::1]')).toMatchObject({ upstream: { host: '::1', port: 80 } });
});

test('reads a unix socket', () => {
  expect(parseApiTarget('http+unix://%2Frun%2Fa.sock/x')).toEqual({
    upstream: {
      protocol: 'http:',
      host: 'localhost',
      port: 0,
      href: 'http+unix://%2Frun%2Fa.sock',
      socketPath: '/run/a.sock',
    },
    base: '/x',
  });
  expect(parseApiTarget('unix+http://%2Frun%2Fa.sock')).toMatchObject({ upstream: { socketPath: '/run/a.sock' } });
});

test.each([
  ['no URL', 'nowhere', /no URL/],
  ['another scheme', 'ftp://a', /scheme ftp/],
  ['a password', 'http://u:p@a', /user or password/],
  ['a user alone', 'http://u@a', /user or password/],
  ['a query', 'http://a/?x=1', /query/],
  ['a fragment', 'http://a/#x', /query or a fragment/],
  ['port 0', 'http://a:0', /port 0/],
  ['a port that is none', 'http://a:99999', /no URL/],
  ['no socket', 'http+unix:///run/a.sock', /no socket/],
  ['a relative socket', 'http+unix://run', /no socket/],
  ['a socket with a port', 'http+unix://%2Frun:80', /no socket/],
  ['a socket whose escapes are none', 'http+unix://%2Frun%ff', /no socket/],
  ['a socket with NUL', 'http+unix://%2Frun%00', /no socket|no URL/],
  ['a socket with a long path', `http+unix://%2F${'a'.repeat(108)}`, /107 bytes/],
  ['a long target', `http://a/${'a'.repeat(3000)}`, /at most 2048/],
])('refuses %s, with a reason', (_name, text, reason) => {
  expect((parseApiTarget(text) as { problem: string }).problem).toMatch(reason);
});
