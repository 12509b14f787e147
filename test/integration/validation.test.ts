/** Messages that are judged, through a whole gateway with real sockets. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { loadConfig } from '../../src/config/model/load.ts';
import { askAdmin } from '../helpers/admin-client.ts';
import { type FakeUpstream, fakeUpstream, type UpstreamPeer } from '../helpers/fake-upstream.ts';
import { clientFrame, closeFrame, frame } from '../helpers/frames.ts';
import { startGatewayOf, type TestGateway } from '../helpers/gateway.ts';
import type { Peer } from '../helpers/peer.ts';
import { rawClient } from '../helpers/raw-client.ts';
import { scratchFolder } from '../helpers/scratch-folder.ts';

const schema = {
  type: 'object',
  required: ['filename'],
  properties: { filename: { type: 'string' }, columns: { type: 'array', items: { type: 'string' } } },
};

interface Validated extends AsyncDisposable {
  readonly sluice: TestGateway;
  readonly client: Peer;
  readonly upstream: UpstreamPeer;
  readonly backend: FakeUpstream;
  readonly schemaFile: string;
  /** The configuration's text with other lines below the route. */
  readonly text: (lines: string) => string;
}

/**
 * A gateway whose route `files` has these lines below it, and one connection through it. `SCHEMA` is the schema's path.
 */
async function validated(lines: string): Promise<Validated> {
  const folder = scratchFolder();
  const schemaFile = join(folder, 'message.json');
  writeFileSync(schemaFile, JSON.stringify(schema));
  const backend = await fakeUpstream();
  const text = (own: string) => `
listen: {address: "127.0.0.1:0"}
admin: {address: "127.0.0.1:0"}
log: {max_rate: unlimited}
routes:
  - name: files
    upstream: "http://127.0.0.1:${backend.port}"
${own.replaceAll('SCHEMA', schemaFile)}
`;
  const sluice = await startGatewayOf(text(lines));
  const client = await rawClient(sluice.port);
  return {
    ...{ sluice, client, backend, schemaFile, text },
    upstream: await backend.next(),
    async [Symbol.asyncDispose]() {
      await sluice[Symbol.asyncDispose]();
      await backend[Symbol.asyncDispose]();
    },
  };
}

const good = '{"filename":"a.csv"}';
const bad = '{"filename":"a.csv","columns":["x",3]}';

test('a good message passes byte for byte, in fragments with a ping between them, and a bad one closes with 1007', async () => {
  await using it = await validated('    validate: {client: {text: {json_schema: SCHEMA}}}');
  const { client, upstream, sluice } = it;
  const parts = [
    clientFrame(good.slice(0, 5), { fin: false }),
    clientFrame('', { opcode: 0, fin: false, mask: Buffer.from('00000000', 'hex') }),
    clientFrame(good.slice(5), { opcode: 0, mask: Buffer.from('deadbeef', 'hex') }),
  ];
  client.send(parts[0]!);
  client.send(clientFrame('now', { opcode: 9 }));
  // The ping is answered while the message waits.
  expect((await client.frameOf(10)).payload.toString()).toBe('now');
  expect(upstream.received.length).toBe(0);
  client.send(Buffer.concat(parts.slice(1)));
  const bytes = Buffer.concat(parts);
  expect((await upstream.bytes(bytes.length)).equals(bytes)).toBe(true);
  const binary = clientFrame(Buffer.from([0xff, 0, 0x7b]), { opcode: 2 });
  client.send(binary);
  expect((await upstream.bytes(binary.length)).equals(binary)).toBe(true);
  client.send(clientFrame(bad));
  expect(await upstream.closeFrame()).toEqual({
    code: 1007,
    reason: 'a text message breaks "type" at /columns/1 (route files)',
  });
  upstream.send(closeFrame(1007));
  expect((await client.closeFrame()).code).toBe(1007);
  expect(await sluice.logged('violation')).toMatchObject({
    route: 'files',
    flag: 'IM',
    sender: 'client',
    action: 'close',
    limit: { name: 'validate', detail: 'a text message breaks "type" at /columns/1' },
  });
  expect(await sluice.metrics()).toContain(
    'sluice_limit_violations_total{route="files",sender="client",limit="validate",action="close"} 1',
  );
  // Not a byte of it came through.
  expect(await upstream.rest()).toEqual(Buffer.alloc(0));
});

test('a bad message of the upstream is reported and passes, or closes', async () => {
  await using it = await validated('    validate: {upstream: {max_depth: 2, action: report}}');
  const { client, upstream, sluice } = it;
  const deep = frame('[[[]]]');
  upstream.send(deep);
  expect((await client.bytes(deep.length)).equals(deep)).toBe(true);
  expect(await sluice.logged('violation')).toMatchObject({ sender: 'upstream', action: 'report' });
  const loaded = loadConfig('sluice.yaml', it.text('    validate: {upstream: {max_depth: 2}}'));
  expect(sluice.gateway.reload(await sluice.gateway.prepare(loaded))).toBe(true);
  upstream.send(frame('[[[]]]'));
  expect(await client.closeFrame()).toMatchObject({ code: 1007, reason: expect.stringContaining('max_depth') });
});

