/** The image at work, as Kubernetes' profile "restricted" runs it: read-only, without capabilities, as 65532. */
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type RawData, WebSocket, WebSocketServer } from 'ws';
import { parse } from 'yaml';
import { Container } from './harness/container.ts';
import { revision } from './harness/image.ts';

const limit = 65_536;
let upstream: WebSocketServer;

beforeAll(async () => {
  upstream = new WebSocketServer({ host: '127.0.0.1', port: 0 });
  upstream.on('connection', (socket) => {
    socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary }));
  });
  await once(upstream, 'listening');
});

afterAll(() => {
  for (const client of upstream.clients) client.terminate();
  upstream.close();
});

test('a WebSocket passes through', async () => {
  await using sluice = await running();
  const client = await sluice.connect();
  client.send('through the image');
  const [data] = (await once(client, 'message')) as [RawData];
  expect(String(data)).toBe('through the image');
});

test('a message over the limit is refused with 1009 and the reason, counted and logged', async () => {
  await using sluice = await running();
  const client = await sluice.connect();
  client.send(Buffer.alloc(limit));
  await once(client, 'message');
  client.send(Buffer.alloc(limit + 1));
  const [code, reason] = (await once(client, 'close')) as [number, Buffer];
  expect([code, String(reason)]).toEqual([1009, `message of ${limit + 1} bytes exceeds ${limit} (route app)`]);
  await sluice.container.logged('end');
  expect(await sluice.metrics()).toContain(
    'sluice_limit_violations_total{route="app",sender="client",limit="max_message_size",action="close"} 1\n',
  );
});

test('metrics tell the version and the revision that was built', async () => {
  await using sluice = await running();
  expect(await sluice.metrics()).toMatch(new RegExp(`^sluice_build_info{.*revision="${revision}".*} 1$`, 'm'));
});

test('it starts with the configuration that it brings, and the health check of docs/image.md sees it', async () => {
  const page = readFileSync(join(import.meta.dirname, '../../docs/image.md'), 'utf8');
  const [, example] = /```yaml\n(healthcheck:[^`]*)```/.exec(page)!;
  const [, ...command] = (parse(example!) as { healthcheck: { test: string[] } }).healthcheck.test;
  await using container = new Container({ ownNetwork: true });
  expect(await container.logged('listening')).toMatchObject({
    address: '0.0.0.0:8080',
    admin_address: '127.0.0.1:9090',
  });
  expect(await container.execute(...command)).toEqual({ code: 0, output: '' });
  const elsewhere = command.map((word) => word.replace(':9090', ':9091'));
  expect(await container.execute(...elsewhere)).toEqual({ code: 1, output: '' });
});

test('the process is 65532, has no capability and can get none', async () => {
  await using sluice = await running();
  const { output } = await sluice.container.evaluate(
    `console.log((await import('node:fs')).readFileSync('/proc/1/status', 'utf8'))`,
  );
  expect(output).toMatch(/^Uid:\s+65532\s+65532\s+65532\s+65532$/m);
  expect(output).toMatch(/^Gid:\s+65532\s+65532\s+65532\s+65532$/m);
  for (const set of ['CapInh', 'CapPrm', 'CapEff', 'CapBnd', 'CapAmb']) {
    expect(output).toMatch(new RegExp(`^${set}:\\s+0+$`, 'm'));
  }
  expect(output).toMatch(/^NoNewPrivs:\s+1$/m);
});

test('nothing is writable but /tmp', async () => {
  await using sluice = await running();
  const { output } = await sluice.container.evaluate(findWritable);
  expect(JSON.parse(output)).toEqual(['/tmp']);
});

test('it starts from the compile cache, and strips no types', async () => {
  await using container = new Container({ ownNetwork: true, env: { NODE_DEBUG_NATIVE: 'COMPILE_CACHE' } });
  await container.logged('listening');
  await container.kill('KILL');
  await container.exit;
  expect(container.output).toMatch(/StrippedTypeScript file:\/\/\/app\/src\/gateway\.ts.*success/);
  expect(container.output).not.toContain('no transpile cache');
});

test('the heap is sized by NODE_OPTIONS', async () => {
  const options = '--max-old-space-size=100 --max-semi-space-size=8';
  await using container = new Container({ ownNetwork: true, env: { NODE_OPTIONS: options } });
  await container.logged('listening');
  const { output } = await container.evaluate(
    `import { getHeapStatistics } from 'node:v8'; console.log(getHeapStatistics().heap_size_limit / 2 ** 20)`,
  );
  // V8 counts three half-spaces of the young generation.
  expect(Number(output)).toBe(100 + 3 * 8);
});

test('SIGTERM sends clients away with 1012, and the process ends with 0 within its deadline', async () => {
  await using sluice = await running();
  const client = await sluice.connect();
  const closed = once(client, 'close') as Promise<[number, Buffer]>;
  const started = performance.now();
  await sluice.container.kill('TERM');
  expect((await closed)[0]).toBe(1012);
  expect(await sluice.container.exit).toBe(0);
  expect(performance.now() - started).toBeLessThan(deadlineMs);
  await sluice.container.logged('stopped');
});

test('a wrong configuration ends it with 2 and says where', async () => {
  const { code, output } = await Container.finish({ config: 'routes:\n  - nam: app\n' });
  expect(code).toBe(2);
  expect(output).toContain('/etc/sluice/sluice.yaml:2:5');
});

test('its other commands are arguments', async () => {
  const { code, output } = await Container.finish({ args: ['check', '/etc/sluice/sluice.yaml'] });
  expect(code).toBe(0);
  expect(output).toContain('max_message_size');
});

const deadlineMs = 20_000;

// Tries each directory and each file: permission bits say nothing about a read-only mount.
const findWritable = `
import { closeSync, openSync, readdirSync, rmSync } from 'node:fs';
const found = [];
const works = (path, flags) => { try { closeSync(openSync(path, flags)); return true; } catch { return false; } };
const visit = (directory) => {
  const probe = directory + '/probe';
  if (works(probe, 'wx')) { rmSync(probe); found.push(directory); }
  let entries = [];
  try { entries = readdirSync(directory, { withFileTypes: true }); } catch {}
  for (const entry of entries) {
    const path = (directory === '/' ? '' : directory) + '/' + entry.name;
    if (path === '/proc' || path === '/dev') continue;
    if (entry.isDirectory()) visit(path);
    else if (entry.isFile() && works(path, 'r+')) found.push(path);
  }
};
visit('/');
console.log(JSON.stringify(found));`;

/** Sluice in a container, before the echo server. */
async function running() {
  const { port } = upstream.address() as { port: number };
  const container = new Container({
    config: `
listen: {address: 127.0.0.1:0}
admin: {address: 127.0.0.1:0}
drain: {announce: 0s, spread: 0s, deadline: ${deadlineMs}ms}
routes:
  - name: app
    match: {path: /}
    upstream: http://127.0.0.1:${port}
    limits: {client: {max_message_size: ${limit}}}
`,
  });
  const clients: WebSocket[] = [];
  try {
    const { address, admin_address } = await container.logged('listening');
    return {
      container,
      async connect(): Promise<WebSocket> {
        const client = new WebSocket(`ws://${address}`);
        clients.push(client);
        await once(client, 'open');
        return client;
      },
      async metrics(): Promise<string> {
        return (await fetch(`http://${admin_address}/metrics`)).text();
      },
      async [Symbol.asyncDispose](): Promise<void> {
        for (const client of clients) client.terminate();
        await container[Symbol.asyncDispose]();
      },
    };
  } catch (error) {
    await container[Symbol.asyncDispose]();
    throw error;
  }
}
