import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { loadConfig } from '../../src/config/model/load.ts';
import { askAdmin } from '../helpers/admin-client.ts';
import { type FakeUpstream, fakeUpstream, switching } from '../helpers/fake-upstream.ts';
import { clientFrame, closeFrame, frame } from '../helpers/frames.ts';
import { startGatewayOf } from '../helpers/gateway.ts';
import { rawClient } from '../helpers/raw-client.ts';
import { scratchFolder } from '../helpers/scratch-folder.ts';

const configText = ({ port }: FakeUpstream, admin = 'address: 127.0.0.1:0') => `
listen: {address: "127.0.0.1:0", trusted_proxies: [127.0.0.1]}
admin: {${admin}}
drain: {announce: 1h, deadline: 2h}
defaults:
  limits: {client: {max_queue: 7}}
routes:
  - name: panel
    preset: panel
    upstream: http://127.0.0.1:${port}
    limits:
      client: {max_message_rate: 5/s}
      upstream: {max_buffer_size: 64KiB}
  - {name: other, match: {hosts: [other.test], path: /x}, upstream: "http://127.0.0.1:${port}"}
`;

async function until<T>(ask: () => Promise<T>, wanted: (value: T) => boolean): Promise<T> {
  for (;;) {
    const value = await ask();
    if (wanted(value)) return value;
  }
}

/** Writes the token `streng-geheimes-wort`; returns the file's path, and where the admin port asks for it. */
function writeToken() {
  const tokenFile = join(scratchFolder(), 'token');
  writeFileSync(tokenFile, 'streng-geheimes-wort\n');
  return { tokenFile, admin: `address: "127.0.0.1:0", token_file: "${tokenFile}"` };
}

test('routes come with the source of each limit, and with what is open on them', async () => {
  await using upstream = await fakeUpstream();
  await using gateway = await startGatewayOf(configText(upstream));
  const client = await rawClient(gateway.port);
  client.send(clientFrame('hello'));
  await (await upstream.next()).frame();
  const { json } = await until(
    () => askAdmin(gateway.adminPort, '/api/routes'),
    ({ json }) => json.routes[0].counted.client.messages === 1,
  );
  const [panel, other] = json.routes;
  expect(panel).toMatchObject({
    name: 'panel',
    in_force: true,
    preset: 'panel',
    max_connections: 10_000,
    live: { connections: 1, client: { buffered_bytes: 0, queued_messages: 0, paused_connections: 0 } },
    counted: { opened: 1, closed: 0, client: { messages: 1, bytes: 5, violations: 0, pauses: 0 } },
  });
  expect(panel.settings['limits.client.max_message_size']).toEqual({
    ...{ value: 20 * 2 ** 20, unit: 'bytes', text: '20MiB' },
    source: { from: 'preset', preset: 'panel' },
  });
  expect(panel.settings['limits.client.max_message_rate']).toEqual({
    ...{ value: { per_second: 5, burst: 5, action: 'pause' }, unit: 'messages_per_second', text: '5/s' },
    source: { from: 'route', file: 'sluice.yaml', line: 12 },
  });
  expect(panel.settings['limits.client.max_queue'].source).toEqual({ from: 'defaults', file: 'sluice.yaml', line: 6 });
  expect(panel.settings['limits.client.max_byte_rate']).toMatchObject({
    value: 'unlimited',
    source: { from: 'built in' },
  });
  expect(panel.settings['drain.deadline']).toMatchObject({ text: '2h', source: { from: 'file', line: 4 } });
  expect(other).toMatchObject({ match: { hosts: ['other.test'], path: '/x' }, live: { connections: 0 } });
  expect(json.totals.connections).toBe(1);
  expect(json.memory).toMatchObject({ held_bytes: 0, max_bytes: expect.any(Number) });
});

