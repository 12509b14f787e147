/** A process that may open only a few files more: it says so, keeps what it has, and recovers. */
import { readdirSync } from 'node:fs';
import { expect, test } from 'vitest';
import { fakeUpstream, switching } from '../helpers/fake-upstream.ts';
import { clientFrame, frame } from '../helpers/frames.ts';
import { handshakeRequest, rawClient, rawConnect } from '../helpers/raw-client.ts';
import { Serve } from '../helpers/serve.ts';
import { until } from '../helpers/until.ts';

type Client = Awaited<ReturnType<typeof rawClient>>;

test('out of file descriptors, turns new connections away with one line, and serves again when others have gone', async () => {
  await using upstream = await fakeUpstream();
  const { serve, port, adminPort } = await Serve.start(upstream, { openFiles: 80 });
  await using _ = serve;
  const clients: Client[] = [];
  let refused = 0;
  while (refused < 20) {
    try {
      clients.push(await rawClient(port));
    } catch {
      refused++;
    }
    expect(clients.length).toBeLessThan(40);
  }
  expect(await serve.logged('descriptors_exhausted')).toMatchObject({ level: 'error', turned_away: 1, limit: 80 });
  expect(upstream.open).toBe(clients.length);

  // Those that are open work on, and so does the admin port.
  const client = clients[0]!;
  const server = upstream.peers[0]!;
  client.send(clientFrame('still here'));
  expect((await server.frame()).payload.toString()).toBe('still here');
  server.send(frame('so am I'));
  expect((await client.frame()).payload.toString()).toBe('so am I');
  const metrics = await (await fetch(`http://127.0.0.1:${adminPort}/metrics`)).text();
  expect(metrics).toContain(`sluice_connections_active{route="test"} ${clients.length}`);

  for (const { socket } of clients) socket.destroy();
  for (const peer of upstream.peers) peer.end();
  await upstream.idle();
  const { socket } = await rawClient(port);
  socket.destroy();
  upstream.peers.at(-1)!.end();
  serve.process.kill('SIGTERM');
  await serve.logged('stopped');
  // One line when it began; the rest in one more, at the end here.
  const lines = serve.lines.filter(({ event }) => event === 'descriptors_exhausted');
  expect(lines.length).toBeLessThanOrEqual(3);
  expect(lines.reduce((sum, { turned_away }) => sum + Number(turned_away), 0)).toBe(20);
});

test('a burst that needs more descriptors than there are gets 503 for what is too much, and no upstream is blamed', async () => {
  await using upstream = await fakeUpstream({
    answer: (request) => (request.includes('Upgrade') ? switching(request) : null),
  });
  const { serve, port, adminPort } = await Serve.start(upstream, { openFiles: 80 });
  await using _ = serve;
  const descriptors = () => readdirSync(`/proc/${serve.process.pid}/fd`).length;
  const before = descriptors();
  const clients = await Promise.all(Array.from({ length: 60 }, () => rawConnect(port)));
  let turnedAway = 0;
  for (const client of clients) void client.ended.then(() => turnedAway++);
  // All are accepted, or turned away, before the first of them is dialled for.
  await until(() => descriptors() - before + turnedAway >= clients.length);
  for (const [i, client] of clients.entries()) {
    client.sendText(i % 2 === 0 ? handshakeRequest() : 'GET / HTTP/1.1\r\nHost: h\r\n\r\n');
  }
  const heads = await Promise.all(
    clients.map((client, i) => (i % 2 === 0 ? client.head().catch(() => 'gone') : 'unknown')),
  );
  const statuses = new Set(heads.map((head) => /^HTTP\/1\.1 (\d+)/.exec(head)?.[1] ?? head));
  expect([...statuses]).toEqual(expect.arrayContaining(['101', '503']));
  expect([...statuses]).not.toContain('502');
  const refusal = heads.findIndex((head) => head.includes(' 503 '));
  const text = (await clients[refusal]!.rest()).toString();
  expect(text).toContain('the gateway may open no more files and connections');
  expect(text).toContain('ulimit -n');
  const metrics = await (await fetch(`http://127.0.0.1:${adminPort}/metrics`)).text();
  expect(metrics).toMatch(/sluice_handshakes_total\{route="test",result="no_descriptors"\} [1-9]/);
  expect(metrics).not.toMatch(/sluice_upstream_errors_total\{.*\} [1-9]/);
  for (const { socket } of clients) socket.destroy();
});

test('whoever holds connections that ask for nothing makes room for those that do', async () => {
  await using upstream = await fakeUpstream();
  const { serve, port, adminPort } = await Serve.start(upstream, { openFiles: 160 });
  await using _ = serve;
  const idle = await Promise.all(Array.from({ length: 120 }, () => rawConnect(port)));
  // The first of them have gone for the last.
  await Promise.race(idle.map(({ gone }) => gone));
  const clients: Client[] = [];
  for (let i = 0; i < 20; i++) clients.push(await rawClient(port));
  expect(await serve.logged('waiting_evicted')).toMatchObject({ level: 'warn' });
  const health = await fetch(`http://127.0.0.1:${adminPort}/healthz`);
  expect(health.status).toBe(200);
  for (const { socket } of [...idle, ...clients]) socket.destroy();
});
