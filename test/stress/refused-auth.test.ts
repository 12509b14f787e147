/** Ten thousand handshakes with credentials that are wrong in every way: no socket of them is left. */
import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { hashSync } from 'bcryptjs';
import { expect, test, vi } from 'vitest';
import { handshakeRequest, rawConnect } from '../helpers/raw-client.ts';
import { socketsOn } from '../helpers/sockets.ts';
import { scratchDirectory } from '../real/harness/paths.ts';
import { Sluice } from '../real/harness/sluice.ts';
import { confusedToken, newSigner, part, setText, tokenOf } from '../unit/admission/auth/tokens.ts';

const handshakes = 10_000;
const atOnce = 50;

test('10 000 handshakes with wrong credentials leave no socket', async () => {
  const folder = scratchDirectory('auth');
  const file = (name: string, text: string) => {
    const path = join(folder, name);
    writeFileSync(path, text);
    return path;
  };
  const signer = newSigner('one');
  const soon = Math.floor(Date.now() / 1000) + 3600;
  const tokens = [
    tokenOf(signer, { exp: 1 }),
    tokenOf(signer, { exp: soon, nbf: soon }),
    tokenOf(signer, { exp: soon, iss: 'https://evil.test' }),
    tokenOf(signer, { exp: soon, aud: 'other' }),
    tokenOf(newSigner('one'), { exp: soon }),
    tokenOf(signer, { exp: soon }, { kid: 'nobodys' }),
    `${part({ alg: 'none' })}.${part({ exp: soon })}.`,
    confusedToken(signer),
    `${'x'.repeat(40_000)}.y.z`,
    'a b',
  ];
  const service = createServer((req, res) => {
    // Some hang until Sluice gives them up, some are refused, some redirected.
    const kind = Number(req.headers.cookie?.slice(2)) % 10;
    if (kind === 0) return;
    if (kind < 5) res.writeHead(302, { Location: '/login', 'Set-Cookie': 'csrf=1' }).end('x'.repeat(10_000));
    else res.writeHead(401).end();
  });
  await new Promise<void>((resolve) => service.listen(0, '127.0.0.1', resolve));
  const servicePort = (service.address() as AddressInfo).port;
  const jwt = { issuer: 'https://id.test', audience: ['panel'], jwks_file: file('keys', setText(signer)) };
  const route = (name: string, auth: object[]) => ({
    name,
    match: { path: `/${name}` },
    upstream: 'http://127.0.0.1:1',
    auth,
  });
  await using sluice = await Sluice.start({
    log: { level: 'error' },
    listen: { trusted_proxies: ['127.0.0.0/8'] },
    routes: [
      route('own', [{ jwt }, { basic: { file: file('users', `ann:${hashSync('hunter2', 4)}\n`) } }]),
      route('static', [
        { bearer: { file: file('tokens', `ci:sha256:${createHash('sha256').update('x').digest('hex')}\n`) } },
      ]),
      route('asked', [{ forward: { url: `http://127.0.0.1:${servicePort}`, timeout: '500ms', cache: '5s' } }]),
    ],
  });

  const wrong = (i: number): Record<string, string> => {
    switch (i % 5) {
      case 0:
        return { Authorization: `Bearer ${tokens[(i / 5) % tokens.length]}` };
      case 1:
        return { Authorization: `Basic ${Buffer.from(`ann:wrong-${i}`).toString('base64')}` };
      case 2:
        return {};
      case 3:
        return { Authorization: `Bearer static-${i}` };
      default:
        return { Cookie: `s=${Math.floor(i / 5)}` };
    }
  };
  const paths = ['/own', '/own', '/own', '/static', '/asked'];
  const statuses = new Map<string, number>();
  const one = async (i: number) => {
    const client = await rawConnect(sluice.port);
    // From many addresses, so that guessing is slowed down for some and not for all.
    const headers = { ...wrong(i), 'X-Forwarded-For': `10.${i % 7}.${i % 11}.${i % 13}` };
    client.sendText(handshakeRequest({ path: paths[i % 5]!, headers }));
    const status = (await client.head()).slice(9, 12);
    statuses.set(status, (statuses.get(status) ?? 0) + 1);
    client.socket.destroy();
  };
  const all = async (count: number) => {
    let next = 0;
    await Promise.all(
      Array.from({ length: atOnce }, async () => {
        while (next < count) await one(next++);
      }),
    );
  };
  await all(handshakes);
  await vi.waitFor(async () => expect(await socketsOn([sluice.port])).toBe(0), { timeout: 20_000, interval: 100 });
  // Idle connections to the service go after four seconds.
  await vi.waitFor(async () => expect(await socketsOn([servicePort])).toBe(0), { timeout: 20_000, interval: 100 });
  console.log(`${handshakes} refused handshakes: answers ${JSON.stringify([...statuses])}`);
  expect([...statuses.keys()].toSorted()).toEqual(
    ['302', '401', '429', '431', '503'].filter((status) => statuses.has(status)),
  );
  expect(statuses.get('401')).toBeGreaterThan(1000);
  service.close();
  service.closeAllConnections();
});
