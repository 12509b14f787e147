/** A real process under traffic is told to end: nobody is lost on the way, and nobody leaves in a herd. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, test } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { Sluice } from '../real/harness/sluice.ts';

const connections = 1000;
/** Every fifth is open and says nothing. */
const isIdle = (i: number) => i % 5 === 0;
const announceMs = 3000;
const spreadMs = 10_000;
const deadlineMs = 40_000;
/**
 * Before the signal; with the announcement it is longer than the ten seconds after which a connection counts as idle.
 */
const trafficMs = 8000;
/** Each connection with traffic sends that often, each way. */
const rounds = 10;
const roundMs = 25;

/** What one end of a connection sent and received: numbers from 0, so that a gap or a change of order shows. */
class End {
  sent = 0;
  received = 0;
  inOrder = true;
  readonly #socket: WebSocket;

  constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.on('message', (data) => {
      this.inOrder &&= Number.parseInt(String(data), 10) === this.received;
      this.received++;
    });
  }

  /** Sends the next number; every hundredth message is large, so that some closes come in the middle of one. */
  send(): void {
    // From the peer's close frame on, `ws` says that it is closing.
    if (this.#socket.readyState !== WebSocket.OPEN) return;
    const filling = this.sent % 100 === 99 ? 64 * 1024 : 100;
    this.#socket.send(`${this.sent++} ${'x'.repeat(filling)}`);
  }
}

interface Client {
  readonly end: End;
  readonly idle: boolean;
  readonly path: string;
  code: number | null;
  /** Since the signal. */
  closedAtMs: number;
}

test('1000 connections with traffic: each hears 1012, no message is lost, and the closes are spread', async () => {
  const upstreams = new Map<string, End>();
  const server = createServer();
  const sockets = new WebSocketServer({ server, perMessageDeflate: false });
  sockets.on('connection', (socket, { url }) => upstreams.set(url!, new End(socket)));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const upstream = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const route = (protect: 'client' | 'upstream') => ({
    name: `protects-${protect}`,
    match: { path: `/${protect}` },
    upstream,
    drain: { protect },
  });
  await using sluice = await Sluice.start({
    drain: { announce: `${announceMs}ms`, spread: `${spreadMs}ms`, deadline: `${deadlineMs}ms` },
    routes: [route('client'), route('upstream')],
  });

  let signalledAt = Number.POSITIVE_INFINITY;
  const clients: Client[] = [];
  for (let i = 0; i < connections; i++) {
    const path = `/${i % 2 === 0 ? 'client' : 'upstream'}/${i}`;
    const socket = new WebSocket(`ws://127.0.0.1:${sluice.port}${path}`, { perMessageDeflate: false });
    const client: Client = { end: new End(socket), idle: isIdle(i), path, code: null, closedAtMs: 0 };
    clients.push(client);
    socket.on('close', (code) => {
      client.code = code;
      client.closedAtMs = performance.now() - signalledAt;
    });
    await once(socket, 'open');
  }
  const busy = clients.filter(({ idle }) => !idle);
  let round = 0;
  const traffic = setInterval(() => {
    for (let i = round++ % rounds; i < busy.length; i += rounds) {
      busy[i]!.end.send();
      upstreams.get(busy[i]!.path)!.send();
    }
  }, roundMs);
  await new Promise((resolve) => setTimeout(resolve, trafficMs));

  signalledAt = performance.now();
  sluice.process.signal('SIGTERM');
  expect(await sluice.process.exited()).toBe(0);
  const tookMs = performance.now() - signalledAt;
  clearInterval(traffic);
  sockets.close();
  server.close();

  const closes = (some: readonly Client[]) => some.map(({ closedAtMs }) => closedAtMs - announceMs);
  const histogram = new Array<number>(spreadMs / 1000).fill(0);
  for (const ms of closes(clients)) histogram[Math.min(histogram.length - 1, Math.max(0, Math.floor(ms / 1000)))]!++;
  const messages = (ends: readonly End[]) => ends.reduce((sum, { received }) => sum + received, 0);
  const toClients = messages(clients.map(({ end }) => end));
  const toUpstream = messages([...upstreams.values()]);
  console.log(`${toUpstream} messages up, ${toClients} down; gone after ${(tookMs / 1000).toFixed(1)} s`);
  for (const [second, count] of histogram.entries()) {
    console.log(
      `second ${String(second).padStart(2)} of the spread: ${String(count).padStart(4)} ${'#'.repeat(count / 5)}`,
    );
  }

  // What the other side sends while one is saying goodbye finds nobody: nothing that a proxy can change.
  const unheard = (of: 'client' | 'upstream') =>
    clients
      .filter(({ path }) => !path.startsWith(`/${of}/`))
      .reduce((sum, { path, end }) => {
        const upstream = upstreams.get(path)!;
        return sum + (of === 'client' ? end.sent - upstream.received : upstream.sent - end.received);
      }, 0);
  console.log(
    `sent by the side that was not protected during the goodbye: ${unheard('client')} up, ${unheard('upstream')} down`,
  );

  expect(new Set(clients.map(({ code }) => code))).toEqual(new Set([1012]));
  expect(tookMs).toBeLessThan(deadlineMs);
  expect(await sluice.logged({ event: 'drained' })).toMatchObject({ connections, sent_away: connections, cut: 0 });
  expectNothingLost(clients, upstreams, sluice);
  expect(toClients).toBeGreaterThan(busy.length * 5);

  // A hundred each second; bounds that hold on a machine with ten other things to do, and that no herd keeps.
  expect(Math.max(...histogram)).toBeLessThan(350);
  const all = closes(clients);
  expect(Math.min(...all)).toBeGreaterThan(-100);
  for (const share of [0.25, 0.5, 0.75]) {
    expect(Math.abs(quantile(all, share) - share * spreadMs)).toBeLessThan(0.2 * spreadMs);
  }
  // Those who are in the middle of something stay longest.
  const idle = clients.filter((client) => client.idle);
  expect(quantile(closes(idle), 0.9)).toBeLessThan(quantile(closes(busy), 0.1));
});

function quantile(values: readonly number[], share: number): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length * share)]!;
}

/**
 * Lost would be a message that the protected side sent before it closed and that did not arrive, and one from the other
 * side that Sluice read whole (the log counts those) and did not deliver.
 */
function expectNothingLost(clients: readonly Client[], upstreams: ReadonlyMap<string, End>, sluice: Sluice): void {
  const ends = new Map(sluice.log.filter(({ event }) => event === 'end').map((line) => [line.path, line]));
  const losses = clients.flatMap(({ path, end }) => {
    const upstream = upstreams.get(path)!;
    const line = ends.get(path) as { client_sent: { messages: number }; upstream_sent: { messages: number } };
    const protects = path.startsWith('/client/') ? 'client' : 'upstream';
    const up = { arrived: upstream.received, owed: protects === 'client' ? end.sent : line.client_sent.messages };
    const down = { arrived: end.received, owed: protects === 'upstream' ? upstream.sent : line.upstream_sent.messages };
    const whole = up.arrived === up.owed && down.arrived === down.owed && end.inOrder && upstream.inOrder;
    return whole ? [] : [{ path, up, down, line }];
  });
  expect(losses).toEqual([]);
  expect([...ends.values()].filter((line) => line.undelivered_bytes !== 0)).toEqual([]);
}
