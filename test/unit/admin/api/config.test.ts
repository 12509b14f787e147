import { expect, test } from 'vitest';
import { describeConfig, redact } from '../../../../src/admin/api/config.ts';
import { loadConfig } from '../../../../src/config/model/load.ts';

const good = goodConfig();

function goodConfig() {
  const loaded = loadConfig('f.yaml', 'routes: [{name: a, upstream: "http://h"}]');
  if ('errors' in loaded) throw new Error('the file is valid');
  return loaded;
}

/** What is shown when the files have this text now. */
function shownErrors(text: string): string[] {
  const loaded = loadConfig('f.yaml', text);
  if (!('errors' in loaded)) throw new Error('the file is valid');
  const state = { ...good, loadedAtMs: 0, needsRestart: [], lastError: { errors: loaded.errors, atMs: 1000 } };
  const answer = describeConfig(state);
  expect(answer.last_error!.at).toBe('1970-01-01T00:00:01.000Z');
  return answer.last_error!.errors.map(({ line, column, path, message }) => `${line}:${column} ${path} ${message}`);
}

test('errors keep their places and their words', () => {
  expect(shownErrors('routes:\n  - name: a\n    upstream: http://h\n    idle_timeout: 20 sekunden\n')).toEqual([
    expect.stringMatching(/^4:19 routes\[0\]\.idle_timeout "20 sekunden" is not a duration; write/),
  ]);
});

test.each([
  ['password: hunter2', 'password'],
  ['admin: {token: hunter2}', 'admin.token'],
  ['admin: {token_file: [it is, hunter2]}', 'admin.token_file'],
  ['admin: {token_file: {a: hunter2}}', 'admin.token_file'],
  ['listen: {address: "x?token=hunter2"}', 'listen.address'],
  ['listen: {address: eyJhbGciOiJIUzI1NiJ9.hunter2}', 'listen.address'],
])('an error never quotes the secret of %j', (line, path) => {
  const shown = shownErrors(`${line}\nroutes: [{name: a, upstream: "http://h"}]\n`);
  expect(shown).toEqual([expect.stringContaining(` ${path} `)]);
  expect(shown[0]).not.toContain('hunter2');
});

test('what looks like a token is left out, wherever it stands; paths of files are not', () => {
  const value = {
    token_file: '/run/secrets/token',
    key: '/tls/tls.key',
    token: 'abc',
    deep: [{ client_secret: { a: 1 }, apiKey: 'x', note: 'see http://h/?access_token=abc&x=1' }, null, 7, true],
  };
  expect(redact(value)).toEqual({
    token_file: '/run/secrets/token',
    key: '/tls/tls.key',
    token: '[redacted]',
    deep: [
      { client_secret: '[redacted]', apiKey: '[redacted]', note: 'see http://h/?access_token=[redacted]&x=1' },
      ...[null, 7, true],
    ],
  });
});