test('a paused, full connection is found, shown in full, and closed at the end of its message', async () => {
  await using upstream = await fakeUpstream({
    answer: (request) =>
      request.includes('bokeh') ? switching(request, 'Sec-WebSocket-Protocol: bokeh') : switching(request),
  });
  await using gateway = await startGatewayOf(configText(upstream));
  const { adminPort } = gateway;
  const quiet = await rawClient(gateway.port, { path: '/quiet' });
  await upstream.next();
  const slow = await rawClient(gateway.port, {
    path: '/Apps/slow?token=geheim',
    headers: {
      Host: 'apps.test',
      'X-Forwarded-For': '10.1.2.3',
      'Sec-WebSocket-Protocol': 'bokeh, eyJzZXNzaW9uX2lkIjoi',
    },
  });
  slow.pause();
  const backend = await upstream.next();
  const message = frame(Buffer.alloc(16e6, 1), { opcode: 2 });
  backend.send(message.subarray(0, -1));
  const { json: page } = await until(
    () => askAdmin(adminPort, '/api/connections?sort=paused'),
    ({ json }) => json.connections[0].upstream_sent.paused,
  );
  expect(page).toMatchObject({ total: 2, matching: 2, offset: 0, next_offset: null });
  const [row, rest] = page.connections;
  expect(row).toMatchObject({
    route: 'panel',
    state: 'open',
    host: 'apps.test',
    path: '/Apps/slow',
    address: '10.1.2.3',
    user: null,
    subprotocol: 'bokeh',
    buffered_bytes: expect.any(Number),
  });
  expect(row.buffered_bytes).toBeGreaterThanOrEqual(64 * 1024);
  expect(rest.path).toBe('/quiet');
  expect(JSON.stringify(page)).not.toMatch(/geheim|eyJ/);

  for (const [query, paths] of [
    ['sort=buffered', ['/Apps/slow', '/quiet']],
    ['sort=buffered&order=asc', ['/quiet', '/Apps/slow']],
    ['sort=bytes&limit=1', ['/Apps/slow']],
    ['', ['/quiet', '/Apps/slow']],
    ['search=APPS/', ['/Apps/slow']],
    ['address=10.1.2.3&route=panel', ['/Apps/slow']],
    ['route=other', []],
    ['user=somebody', []],
    ['offset=1', ['/Apps/slow']],
  ] as const) {
    const { json } = await askAdmin(adminPort, `/api/connections?${query}`);
    expect([query, json.connections.map(({ path }: { path: string }) => path)]).toEqual([query, paths]);
  }

  const { json: whole } = await askAdmin(adminPort, `/api/connections/${row.id}`);
  expect(whole).toMatchObject({
    id: row.id,
    upstream_sent: {
      messages: 0,
      paused: true,
      pauses: { now: [{ cause: 'buffer', for_ms: expect.any(Number) }], count: 1 },
    },
    client_sent: { paused: false, pauses: { now: [], count: 0, total_ms: 0 } },
    legs: {
      client: { state: 'open', blocked: true, close_sent: null, close_received: null },
      upstream: { state: 'open', blocked: false },
    },
    ending: null,
    route_in_force: true,
  });
  expect(whole.settings['limits.upstream.max_buffer_size']).toMatchObject({ value: 65_536, source: { line: 13 } });

  const closing = await askAdmin(adminPort, `/api/connections/${row.id}`, { method: 'DELETE' });
  expect(closing.status).toBe(202);
  expect(closing.json).toEqual({
    id: row.id,
    result: 'closing',
    reason: 'operator',
    words: 'closed by the operator',
  });
  const { json: ending } = await askAdmin(adminPort, `/api/connections/${row.id}`);
  expect(ending).toMatchObject({
    state: 'ending',
    ending: { reason: 'operator', closed_by: 'sluice', words: 'closed by the operator', violation: null },
  });
  backend.send(message.subarray(-1));
  slow.resume();
  expect((await slow.bytes(message.length)).equals(message)).toBe(true);
  expect(await slow.closeFrame()).toEqual({ code: 1012, reason: 'closed by the operator' });
  slow.send(closeFrame(1012, '', { mask: true }));
  slow.end();
  expect(await backend.closeFrame()).toEqual({ code: 1001, reason: 'closed by the operator' });
  backend.end();
  expect(await gateway.logged('end')).toMatchObject({ flag: 'OP', reason: 'operator', undelivered_bytes: 0, cut: [] });
  for (const method of ['GET', 'DELETE']) {
    const gone = await askAdmin(adminPort, `/api/connections/${row.id}`, { method });
    expect([gone.status, gone.json.error.code]).toEqual([404, 'no_connection']);
  }
  const { json: left } = await askAdmin(adminPort, '/api/connections');
  expect(left.connections.map(({ path }: { path: string }) => path)).toEqual(['/quiet']);
  expect(await gateway.metrics()).toMatch(
    /^sluice_connections_closed_total\{route="panel",closed_by="sluice",reason="operator"\} 1$/m,
  );
  quiet.end();
});

