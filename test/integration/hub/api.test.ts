/** The API of routes as somebody would misuse it. */
import { once } from 'node:events';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { request } from 'node:https';
import { connect } from 'node:net';
import { networkInterfaces, tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect as connectTls } from 'node:tls';
import { describe, expect, test } from 'vitest';
import { ask, echo, httpServer, hubGateway, token } from '../../helpers/hub.ts';
import { backendCert, backendKey, caCert } from '../../helpers/private-ca.ts';
import { rawConnect } from '../../helpers/raw-client.ts';
import { spokenOf, weakSuites } from '../../helpers/tls-suites.ts';

const auth = `Authorization: token ${token}\r\n`;

/** Sends bytes and returns all that comes back until the end. */
async function raw(port: number, text: string): Promise<string> {
  const peer = await rawConnect(port);
  peer.sendText(text);
  await peer.ended;
  return peer.received.toString('latin1');
}

test('a body over 1 MiB is refused before it has come', async () => {
  const hub = await hubGateway();
  const answer = await raw(
    hub.apiPort,
    `POST /api/routes/a HTTP/1.1\r\nHost: h\r\n${auth}Content-Length: 67108864\r\n\r\n${'x'.repeat(2 << 20)}`,
  );
  expect(answer).toMatch(/^HTTP\/1.1 413 /);
  expect((await hub.api('')).body).toBe('{}');
});

test('a body in chunks is a body', async () => {
  const hub = await hubGateway();
  const body = '{"target":"http://127.0.0.1:1"}';
  const chunks = [...body].map((byte) => `1\r\n${byte}\r\n`).join('');
  const head = `POST /api/routes/a HTTP/1.1\r\nHost: h\r\n${auth}Transfer-Encoding: chunked\r\n\r\n`;
  const peer = await rawConnect(hub.apiPort);
  peer.sendText(`${head}${chunks}0\r\n\r\nGET /api/routes/a HTTP/1.1\r\nHost: h\r\n${auth}\r\n`);
  expect(await peer.head()).toMatch(/^HTTP\/1.1 201 /);
  expect(await peer.head()).toMatch(/^HTTP\/1.1 200 /);
  peer.reset();
});

test('requests that are sent ahead are served one after the other', async () => {
  const hub = await hubGateway();
  const body = '{"target":"http://127.0.0.1:1"}';
  const post = (path: string) =>
    `POST /api/routes${path} HTTP/1.1\r\nHost: h\r\n${auth}Content-Length: ${body.length}\r\n\r\n${body}`;
  const peer = await rawConnect(hub.apiPort);
  peer.sendText(Array.from({ length: 50 }, (_, i) => post(`/u${i}`)).join(''));
  for (let i = 0; i < 50; i++) expect(await peer.head()).toMatch(/^HTTP\/1.1 201 /);
  expect(Object.keys(JSON.parse((await hub.api('')).body))).toHaveLength(50);
  peer.reset();
});

test.each([
  ['depth 10 000', `{"target": ${'['.repeat(10_000)}${']'.repeat(10_000)}}`, 400],
  ['a target with a password', '{"target": "http://u:p@127.0.0.1"}', 400],
  ['a target of another kind', '{"target": "file:///etc/passwd"}', 400],
])('%s is refused, with a reason', async (_name, body, status) => {
  const hub = await hubGateway();
  const answer = await hub.api('/a', { method: 'POST', body });
  expect(answer.status).toBe(status);
  expect(answer.body.length).toBeGreaterThan(10);
  expect(hub.log.find(({ event }) => event === 'route_refused')).toMatchObject({ path: '/a' });
});

test.each(['/user/%', '/user/%ff', '/user/%00', '/user/..%2f', '/.'])('the path %s is refused', async (path) => {
  const hub = await hubGateway();
  const answers = [await hub.set(path, 1), await hub.api(path), await hub.api(path, { method: 'DELETE' })];
  expect(answers.map(({ status }) => status)).toEqual([400, 400, 400]);
});

test('a path of 64 KB is too large a head', async () => {
  const hub = await hubGateway();
  expect((await hub.set(`/${'a'.repeat(65_536)}`, 1)).status).toBe(431);
});

