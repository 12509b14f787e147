/** OpenSSL's own client against the public port: which certificate it is shown, and which of its own come in. */
import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { anna, bert, clientCa, one, type Pem, revokedList, stranger, wild } from '../../helpers/client-ca.ts';
import { fakeUpstream, headersOf } from '../../helpers/fake-upstream.ts';
import { cert, key } from '../../helpers/test-certificate.ts';
import { scratchDirectory } from '../harness/paths.ts';
import { Sluice } from '../harness/sluice.ts';

const request = 'GET / HTTP/1.1\r\nHost: gateway.test\r\nConnection: close\r\n\r\n';

/** What `openssl s_client` prints. */
function client(port: number, args: readonly string[], text = request): Promise<string> {
  return new Promise((resolve) => {
    const connect = ['s_client', '-connect', `127.0.0.1:${port}`, '-ign_eof', ...args];
    const child = execFile('openssl', connect, (_, stdout, stderr) => resolve(stdout + stderr));
    child.stdin!.end(text);
  });
}

test('SNI and client certificates', async () => {
  const folder = scratchDirectory('openssl');
  const write = (name: string, text: string) => {
    writeFileSync(join(folder, name), text);
    return join(folder, name);
  };
  const pair = (name: string, pem: Pem) => ({
    cert: write(`${name}.crt`, pem.cert),
    key: write(`${name}.key`, pem.key),
  });
  await using upstream = await fakeUpstream({
    answer: () => 'HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok',
  });
  const tls = {
    ...pair('default', { cert, key }),
    certificates: [pair('wild', wild), pair('one', one)],
    client_certificates: { ca: write('ca.crt', clientCa), crl: write('ca.crl', revokedList), required: true },
  };
  const target = `http://127.0.0.1:${upstream.port}`;
  const routes = [
    { name: 'a', upstream: target },
    {
      name: 'named',
      match: { hosts: ['named.test'] },
      upstream: target,
      auth: [{ client_cert: { user_field: 'san.email', match: { 'subject.OU': ['staff'] } } }],
      identity_headers: { user: 'X-User' },
    },
  ];
  await using sluice = await Sluice.start({ listen: { tls }, routes });
  const own = (name: string, pem: Pem) => {
    const files = pair(name, pem);
    return ['-cert', files.cert, '-key', files.key];
  };
  for (const [name, subject] of [
    ['x.wild.test', 'wild'],
    ['a.wild.test', 'one'],
    ['elsewhere.test', 'localhost'],
  ] as const) {
    const said = await client(sluice.port, ['-servername', name, ...own('anna', anna)]);
    expect(said).toMatch(new RegExp(`subject=CN ?= ?${subject}\\b`));
    expect(said).toContain('HTTP/1.1 200 OK');
    expect(said).toContain('Client CA');
  }
  for (const version of ['-tls1_2', '-tls1_3']) {
    expect(await client(sluice.port, [version, ...own('anna', anna)])).toContain('HTTP/1.1 200 OK');
    for (const args of [own('bert', bert), own('stranger', stranger), []]) {
      expect(await client(sluice.port, [version, ...args])).not.toContain('HTTP/1.1');
    }
  }
  const named = request.replace('gateway.test', 'named.test');
  const before = upstream.accepted;
  expect(await client(sluice.port, own('anna', anna), named)).toContain('HTTP/1.1 200 OK');
  expect(upstream.accepted).toBe(before + 1);
  for (let i = 0; i < before; i++) await upstream.next();
  expect(headersOf((await upstream.next()).request, 'X-User')).toEqual(['anna@example.org']);
  const refused = () =>
    sluice.log.filter(({ event }) => event === 'refused').map(({ result, detail }) => [result, detail]);
  await expect.poll(() => refused().length).toBe(6);
  const each = [
    ['certificate_refused', 'CERT_REVOKED'],
    ['certificate_refused', 'UNABLE_TO_GET_CRL'],
    ['certificate_refused', 'the client showed none'],
  ];
  expect(refused()).toEqual([...each, ...each]);
});