test('a connection whose peer takes nothing is cut when an operator asks again', async () => {
  await using upstream = await fakeUpstream();
  await using gateway = await startGatewayOf(configText(upstream));
  const client = await rawClient(gateway.port);
  client.pause();
  const backend = await upstream.next();
  backend.send(frame(Buffer.alloc(16e6), { opcode: 2 }));
  const { json: page } = await until(
    () => askAdmin(gateway.adminPort, '/api/connections'),
    ({ json }) => json.connections[0].upstream_sent.paused,
  );
  const path = `/api/connections/${page.connections[0].id}`;
  const close = async () => (await askAdmin(gateway.adminPort, path, { method: 'DELETE' })).json;
  expect(await close()).toMatchObject({ result: 'closing', reason: 'operator' });
  expect(await close()).toMatchObject({ result: 'cut', reason: 'operator' });
  expect(await gateway.logged('end')).toMatchObject({ flag: 'OP', reason: 'operator', cut: ['client', 'upstream'] });
  client.resume();
  expect(await client.ended).toBe('reset');
});

test('a violated limit is shown with both of its numbers while its connection ends', async () => {
  await using upstream = await fakeUpstream();
  await using gateway = await startGatewayOf(configText(upstream));
  const client = await rawClient(gateway.port);
  await upstream.next();
  // A frame of 2^60 bytes.
  client.send('82ff 1000000000000000 00000000');
  expect((await client.closeFrame()).code).toBe(1009);
  const { json: page } = await askAdmin(gateway.adminPort, '/api/connections');
  const { json } = await askAdmin(gateway.adminPort, `/api/connections/${page.connections[0].id}`);
  expect(json.ending).toEqual({
    ...{ reason: 'message_too_big', closed_by: 'sluice', words: 'a message exceeds max_message_size' },
    violation: {
      ...{ sender: 'client', limit: 'max_message_size', action: 'close', at_least: false },
      ...{ configured: 20 * 2 ** 20, observed: String(2n ** 60n) },
    },
  });
  const { json: routes } = await askAdmin(gateway.adminPort, '/api/routes');
  expect(routes.routes[0].counted.client.violations).toBe(1);
  client.end();
});

test('a connection that ends for another reason is left to that', async () => {
  await using upstream = await fakeUpstream();
  await using gateway = await startGatewayOf(configText(upstream));
  const client = await rawClient(gateway.port);
  const backend = await upstream.next();
  backend.send(closeFrame(4000, 'enough'));
  expect(await client.closeFrame()).toEqual({ code: 4000, reason: 'enough' });
  const { json: page } = await askAdmin(gateway.adminPort, '/api/connections');
  const path = `/api/connections/${page.connections[0].id}`;
  const { json: whole } = await askAdmin(gateway.adminPort, path);
  expect(whole).toMatchObject({
    ending: { reason: 'upstream_closed', closed_by: 'upstream' },
    legs: { client: { state: 'closing', close_sent: 4000, close_received: null }, upstream: { close_received: 4000 } },
  });
  const { json } = await askAdmin(gateway.adminPort, path, { method: 'DELETE' });
  expect(json).toMatchObject({ result: 'was_ending', reason: 'upstream_closed' });
  client.send(closeFrame(4000, '', { mask: true }));
  client.end();
  expect(await gateway.logged('end')).toMatchObject({ flag: 'UC', cut: [] });
});