describe('who may ask', () => {
  test('nobody without the token, which no answer and no line of the log holds', async () => {
    const hub = await hubGateway();
    const wrong = [
      '',
      'token',
      'token wrong',
      `Bearer ${token}`,
      `token ${token}x`,
      `xtoken ${token}`,
      `Token ${token}`,
    ];
    for (const authorization of wrong) {
      const answer = await hub.api('/a', { method: 'POST', body: '{}', headers: { authorization } });
      expect(answer, authorization).toMatchObject({ status: 403, body: '' });
    }
    expect(JSON.stringify(hub.log)).not.toContain(token);
    expect(hub.log.find(({ event }) => event === 'routes_api_refused')).toMatchObject({ client: '127.0.0.1' });
    // However many have failed, whoever has it is let in: the hub may share its address with them.
    for (let i = 0; i < 50; i++) await hub.api('', { headers: { authorization: 'token wrong' } });
    expect((await hub.api('')).status).toBe(200);
  });

  test('no page of a user’s, whatever it holds', async () => {
    const hub = await hubGateway();
    const authorization = `token ${token}`;
    const pages = [
      { origin: 'https://hub.example' },
      { origin: 'null' },
      { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'cors' },
      { 'sec-fetch-site': 'same-site', 'sec-fetch-mode': 'no-cors' },
    ];
    for (const page of pages) expect((await hub.api('', { headers: { authorization, ...page } })).status).toBe(403);
  });

  test('without a token: this machine alone, and by no name that somebody pointed here', async () => {
    const hub = await hubGateway({ apiToken: undefined });
    expect((await hub.api('', { headers: {} })).status).toBe(200);
    expect((await hub.api('', { headers: { host: 'evil.example' } })).status).toBe(403);
    expect(hub.log.find(({ event }) => event === 'routes_api_open')).toBeDefined();
  });

  test('an address that others reach needs a token', async () => {
    const { loadConfig } = await import('../../../src/config/model/load.ts');
    const { createGateway } = await import('../../../src/gateway.ts');
    const { createLog } = await import('../../../src/observe/log/log.ts');
    const loaded = loadConfig('a.yaml', "routes_api: {address: '0.0.0.0:0'}\n");
    if ('errors' in loaded) throw new Error('it does not load');
    const gateway = createGateway(loaded.config, { log: createLog({ write() {} }), admin: 'nothing' });
    await expect(gateway.start()).rejects.toThrow('CONFIGPROXY_AUTH_TOKEN');
  });
});

