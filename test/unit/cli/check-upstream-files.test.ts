import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { checkUpstreamFiles } from '../../../src/cli/check-upstream-files.ts';
import { judgeFindings } from '../../../src/cli/file-findings.ts';
import { formatConfigError } from '../../../src/config/language/errors.ts';
import { loadConfig } from '../../../src/config/model/load.ts';
import { backendCert, backendKey, caCert } from '../../helpers/private-ca.ts';
import { key as otherKey } from '../../helpers/test-certificate.ts';

const folder = mkdtempSync(join(tmpdir(), 'check-up-'));
afterAll(() => rmSync(folder, { recursive: true }));

const at = (name: string) => join(folder, name);
for (const [name, text] of Object.entries({
  'ca.crt': caCert,
  'tls.crt': backendCert,
  'tls.key': backendKey,
  'other.key': otherKey,
  'odd.crt': '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n',
  'text.txt': 'hello',
})) {
  writeFileSync(at(name), text);
}

async function check(tls: Record<string, string>, upstream = 'https://h') {
  const loaded = loadConfig(
    'f',
    `routes: [{name: app, upstream: "${upstream}", upstream_tls: ${JSON.stringify(tls)}}]`,
  );
  if ('errors' in loaded) throw new Error(loaded.errors.map(formatConfigError).join('\n'));
  return judgeFindings(await checkUpstreamFiles(loaded.resolved), loaded.places!);
}

test('files that can be used are neither an error nor a warning', async () => {
  const tls = { ca: at('ca.crt'), client_cert: at('tls.crt'), client_key: at('tls.key') };
  expect(await check(tls)).toEqual({ errors: [], warnings: [] });
  expect(await check({})).toEqual({ errors: [], warnings: [] });
});

describe('a file that cannot be used is an error', () => {
  test.each([
    [
      { ca: at('text.txt') },
      `upstream_tls.ca: ${at('text.txt')} holds no certificate; write those of the authorities in PEM`,
    ],
    [
      { ca: at('odd.crt') },
      `upstream_tls.ca: ${at('odd.crt')} holds a certificate that cannot be read; write those of the authorities in PEM`,
    ],
    [{ ca: folder }, `upstream_tls.ca: ${folder} is a directory`],
    [
      { client_cert: at('tls.crt'), client_key: at('other.key') },
      `upstream_tls.client_key: ${at('other.key')} is not the key of the certificate in ${at('tls.crt')}`,
    ],
    [
      { client_cert: at('text.txt'), client_key: at('tls.key') },
      `upstream_tls.client_cert: ${at('text.txt')} holds no certificate; write the certificate and its chain in PEM`,
    ],
  ])('%j', async (tls, error) => {
    const { errors, warnings } = await check(tls as Record<string, string>);
    expect(errors).toEqual([expect.stringMatching(/ \(f:1:\d+\)$/)]);
    expect(errors[0]!.replace(/ \(f:1:\d+\)$/, '')).toBe(`routes[0].${error}`);
    expect(warnings).toEqual([]);
  });
});

test('a file that is not here is a warning: it may be where Sluice will run', async () => {
  expect(await check({ ca: at('absent') })).toEqual({
    errors: [],
    warnings: [
      {
        subject: 'routes[0].upstream_tls.ca',
        message: `${at('absent')} does not exist here; without it Sluice does not start (f:1:65).`,
        settings: [],
      },
    ],
  });
});

test('a backend that speaks plain HTTP needs none of them', async () => {
  expect(await check({ ca: at('absent') }, 'http://h')).toEqual({ errors: [], warnings: [] });
});

/** What is found in a whole file. */
async function checkFile(text: string) {
  const loaded = loadConfig('f', text);
  if ('errors' in loaded) throw new Error(loaded.errors.map(formatConfigError).join('\n'));
  return judgeFindings(await checkUpstreamFiles(loaded.resolved), loaded.places!);
}

/** Without the column, which depends on the name of the folder. */
const errorsOf = async (text: string) =>
  (await checkFile(text)).errors.map((error) => error.replace(/:\d+(?=(, and \d+ more)?\)$)/, ''));

test('the services that know users are verified by files too', async () => {
  const auth = (kind: string) => `routes: [{name: app, upstream: "http://h", auth: [${kind}]}]`;
  const ca = `ca: ${JSON.stringify(at('text.txt'))}`;
  const what = `${at('text.txt')} holds no certificate; write those of the authorities in PEM (f:1)`;
  const jwt = `{jwt: {issuer: i, audience: [a], jwks: "https://id.test", ${ca}}}`;
  expect(await errorsOf(auth(jwt))).toEqual([`routes[0].auth[0].jwt.ca: ${what}`]);
  expect(await errorsOf(auth(`{forward: {url: "https://s.test", ${ca}}}`))).toEqual([
    `routes[0].auth[0].forward.ca: ${what}`,
  ]);
  const hub = `{jupyterhub: {api_url: "https://h.test/hub/api", token_file: /t, service: x, ${ca}}}`;
  expect(await errorsOf(auth(hub))).toEqual([`routes[0].auth[0].jupyterhub.ca: ${what}`]);
  expect(await checkFile(auth(`{forward: {url: "http://s.test", ${ca}}}`))).toEqual({ errors: [], warnings: [] });
});

test('the templates of routes that a program sets are verified, and those with the same files named once', async () => {
  const ca = `upstream_tls: {ca: ${JSON.stringify(at('text.txt'))}}`;
  const what = `upstream_tls.ca: ${at('text.txt')} holds no certificate; write those of the authorities in PEM`;
  const api = (templates: string) => `routes_api: {address: "127.0.0.1:0"${templates}}`;
  const own = `, templates: [{name: mine, kind: other, ${ca}}]`;
  expect(await errorsOf(api(own))).toEqual([`routes_api.templates[0].${what} (f:1)`]);
  expect(await errorsOf(`${api('')}\ndefaults: {${ca}}`)).toEqual([`defaults.${what} (f:2)`]);
  const two = ['a', 'b'].map((name) => `  - {name: ${name}, match: {path: /${name}}, upstream: "https://h", ${ca}}\n`);
  expect(await errorsOf(`routes:\n${two.join('')}`)).toEqual([`routes[0].${what} (f:2, and 1 more)`]);
});