test('pages of a listing hold each connection once, in the order of their opening', async () => {
  await using upstream = await fakeUpstream();
  await using gateway = await startGatewayOf(configText(upstream));
  for (let i = 0; i < 5; i++) await rawClient(gateway.port, { path: `/${i}` });
  const paths: string[] = [];
  for (let offset: number | null = 0; offset !== null; ) {
    const { json } = await askAdmin(gateway.adminPort, `/api/connections?limit=2&offset=${offset}`);
    expect(json.offset).toBe(offset);
    expect(json.matching).toBe(json.total);
    // One that opens meanwhile comes last.
    if (offset === 0) await rawClient(gateway.port, { path: '/new' });
    paths.push(...json.connections.map(({ path }: { path: string }) => path));
    offset = json.next_offset;
  }
  expect(paths).toEqual(['/0', '/1', '/2', '/3', '/4', '/new']);
});

test('a wrong query is refused with everything that is wrong with it', async () => {
  await using upstream = await fakeUpstream();
  await using gateway = await startGatewayOf(configText(upstream));
  const { status, json } = await askAdmin(gateway.adminPort, '/api/connections?sort=size&limit=0&rout=a');
  expect(status).toBe(400);
  expect(json.error).toEqual({
    code: 'bad_query',
    what: 'the query is wrong',
    remedy:
      'sort: write one of age, buffered, paused, bytes. limit: write a whole number from 1 to 500. ' +
      'there is no rout; there are sort, order, route, address, user, search, limit, offset',
  });
});

test('the configuration is shown without its secrets', async () => {
  const { tokenFile, admin } = writeToken();
  await using upstream = await fakeUpstream();
  await using gateway = await startGatewayOf(configText(upstream, admin));
  const headers = { Authorization: 'Bearer streng-geheimes-wort' };
  const { json, text } = await askAdmin(gateway.adminPort, '/api/config', { headers });
  expect(text).not.toContain('geheim');
  expect(json).toMatchObject({
    files: ['sluice.yaml'],
    hash: expect.stringMatching(/^[0-9a-f]{64}$/),
    last_error: null,
  });
  expect(json.settings['admin.token_file']).toMatchObject({ value: tokenFile, source: { line: 3 } });
  expect(json.settings['listen.trusted_proxies']).toMatchObject({ value: ['127.0.0.1'], text: '127.0.0.1' });
  expect(json.settings['timeouts.close']).toMatchObject({ value: 10_000, text: '10s', source: { from: 'built in' } });
  expect(json.routes[0]).toMatchObject({ name: 'panel', origins: null, require_origin: false, preset: 'panel' });
});

