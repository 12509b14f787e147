import { expect, test } from 'vitest';
import { clean, cleanHost, cleanPath, cleanUser, nameSubprotocol } from '../../../../src/observe/log/clean.ts';
import { withoutSecrets } from '../../../../src/observe/log/redaction.ts';

test.each([
  '/',
  '/app/ws',
  '/user/ada@example.org/api/kernels/3f2504e0-4f89-11d3-9a0c-0305e82c3301/channels',
  '/user/ada%40example.org/lab/tree/My%20Notebook%202024-final%20(2).ipynb',
  '/api/collaboration/session/dir%2Fa.ipynb',
  '/hub/login',
  '/hub/token',
  '/auth/callback',
  '/static/js/main.3f2a1b9c.js',
  '/data/year=2024/month=05/part-0001.parquet',
  '/proxy/8787/p/6f1c2b3a/',
  '/keys/list',
  '/auth/callback',
  '/session/dir/notes2024.ipynb',
  '/share/Report2024.html',
  '/a;v=1/b',
  '/user/tokenova/lab',
  '/files/üñï/ünterlagen.txt',
  '/gradio/queue/join',
  '/v1.2.3/a_b-c.d~e',
])('an ordinary path is shown as it came: %s', (path) => {
  expect(cleanPath(path)).toBe(path);
});

test.each([
  ['/app?token=abc', '/app'],
  ['/app;sid=abc/ws', '/app;sid=[redacted]/[redacted]'],
  ['/app/token%3Dabc', '/app/token=[redacted]'],
  ['/app/token/abc', '/app/token/[redacted]'],
  ['/app%3Fx=y', '/app?[redacted]'],
  ['/user/ada/eyJhbGciOiJIUzI1NiJ9.eyJhIjoxfQ.c2ln/ws', '/user/ada/[redacted]/ws'],
  ['/auth/hunter2hunter', '/auth/[redacted]'],
  ['/invite/ABCDEFGH', '/invite/[redacted]'],
  ['/app/S3cr3tS3cr3tS3cr3t01', '/app/[redacted]'],
  ['/app/0f3b2c9a7d5e4f1a8b6c0d2e4f6a8b1c', '/app/[redacted]'],
  ['http://user:pw@host/app', 'http://[redacted]@host/app'],
])('what looks like a secret is left out: %s', (path, shown) => {
  expect(cleanPath(path)).toBe(shown);
});

test('a host is shown without who it names, however often and among however many it comes', () => {
  for (let time = 0; time < 3; time++) {
    expect(cleanHost('apps.example.org:8080')).toBe('apps.example.org:8080');
    expect(cleanHost('[::1]:8080')).toBe('[::1]:8080');
    expect(cleanHost('user:pw@apps.example.org')).toBe('[redacted]@apps.example.org');
    expect(cleanHost(`user:pw@${'a'.repeat(150)}.org`)).toBe(`[redacted]@${'a'.repeat(150)}.org`);
    for (let i = 0; i < 300 * time; i++) expect(cleanHost(`u:pw@app-${i}.org`)).toBe(`[redacted]@app-${i}.org`);
  }
});

test('a path is shown without its secrets, however often and among however many it comes', () => {
  for (let time = 0; time < 3; time++) {
    expect(cleanPath('/app/token=hunter2hunter?x=1')).toBe('/app/token=[redacted]');
    expect(cleanPath('/app/token=hunter3hunter')).toBe('/app/token=[redacted]');
    expect(cleanPath('/app/stream?token=x')).toBe('/app/stream');
    for (let i = 0; i < 300 * time; i++)
      expect(cleanPath(`/app/${i}/token=hunter2hunter`)).toBe(`/app/${i}/token=[redacted]`);
  }
});

test('a subprotocol is named where many servers have it, and else measured', () => {
  expect(nameSubprotocol('bokeh')).toBe('bokeh');
  expect(nameSubprotocol('v1.kernel.websocket.jupyter.org')).toBe('v1.kernel.websocket.jupyter.org');
  expect(nameSubprotocol('secret')).toBe('(6 characters)');
});

test("a user's name is shown as it is, on one line and not without end", () => {
  expect(cleanUser('0f3b2c9a7d5e4f1a8b6c0d2e4f6a8b1c')).toBe('0f3b2c9a7d5e4f1a8b6c0d2e4f6a8b1c');
  expect(cleanUser('ada\n\u202eevil')).toBe('ada\\u000a\\u202eevil');
  expect(cleanUser('x'.repeat(500))).toBe(`${'x'.repeat(256)}…`);
});

test('a text of our own keeps its file names and hides what is quoted in it', () => {
  for (const text of [
    'admin.token_file: /run/secrets/token/abc is empty; write a token into it (a.yaml:3:7)',
    'listen.tls.key: /tls/tls.key holds no private key',
    'https://apps.example.org, http://127.0.0.1:9090',
    'https://apps.example.org for ann@example.org',
    'at file:///app/node_modules/@a/b@1/c.js:1:2',
  ]) {
    expect(withoutSecrets(text)).toBe(text);
  }
  expect(withoutSecrets('"http://user:pw@h" has a user, and token=abc/def is one')).toBe(
    '"http://[redacted]@h" has a user, and token=[redacted] is one',
  );
});

test.each([
  ['redis://u:pa/s?s#w@h:1 is no URL', 'redis://[redacted]@h:1 is no URL'],
  ['quotas.store: "rediss://:p@/a@h/0" is wrong', 'quotas.store: "rediss://[redacted]@h/0" is wrong'],
  ['//u:p@h', '//[redacted]@h'],
])('a password that nobody escaped is hidden to its end: %s', (text, shown) => {
  expect(withoutSecrets(text)).toBe(shown);
});

test('a long string is cut, and half a word of it that may be a secret is not shown', () => {
  expect(clean('a/'.repeat(10_000))).toBe(`${'a/'.repeat(128)}…`);
  expect(clean(`/x/${'S3cr3t'.repeat(10_000)}`)).toBe('/x/…');
});

test('a path whose escapes are escaped is shown as it is meant, and hidden where nobody means it', () => {
  expect(cleanPath('/a/%2541bc')).toBe('/a/%2541bc');
  expect(cleanPath(`/app/token%${'25'.repeat(8)}3Dabc/x`)).toBe('/app/token=[redacted]/[redacted]');
  expect(cleanPath(`/app/a%${'25'.repeat(400)}41/x`)).toBe('/app/[redacted]/[redacted]');
});