test('a bad message is answered and dropped, the connection goes on, and the answers wait for the end of a message', async () => {
  await using it = await validated(
    '    validate: {client: {text: {json_schema: SCHEMA}, binary: reject, action: reply, reply: {type: error, message: "no: {reason}"}}}',
  );
  const { client, upstream, sluice } = it;
  upstream.send(frame('a long ', { fin: false }));
  expect((await client.frame()).payload.toString()).toBe('a long ');
  client.send(Buffer.concat([clientFrame(bad), clientFrame('x', { opcode: 2 }), clientFrame(good)]));
  // The good one behind them arrives; nothing of ours stands inside the upstream's message.
  expect((await upstream.frame()).payload.toString()).toBe(good);
  upstream.send(frame('tale', { opcode: 0 }));
  expect((await client.frame()).payload.toString()).toBe('tale');
  const answers = [await client.frame(), await client.frame()].map(({ payload }) => JSON.parse(payload.toString()));
  expect(answers).toEqual([
    { type: 'error', message: 'no: a text message breaks "type" at /columns/1' },
    { type: 'error', message: 'no: binary messages are not accepted' },
  ]);
  const { json } = await askAdmin(sluice.adminPort, '/api/config');
  expect(json.routes[0].validate).toMatchObject({
    client: { binary: 'reject', action: 'reply', max_depth: 64 },
    upstream: null,
  });
});

test('whoever does not read its answers is read no further, and all of them come once it reads', async () => {
  await using it = await validated(
    '    validate: {client: {max_depth: 8, action: reply, reply: {pad: "PAD"}}}'.replace('PAD', 'x'.repeat(1000)),
  );
  const { client, upstream, sluice } = it;
  client.pause();
  const many = 20_000;
  client.send(Buffer.concat(Array.from({ length: many }, () => clientFrame('no'))));
  client.send(clientFrame('{}'));
  const session = [...sluice.gateway.sessions.sessions][0]!;
  await expect.poll(() => session.client.inbound.pauses.has('answers')).toBe(true);
  expect(session.capacity).toBeLessThan(2 * 1024 * 1024);
  client.resume();
  for (let i = 0; i < many; i++) await client.frameOf(1);
  expect((await upstream.frame()).payload.toString()).toBe('{}');
});

test('what is held counts as buffered, and is given back when the client leaves', async () => {
  await using it = await validated('    validate: {client: {max_depth: 8}}');
  const { client, upstream, sluice } = it;
  client.send(clientFrame(`"${'a'.repeat(50_000)}`, { fin: false }));
  const session = [...sluice.gateway.sessions.sessions][0]!;
  await expect.poll(() => session.client.inbound.bufferedBytes).toBeGreaterThan(50_000);
  const { budget } = sluice.gateway.sessions.memory;
  expect(budget.usedBytes).toBeGreaterThan(50_000);
  client.reset();
  await upstream.closeFrame();
  upstream.end();
  expect(await sluice.logged('end')).toMatchObject({
    reason: 'client_vanished',
    undelivered_bytes: expect.any(Number),
  });
  expect(budget.usedBytes).toBe(0);
});

test('a text beyond its size is refused at the header that crosses it, and the limits hold beside it', async () => {
  await using it = await validated(
    '    limits: {client: {max_message_size: 1MiB}}\n    validate: {client: {max_depth: 8, text: {max_size: 1KiB}, action: reply}}',
  );
  const { client, upstream } = it;
  client.send(clientFrame('"a', { fin: false }));
  client.send(clientFrame('', { opcode: 0, fin: false, length: 1023 }));
  expect((await client.frame()).payload.toString()).toBe(
    '{"type":"error","message":"a text message of 1025 bytes exceeds text.max_size, which is 1024"}',
  );
  // The rest of it is dropped, and what comes then passes.
  client.send(Buffer.concat([Buffer.alloc(1023), clientFrame('', { opcode: 0 }), clientFrame('1')]));
  expect((await upstream.frame()).payload.toString()).toBe('1');
  client.send(clientFrame('', { length: 1024 * 1024 + 1 }));
  expect((await client.closeFrame()).code).toBe(1009);
});

test('mode report lets a message pass that is too large to be held, from its first byte', async () => {
  await using it = await validated(
    '    limits: {mode: report}\n    validate: {client: {max_depth: 8, text: {max_size: 1KiB}}}',
  );
  const { client, upstream } = it;
  const parts = [clientFrame('"a', { fin: false }), clientFrame('b'.repeat(2000), { opcode: 0 })];
  client.send(parts[0]!);
  client.send(parts[1]!);
  const bytes = Buffer.concat(parts);
  expect((await upstream.bytes(bytes.length)).equals(bytes)).toBe(true);
});