test('after a reload that fails and one that removes a route, both are told', async () => {
  await using upstream = await fakeUpstream();
  const text = configText(upstream);
  await using gateway = await startGatewayOf(text);
  const client = await rawClient(gateway.port);
  await upstream.next();
  gateway.gateway.reload(loadConfig('sluice.yaml', text.replace('max_queue: 7', 'max_queue: none')));
  const { json: failed } = await askAdmin(gateway.adminPort, '/api/config');
  expect(failed.last_error.errors).toEqual([
    {
      ...{ file: 'sluice.yaml', line: 6, column: 32, path: 'defaults.limits.client.max_queue' },
      message: expect.stringContaining('"none" is not a count; write'),
    },
  ]);
  expect(gateway.gateway.reload(loadConfig('sluice.yaml', text.replace('name: panel', 'name: bokeh')))).toBe(true);
  const { json: config } = await askAdmin(gateway.adminPort, '/api/config');
  expect([config.last_error, config.needs_restart]).toEqual([null, []]);
  expect(config.routes.map(({ name }: { name: string }) => name)).toEqual(['bokeh', 'other']);
  gateway.gateway.reload(
    loadConfig('sluice.yaml', configText(upstream, 'address: 127.0.0.1:1').replace(/panel$/m, 'bokeh')),
  );
  const { json: waiting } = await askAdmin(gateway.adminPort, '/api/config');
  expect([waiting.needs_restart, waiting.settings['admin.address'].text]).toEqual([['admin.address'], '127.0.0.1:0']);
  const { json: routes } = await askAdmin(gateway.adminPort, '/api/routes');
  expect(
    routes.routes.map(
      ({ name, in_force, live }: { name: string; in_force: boolean; live: { connections: number } }) => [
        ...[name, in_force, live.connections],
      ],
    ),
  ).toEqual([
    ['bokeh', true, 0],
    ['other', true, 0],
    ['panel', false, 1],
  ]);
  const { json: page } = await askAdmin(gateway.adminPort, '/api/connections?route=panel');
  const { json: whole } = await askAdmin(gateway.adminPort, `/api/connections/${page.connections[0].id}`);
  expect(whole.route_in_force).toBe(false);
  expect(whole.settings['limits.client.max_queue']).toMatchObject({ value: 7, source: null });
  client.end();
});

test('a drain is asked for once, and once more changes nothing', async () => {
  await using upstream = await fakeUpstream();
  await using gateway = await startGatewayOf(configText(upstream));
  const client = await rawClient(gateway.port);
  expect((await askAdmin(gateway.adminPort, '/api/drain')).json).toEqual({ draining: false, progress: null });
  const first = await askAdmin(gateway.adminPort, '/api/drain', { method: 'POST' });
  expect(first.status).toBe(202);
  expect(first.json).toMatchObject({ draining: true, progress: { phase: 'announce', cause: 'api', connections: 1 } });
  expect((await askAdmin(gateway.adminPort, '/readyz')).status).toBe(503);
  const second = await askAdmin(gateway.adminPort, '/api/drain', { method: 'POST' });
  expect([second.status, second.json.progress.deadline_at]).toEqual([202, first.json.progress.deadline_at]);
  expect((await askAdmin(gateway.adminPort, '/api/drain')).json.progress.started_at).toBe(
    first.json.progress.started_at,
  );
  client.end();
});

test('the build, and the document that is in docs/', async () => {
  await using upstream = await fakeUpstream();
  await using gateway = await startGatewayOf(configText(upstream));
  const { json } = await askAdmin(gateway.adminPort, '/api/build');
  expect(json).toMatchObject({ pid: process.pid, node: process.versions.node, version: expect.any(String) });
  const document = await askAdmin(gateway.adminPort, '/api/openapi.json');
  expect(document.text).toBe(readFileSync(new URL('../../docs/openapi.json', import.meta.url), 'utf8'));
});

