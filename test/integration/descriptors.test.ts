/** A process that may open only a few files more: it says so, keeps what it has, and recovers. */
import { execFile } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { fakeUpstream, switching, switchingOrOk } from '../helpers/fake-upstream.ts';
import { clientFrame, frame } from '../helpers/frames.ts';
import type { Peer } from '../helpers/peer.ts';
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
  const handshakes = clients.filter((_, i) => i % 2 === 0);
  const heads = await Promise.all(handshakes.map((client) => client.head().catch(() => 'not a word')));
  const statuses = new Set(heads.map((head) => /^HTTP\/1\.1 (\d+)/.exec(head)?.[1] ?? head));
  expect([...statuses].sort()).toEqual(['101', '503']);
  const refusal = heads.findIndex((head) => head.includes(' 503 '));
  const text = (await handshakes[refusal]!.rest()).toString();
  expect(text).toContain('the gateway may open no more files and connections');
  expect(text).toContain('ulimit -n');
  const metrics = await (await fetch(`http://127.0.0.1:${adminPort}/metrics`)).text();
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

/** A request on a connection that stays open behind its answer. Returns the connection and the answer's first line. */
async function get(port: number): Promise<readonly [Peer, string]> {
  const client = await rawConnect(port);
  client.sendText('GET / HTTP/1.1\r\nHost: h\r\n\r\n');
  const [line = ''] = (await client.head()).split('\r\n');
  return [client, line];
}

test('idle connections make room for both descriptors of a newcomer, and nobody else is harmed', async () => {
  await using upstream = await fakeUpstream({ answer: switchingOrOk });
  const { serve, port, adminPort } = await Serve.start(upstream, { openFiles: 160 });
  await using _ = serve;
  // As probes do it: on a connection of its own.
  const probe = async (path: string) =>
    (await fetch(`http://127.0.0.1:${adminPort}${path}`, { headers: { Connection: 'close' } })).status;
  const pages: Client[] = [];
  for (let i = 0; i < 25; i++) pages.push(await rawClient(port));
  const first = [...pages];
  const servers = [...upstream.peers];
  const idle: Peer[] = [];
  const answers = new Set<string>();
  for (let i = 0; i < 120; i++) {
    const [client, answer] = await get(port);
    idle.push(client);
    answers.add(answer);
  }
  for (let i = 0; i < 20; i++) {
    pages.push(await rawClient(port));
    const [client, answer] = await get(port);
    idle.push(client);
    answers.add(answer);
    answers.add(`health ${await probe('/healthz')}`);
  }
  expect([...answers]).toEqual(['HTTP/1.1 200 OK', 'health 200']);
  expect(await probe('/readyz')).toBe(200);

  // When nobody is idle any more, whoever comes is told why not.
  const refusals: string[] = [];
  while (refusals.length < 5) {
    const client = await rawConnect(port);
    client.sendText(handshakeRequest());
    const head = await client.head();
    if (head.startsWith('HTTP/1.1 101 ')) pages.push(Object.assign(client, { answer: head }));
    else refusals.push(`${head}${(await client.rest()).toString()}`);
    expect(pages.length).toBeLessThan(70);
  }
  for (const refusal of refusals) {
    expect(refusal).toMatch(/^HTTP\/1\.1 503 /);
    expect(refusal).toContain('the gateway may open no more files and connections');
    expect(refusal).toContain('ulimit -n');
  }
  // However many connect to the admin port.
  const operators = await Promise.all(Array.from({ length: 40 }, () => rawConnect(adminPort)));
  for (let i = 0; i < 5; i++) expect(await probe('/healthz')).toBe(200);
  for (const [i, page] of first.entries()) {
    page.send(clientFrame('still here'));
    expect((await servers[i]!.frame()).payload.toString()).toBe('still here');
  }
  for (const { socket } of [...idle, ...pages, ...operators]) socket.destroy();
});

test('idle connections to upstreams make room before anybody notices', async () => {
  await using upstream = await fakeUpstream({
    answer: (request) => (request.includes('Upgrade') ? switching(request) : null),
  });
  const { serve, port, adminPort } = await Serve.start(upstream, { openFiles: 80 });
  await using _ = serve;
  const asked = Array.from({ length: 20 }, () => get(port));
  // All are under way at once, so that each has a connection of its own.
  const answering = await Promise.all(asked.map(() => upstream.next()));
  for (const peer of answering) peer.sendText('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
  const lent = await Promise.all(asked);
  expect(new Set(lent.map(([, line]) => line))).toEqual(new Set(['HTTP/1.1 200 OK']));
  const pages: Client[] = [];
  for (let i = 0; i < 6; i++) pages.push(await rawClient(port));
  expect(upstream.open).toBeLessThan(26);

  // Where nobody else is idle they speak for the next one.
  for (const [{ socket }] of lent) socket.destroy();
  const idle = () => upstream.open - pages.length;
  for (const before = idle(); idle() >= before; ) pages.push(await rawClient(port));
  expect((await fetch(`http://127.0.0.1:${adminPort}/readyz`)).status).toBe(200);
  for (const { socket } of pages) socket.destroy();
  for (const peer of upstream.peers) peer.end();
  serve.process.kill('SIGTERM');
  await serve.logged('stopped');
  expect(serve.lines.map(({ event }) => event)).not.toContain('waiting_evicted');
});

test('where the kernel does not count, what can be opened is found out, wherever the free numbers lie', async () => {
  const program = `
    import { closeSync, openSync } from 'node:fs';
    import { openableFiles } from ${JSON.stringify(join(import.meta.dirname, '../../src/front/descriptors.ts'))};
    const found = [openableFiles(5)];
    const held = [];
    try { for (;;) held.push(openSync('/dev/null', 'r')); } catch {}
    found.push(openableFiles(5));
    for (const descriptor of [held.at(0), held.at(-5), held.at(-1)]) closeSync(descriptor);
    found.push(openableFiles(5));
    console.log(JSON.stringify(found));`;
  const command = ['-c', 'ulimit -n 80 && exec "$@"', 'sh', process.execPath, '--input-type=module', '-e', program];
  const { stdout } = await promisify(execFile)('sh', command);
  expect(JSON.parse(stdout)).toEqual([5, 0, 3]);
});
