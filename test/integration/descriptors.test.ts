/** A process that may open only a few files more: it says so, keeps what it has, and recovers. */
import { expect, test } from 'vitest';
import { fakeUpstream } from '../helpers/fake-upstream.ts';
import { clientFrame, frame } from '../helpers/frames.ts';
import { rawClient } from '../helpers/raw-client.ts';
import { Serve } from '../helpers/serve.ts';

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