test('asks nobody on this machine for a token, and refuses whom a name or a page led here', async () => {
  await using upstream = await fakeUpstream();
  await using gateway = await startGatewayOf(configText(upstream));
  const { adminPort } = gateway;
  const client = await rawClient(gateway.port);
  const { json } = await askAdmin(adminPort, '/api/connections');
  const path = `/api/connections/${json.connections[0].id}`;
  const evil = { Origin: 'https://evil.example', 'Sec-Fetch-Site': 'cross-site', 'Sec-Fetch-Mode': 'no-cors' };
  const rebound = { Host: `evil.example:${adminPort}`, Origin: `http://evil.example:${adminPort}` };
  for (const [headers, code] of [
    [evil, 'cross_site'],
    [{ Origin: 'https://evil.example' }, 'cross_site'],
    [{ ...rebound, 'Sec-Fetch-Site': 'same-origin' }, 'host'],
  ] as const) {
    for (const [method, at] of [
      ['DELETE', path],
      ['POST', '/api/drain'],
      ['GET', '/api/connections'],
    ] as const) {
      const refused = await askAdmin(adminPort, at, { method, headers });
      expect([method, refused.status, refused.json.error.code]).toEqual([method, 403, code]);
      expect(refused.headers['access-control-allow-origin']).toBeUndefined();
    }
  }
  expect((await askAdmin(adminPort, '/api/drain')).json.draining).toBe(false);
  expect((await askAdmin(adminPort, path)).json.state).toBe('open');
  // A port on loopback is for this machine alone, and programs on it know its address.
  for (const open of ['/', '/metrics', '/healthz', '/readyz?verbose']) {
    expect((await askAdmin(adminPort, open)).status).toBe(200);
    expect((await askAdmin(adminPort, open, { headers: rebound })).status).toBe(403);
  }
  const page = { Origin: `http://127.0.0.1:${adminPort}`, 'Sec-Fetch-Site': 'same-origin' };
  expect((await askAdmin(adminPort, path, { method: 'DELETE', headers: page })).status).toBe(202);
  client.end();
});

test('with a token, every endpoint of the API asks for it', async () => {
  await using upstream = await fakeUpstream();
  await using gateway = await startGatewayOf(configText(upstream, writeToken().admin));
  const { adminPort } = gateway;
  const all = ['routes', 'connections', 'connections/x', 'drain', 'config', 'build', 'openapi.json'];
  const gets = all.map((path) => ['GET', path] as const);
  for (const [method, path] of [...gets, ['POST', 'drain'], ['DELETE', 'connections/x']] as const) {
    const without = await askAdmin(adminPort, `/api/${path}`, { method });
    expect([path, without.status, without.headers['www-authenticate']]).toEqual([path, 401, 'Bearer realm="sluice"']);
    const wrong = await askAdmin(adminPort, `/api/${path}`, { method, headers: { Authorization: 'Bearer falsch' } });
    expect([path, wrong.status]).toEqual([path, 401]);
  }
  const right = await askAdmin(adminPort, '/api/routes', {
    headers: { Authorization: 'Bearer streng-geheimes-wort', Host: 'sluice.ns.svc:9090' },
  });
  expect(right.status).toBe(200);
  for (const open of ['/metrics', '/healthz', '/readyz']) {
    expect((await askAdmin(adminPort, open)).status).toBe(200);
  }
  expect(await gateway.metrics()).toMatch(/^sluice_admin_refused_total\{reason="no_token"\} 9$/m);
  expect(gateway.log.filter(({ event }) => event === 'admin_refused')).toHaveLength(1);
});

test('a gateway whose token file is missing or empty starts nowhere', async () => {
  const folder = scratchFolder();
  const tokenFile = join(folder, 'token');
  await using upstream = await fakeUpstream();
  const started = () => startGatewayOf(configText(upstream, `address: "0.0.0.0:0", token_file: "${tokenFile}"`));
  await expect(started()).rejects.toThrow(`admin.token_file ${tokenFile} does not exist; write a token into it`);
  writeFileSync(tokenFile, '\n');
  await expect(started()).rejects.toMatchObject({
    code: 'ERR_ADMIN_TOKEN',
    message: expect.stringContaining('is empty'),
  });
});

test('HEAD is answered as GET is, other methods are named', async () => {
  await using upstream = await fakeUpstream();
  await using gateway = await startGatewayOf(configText(upstream));
  const head = await askAdmin(gateway.adminPort, '/api/routes', { method: 'HEAD' });
  expect([head.status, head.text, head.headers['content-type']]).toEqual([200, '', 'application/json; charset=utf-8']);
  expect(head.headers).toMatchObject({
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
    'cross-origin-resource-policy': 'same-origin',
  });
  const wrong = await askAdmin(gateway.adminPort, '/api/drain', { method: 'DELETE' });
  expect([wrong.status, wrong.headers.allow]).toEqual([405, 'GET, HEAD, POST']);
});