describe('where a target may be', () => {
  test('not at Sluice itself, under whatever name', async () => {
    const hub = await hubGateway();
    const own = [
      `http://127.0.0.1:${hub.port}`,
      `http://localhost:${hub.apiPort}`,
      `http://0.0.0.0:${hub.port}`,
      `http://[::ffff:127.0.0.1]:${hub.port}`,
    ];
    for (const target of own) {
      const answer = await hub.set('/a', target);
      expect(answer, target).toMatchObject({ status: 400, body: expect.stringContaining('circle') });
    }
  });

  test('not behind a name that leads to Sluice itself, which only the connection shows', async () => {
    const hub = await hubGateway({ lookup: async () => [{ address: '127.0.0.1', family: 4 }] });
    expect((await hub.set('/a', `http://proxy.example:${hub.port}`)).status).toBe(201);
    expect((await ask(hub.port, '/a')).status).toBe(503);
    expect(hub.log.find(({ event }) => event === 'http_failed')).toMatchObject({
      detail: expect.stringContaining('circle'),
    });
  });

  test('not at the addresses of metadata, by number or by name', async () => {
    const hub = await hubGateway({ lookup: async () => [{ address: '169.254.169.254', family: 4 }] });
    expect(await hub.set('/a', 'http://169.254.169.254/latest')).toMatchObject({
      status: 400,
      body: expect.stringContaining('metadata'),
    });
    expect((await hub.set('/a', 'http://[fe80::1]')).status).toBe(400);
    expect((await hub.set('/a', 'http://2852039166')).status, 'the same as one number').toBe(400);
    expect((await hub.set('/a', 'http://metadata.example')).status).toBe(201);
    expect((await ask(hub.port, '/a')).status).toBe(503);
  });

  test('in the networks and folders of targets alone', async () => {
    const port = await httpServer(echo);
    const hub = await hubGateway({
      api: "targets: [127.0.0.0/8, 'unix:/run/servers']",
      lookup: async (name) => [{ address: name === 'in.example' ? '127.0.0.1' : '10.0.0.1', family: 4 }],
    });
    expect((await hub.set('/a', port)).status).toBe(201);
    expect((await hub.set('/b', 'http://10.0.0.1')).body).toContain('routes_api.targets');
    expect((await hub.set('/c', `http://in.example:${port}`)).status).toBe(201);
    expect((await hub.set('/d', 'http://out.example')).status).toBe(201);
    expect((await ask(hub.port, '/c')).status).toBe(200);
    expect((await ask(hub.port, '/d')).status).toBe(503);
    expect((await hub.set('/e', 'http+unix://%2Frun%2Fservers%2Fa.sock')).status).toBe(201);
    expect((await hub.set('/f', 'http+unix://%2Frun%2Fdocker.sock')).status).toBe(400);
    expect((await hub.set('/g', 'http+unix://%2Frun%2Fservers%2F..%2Fdocker.sock')).status).toBe(400);
  });

  test('also not at an address of this machine where Sluice listens on all', async () => {
    const own = Object.values(networkInterfaces())
      .flat()
      .find((one) => one?.family === 'IPv4' && !one.internal);
    const { AllowedTargets } = await import('../../../src/upstream/allowed-targets.ts');
    const { OwnAddresses } = await import('../../../src/upstream/own-addresses.ts');
    const targets = new AllowedTargets(null, new OwnAddresses(() => [{ kind: 'tcp', host: '0.0.0.0', port: 80 }]));
    const target = (host: string) => ({ protocol: 'http:', host, port: 80, href: '' }) as const;
    if (own) expect(targets.refuse(target(own.address))).toContain('circle');
    expect(targets.refuse(target('192.0.2.1'))).toBeNull();
    expect(targets.refuseAddress(target('x'), 'nonsense')).toContain('no address');
  });
});

test('speaks TLS, and asks for a certificate where it shall', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'hub-tls-'));
  const write = (name: string, pem: string) => {
    writeFileSync(join(folder, name), pem);
    return join(folder, name);
  };
  const [cert, key, ca] = [write('cert.pem', backendCert), write('key.pem', backendKey), write('ca.pem', caCert)];
  const hub = await hubGateway({ api: `tls: {cert: ${cert}, key: ${key}, client_ca: ${ca}}` });
  const status = (own: object) =>
    new Promise<number>((resolve, reject) => {
      const options = {
        host: '127.0.0.1',
        servername: 'backend.test',
        port: hub.apiPort,
        path: '/api/routes',
        ca: caCert,
        agent: false,
        headers: { authorization: `token ${token}` },
      };
      request({ ...options, ...own }, (res) => resolve(res.resume().statusCode!))
        .on('error', reject)
        .end();
    });
  expect(await status({ cert: backendCert, key: backendKey })).toBe(200);
  await expect(status({})).rejects.toThrow();
  const plain = connect(hub.apiPort, '127.0.0.1').on('error', () => {});
  plain.write('GET /api/routes HTTP/1.1\r\n\r\n');
  await once(plain, 'close');
  expect(await status({ cert: backendCert, key: backendKey })).toBe(200);
});

describe('TLS of the API', () => {
  const started = async (files: Readonly<Record<string, string>>) => {
    const folder = mkdtempSync(join(tmpdir(), 'hub-tls-'));
    const keys = Object.entries(files).map(([name, pem]) => {
      writeFileSync(join(folder, name), pem);
      return `${name}: ${join(folder, name)}`;
    });
    return (await hubGateway({ api: `tls: {${keys.join(', ')}}` })).apiPort;
  };

  test.each(weakSuites)(
    'speaks no suite without forward secrecy or authenticated encryption: %s',
    async (_, pair, suites) => {
      const port = await started({ cert: pair.cert, key: pair.key });
      expect(await spokenOf(suites, port)).toEqual([]);
      expect(await spokenOf([pair.strong], port)).toEqual([pair.strong]);
    },
  );

  test.each(['TLSv1.2', 'TLSv1.3'] as const)('judges the certificate of each connection anew: %s', async (version) => {
    const port = await started({ cert: backendCert, key: backendKey, client_ca: caCert });
    const versions = { minVersion: version, maxVersion: version };
    const own = { cert: backendCert, key: backendKey, ca: caCert, servername: 'backend.test', ...versions };
    const sessions: Buffer[] = [];
    const open = async (session?: Buffer) => {
      const socket = connectTls({ port, host: '127.0.0.1', ...own, ...(session && { session }) });
      socket.on('session', (one) => sessions.push(one));
      await once(socket, 'secureConnect');
      return socket;
    };
    const first = await open();
    // What lets a client resume has come with the answer.
    first.resume().end(`GET /api/routes HTTP/1.1\r\nHost: localhost\r\n${auth}Connection: close\r\n\r\n`);
    await once(first, 'close');
    for (const session of [...sessions]) {
      const again = await open(session);
      expect(again.isSessionReused()).toBe(false);
      again.destroy();
    }
  });
});

