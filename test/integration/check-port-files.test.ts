import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { checkPortFiles } from '../../src/cli/check-port-files.ts';
import { judgeFindings } from '../../src/cli/file-findings.ts';
import { loadConfig } from '../../src/config/model/load.ts';
import { backendCert, backendKey, caCert } from '../helpers/private-ca.ts';
import { key as otherKey } from '../helpers/test-certificate.ts';

const folder = mkdtempSync(join(tmpdir(), 'check-ports-'));
afterAll(() => rmSync(folder, { recursive: true }));
const file = (name: string, text: string) => {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
};
const absent = join(folder, 'absent');
const good = {
  token: file('token', 'a-token-of-an-operator\n'),
  cert: file('tls.crt', backendCert),
  key: file('tls.key', backendKey),
  ca: file('ca.crt', caCert),
};
const odd = { short: file('short', 'abc'), text: file('text.txt', 'hello'), otherKey: file('other.key', otherKey) };

async function found(admin: object, api: object) {
  const parts = {
    admin,
    routes_api: { address: '127.0.0.1:0', ...api },
    routes: [{ name: 'a', upstream: 'http://h' }],
  };
  const loaded = loadConfig('f', JSON.stringify(parts));
  if ('errors' in loaded) throw new Error(loaded.errors.map(({ message }) => message).join('\n'));
  const { errors, warnings } = judgeFindings(await checkPortFiles(loaded.resolved), new Map());
  return { errors, warnings: warnings.map(({ subject, message }) => `${subject}: ${message}`) };
}

test('nothing is said of files that can be used, and where there are none', async () => {
  const tls = { cert: good.cert, key: good.key, client_ca: good.ca };
  expect(await found({ token_file: good.token }, { token_file: good.token, tls })).toEqual({
    errors: [],
    warnings: [],
  });
  expect(await found({}, {})).toEqual({ errors: [], warnings: [] });
});

describe('an error', () => {
  test.each<[string, object, object, string]>([
    ['a short token of operators', { token_file: odd.short }, {}, `admin.token_file: ${odd.short} holds a token of 3`],
    ['a short token of a hub', {}, { token_file: odd.short }, `routes_api.token_file: ${odd.short} holds a token of 3`],
    [
      'a key of another certificate',
      {},
      { tls: { cert: good.cert, key: odd.otherKey } },
      `routes_api.tls.key: ${odd.otherKey} is not the key of the certificate in ${good.cert}`,
    ],
    [
      'no certificate',
      {},
      { tls: { cert: odd.text, key: good.key } },
      `routes_api.tls.cert: ${odd.text} holds no certificate`,
    ],
    [
      'no authority of clients',
      {},
      { tls: { cert: good.cert, key: good.key, client_ca: odd.text } },
      `routes_api.tls.client_ca: ${odd.text} holds no certificate`,
    ],
  ])('%s', async (_, admin, api, problem) => {
    expect(await found(admin, api)).toEqual({ errors: [expect.stringContaining(problem)], warnings: [] });
  });
});

test('a file that is not there is a warning: it may be mounted elsewhere', async () => {
  const gone = 'here; without it Sluice does not start.';
  expect(await found({ token_file: absent }, { tls: { cert: absent, key: good.key } })).toEqual({
    errors: [],
    warnings: [
      `admin.token_file: ${absent} does not exist ${gone}`,
      `routes_api.tls.cert: ${absent} does not exist ${gone}`,
    ],
  });
});