test('a drain waits for the message under way, and its judgement', async () => {
  await using it = await validated('    validate: {client: {text: {json_schema: SCHEMA}}}');
  const { client, upstream, sluice } = it;
  client.send(clientFrame(good.slice(0, 4), { fin: false }));
  const session = [...sluice.gateway.sessions.sessions][0]!;
  await expect.poll(() => session.client.inbound.bufferedBytes).toBeGreaterThan(0);
  session.drain('operator');
  expect((await client.closeFrame()).code).toBe(1012);
  client.send(clientFrame(good.slice(4), { opcode: 0 }));
  client.send(closeFrame(1012, '', { mask: true }));
  expect((await upstream.frame()).payload.toString()).toBe(good.slice(0, 4));
  expect((await upstream.frame()).payload.toString()).toBe(good.slice(4));
  expect((await upstream.closeFrame()).code).toBe(1001);
});

test('a schema that changes holds from the next message; a bad one leaves the one before, and stops a reload and a start', async () => {
  await using it = await validated('    validate: {client: {text: {json_schema: SCHEMA}, action: reply}}');
  const { client, upstream, sluice, schemaFile } = it;
  client.send(clientFrame(good));
  expect((await upstream.frame()).payload.toString()).toBe(good);
  writeFileSync(schemaFile, '{"type":"arrray"}');
  expect(await sluice.logged('schema_rejected')).toMatchObject({ problem: expect.stringContaining(schemaFile) });
  expect(await sluice.metrics()).toContain('\nsluice_files_rejected 1\n');
  client.send(clientFrame(good));
  expect((await upstream.frame()).payload.toString()).toBe(good);
  const loaded = loadConfig('sluice.yaml', it.text('    validate: {client: {text: {json_schema: SCHEMA.none}}}'));
  expect(sluice.gateway.reload(await sluice.gateway.prepare(loaded))).toBe(false);
  expect(await sluice.logged('config_rejected')).toMatchObject({
    errors: [expect.stringContaining(`${schemaFile}.none does not exist`)],
  });
  writeFileSync(schemaFile, '{"type":"array"}');
  await sluice.logged('schema_loaded', { file: schemaFile });
  await sluice.logged('schema_loaded', { file: schemaFile });
  client.send(clientFrame(good));
  // On a busy machine a ping may stand before it.
  expect((await client.frameOf(1)).payload.toString()).toContain('breaks \\"type\\" at the top');
  await expect(
    startGatewayOf(it.text('    validate: {client: {text: {json_schema: SCHEMA.none}}}')),
  ).rejects.toMatchObject({
    code: 'ERR_SCHEMA_FILE',
  });
});

test('a route that begins to validate judges open connections from their next message on', async () => {
  await using it = await validated('');
  const { client, upstream, sluice } = it;
  client.send(clientFrame('not ', { fin: false }));
  expect((await upstream.frame()).payload.toString()).toBe('not ');
  const loaded = loadConfig('sluice.yaml', it.text('    validate: {client: {max_depth: 3}}'));
  expect(sluice.gateway.reload(await sluice.gateway.prepare(loaded))).toBe(true);
  client.send(Buffer.concat([clientFrame('JSON', { opcode: 0 }), clientFrame('[1]')]));
  expect((await upstream.frame()).payload.toString()).toBe('JSON');
  expect((await upstream.frame()).payload.toString()).toBe('[1]');
  client.send(clientFrame('nor this'));
  expect((await client.closeFrame()).code).toBe(1007);
});

test('where messages that wait spend the memory of all, the largest goes, and the others are judged and passed on', async () => {
  const rules = '    validate: {client: {max_depth: 8, text: {max_size: 1MiB}}}\nmemory: {max_buffered: 1MiB}';
  await using it = await validated(rules);
  const { sluice, backend } = it;
  const { budget } = sluice.gateway.sessions.memory;
  const payload = (size: number) => `"${'a'.repeat(size - 2)}"`;
  // Each waits for its second half; together they are more than may be held.
  const sizes = [150_000, 160_000, 170_000, 180_000, 190_000, 900_000];
  const peers: { client: Peer; upstream: UpstreamPeer; whole: Buffer; rest: Buffer }[] = [];
  for (const size of sizes) {
    const client = await rawClient(sluice.port);
    const upstream = await backend.next();
    const whole = clientFrame(payload(size));
    const half = whole.length / 2;
    client.send(whole.subarray(0, half));
    peers.push({ client, upstream, whole, rest: whole.subarray(half) });
  }
  const largest = peers.at(-1)!;
  expect((await largest.client.closeFrame()).code).toBe(1013);
  // Those that are left need no more than there is now: each is read to its end, judged and passed on.
  for (const { client, upstream, whole, rest } of peers.slice(0, -1)) {
    client.send(rest);
    expect((await upstream.bytes(whole.length)).equals(whole)).toBe(true);
  }
  const { client, upstream } = peers[0]!;
  client.send(clientFrame('[[[[[[[[[1]]]]]]]]]'));
  expect(await upstream.closeFrame()).toMatchObject({ code: 1007 });
  for (const { client, upstream } of peers) {
    client.socket.destroy();
    upstream.socket.destroy();
  }
  await expect.poll(() => budget.usedBytes).toBe(0);
});