describe('a client that asks whether it may send its body', () => {
  const body = '{"target":"http://127.0.0.1:1"}';
  const head = (line: string, length: number, fields = auth) =>
    `${line} HTTP/1.1\r\nHost: localhost\r\n${fields}Content-Length: ${length}\r\nExpect: 100-continue\r\n\r\n`;

  test.each([
    ['without the token', head('POST /api/routes/a', body.length, ''), 403],
    ['with a wrong token', head('POST /api/routes/a', body.length, 'Authorization: token wrong\r\n'), 403],
    ['with a wrong token, of a check', head('POST /api/checked', 16, 'Authorization: token wrong\r\n'), 403],
    ['from another site', head('POST /api/routes/a', body.length, `${auth}Sec-Fetch-Site: cross-site\r\n`), 403],
    ['at no path of the API', head('POST /api/nothing', body.length), 404],
    ['with a path that leads nowhere', head('POST /api/routes/user/%ff', body.length), 400],
    ['with a method that is not taken', head('PUT /api/routes/a', body.length), 405],
    ['with too large a body', head('POST /api/routes/a', (1 << 20) + 1), 413],
    ['with too large a body, of a check', head('POST /api/checked', (1 << 20) + 1), 413],
  ])('%s is refused, and not told to go on', async (_name, text, status) => {
    const hub = await hubGateway();
    const peer = await rawConnect(hub.apiPort);
    peer.sendText(text);
    expect(await peer.head()).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
    // No 100 stands behind it either, and the connection is over: the body may still come.
    await peer.ended;
    expect(peer.received.toString()).not.toContain('HTTP/1.1');
  });

  test('is told to go on when it is let in, once', async () => {
    const hub = await hubGateway();
    const peer = await rawConnect(hub.apiPort);
    peer.sendText(head('POST /api/routes/a', body.length));
    expect(await peer.head()).toMatch(/^HTTP\/1.1 100 /);
    peer.sendText(`${body}${head('GET /api/routes/a', 0)}`);
    expect(await peer.head()).toMatch(/^HTTP\/1.1 201 /);
    expect(await peer.head()).toMatch(/^HTTP\/1.1 200 /);
    peer.reset();
  });

  test('and one that expects anything else is served like others', async () => {
    const hub = await hubGateway();
    const peer = await rawConnect(hub.apiPort);
    const unknown = `GET /api/routes HTTP/1.1\r\nHost: localhost\r\n${auth}Expect: a-miracle\r\n\r\n`;
    peer.sendText(unknown + unknown);
    expect(await peer.head()).toMatch(/^HTTP\/1.1 200 /);
    expect((await peer.bytes(2)).toString()).toBe('{}');
    expect(await peer.head()).toMatch(/^HTTP\/1.1 200 /);
    peer.reset();
  });
});

test('with `log.user: off` no line about a route names its user', async () => {
  const hub = await hubGateway({ more: "log: {user: 'off'}\n" });
  await hub.set('/user/ann', 1);
  await hub.set('/user/ann', 'no URL');
  await hub.api('/user/ann', { method: 'DELETE' });
  const lines = hub.log.filter(({ event }) => ['route_set', 'route_refused', 'route_deleted'].includes(String(event)));
  expect(lines.map(({ event, path }) => `${event} ${path}`)).toEqual([
    'route_set /user/[user]',
    'route_refused /user/[user]',
    'route_deleted /user/[user]',
  ]);
});
