/** What one client, or whoever should read the log, can do to a neighbour: nothing that it would notice. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import { connect, type Socket } from 'node:net';
import { Worker } from 'node:worker_threads';
import { expect, onTestFinished, test } from 'vitest';
import { listen } from '../helpers/listen.ts';
import { handshakeRequest, rawConnect } from '../helpers/raw-client.ts';
import { residentBytes } from '../real/harness/process-memory.ts';
import { Sluice } from '../real/harness/sluice.ts';
import { MiB } from './load.ts';

const pipelined = 3000;
const budgetMiB = 64;
/** What a process may take beside its budget. */
const spareMiB = 32;
/** In most seconds: in some the machine itself is busy, with the other side of this test for one. */
const longestEchoMs = 100;

/** A Sluice with a neighbour on it, who says how long its messages take. */
async function setUp() {
  const echo = new Worker(new URL('./echo-thread.ts', import.meta.url));
  const answer = async () => (await once(echo, 'message'))[0] as number;
  const file = Buffer.alloc(2 * MiB, 'x');
  const files = createServer((_req, res) => res.end(file));
  files.keepAliveTimeout = 60_000;
  const filePort = await listen(files);
  const sluice = await Sluice.start({
    memory: { max_buffered: `${budgetMiB}MiB` },
    routes: [
      { name: 'echo', upstream: `http://127.0.0.1:${await answer()}` },
      { name: 'file', match: { path: '/file' }, upstream: `http://127.0.0.1:${filePort}` },
    ],
  });
  onTestFinished(async () => {
    // The neighbour first: it would miss its Sluice.
    await echo.terminate();
    await sluice.stop();
    files.closeAllConnections();
    files.close();
  });
  echo.postMessage(sluice.port);
  const longest = () => {
    echo.postMessage('longest');
    return answer();
  };
  const resident = async () => (await residentBytes(sluice.process.pid)) / MiB;
  await new Promise((resolve) => setTimeout(resolve, 2000));
  await longest();
  const before = await resident();
  /** While `work` goes on: the longest echo of a second, what `/healthz` says and how large the process becomes. */
  const watch = async (what: string, work: Promise<unknown>) => {
    const end = performance.now() + 10_000;
    let most = 0;
    let sick = 0;
    const echoes: number[] = [];
    let looked = performance.now();
    const isOver = work.then(() => true);
    while (performance.now() < end) {
      const healthy = await fetch(`${sluice.adminUrl}/healthz`, { signal: AbortSignal.timeout(1000) }).then(
        (answered) => answered.ok,
        () => false,
      );
      if (!healthy) sick++;
      most = Math.max(most, await resident());
      if (performance.now() - looked >= 1000) {
        looked = performance.now();
        echoes.push(await longest());
      }
      if (await Promise.race([isOver, new Promise((resolve) => setTimeout(resolve, 100, false))])) break;
    }
    echoes.push(await longest());
    echoes.sort((a, b) => a - b);
    const echoMs = echoes[Math.floor(echoes.length / 2)]!;
    const grown = most - before;
    console.log(
      `${what}: an echo waits ${echoMs.toFixed(1)} ms at most in most seconds, ${echoes.at(-1)!.toFixed(1)} in one; ${grown.toFixed(0)} MiB more than ${before.toFixed(0)}`,
    );
    expect(sick).toBe(0);
    expect(grown).toBeLessThan(budgetMiB + spareMiB);
    expect(echoMs).toBeLessThan(longestEchoMs);
    return grown;
  };
  return { sluice, watch };
}

/** Sends that many requests in one write, and reads no answer. */
async function pipeline(port: number, path: string): Promise<Socket> {
  const socket = connect(port, '127.0.0.1').pause();
  socket.on('error', () => {});
  onTestFinished(() => void socket.destroy());
  await once(socket, 'connect');
  socket.write(`GET ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`.repeat(pipelined));
  return socket;
}

test(`${pipelined} requests in one write, on either port, hold nobody up`, async () => {
  const { sluice, watch } = await setUp();
  await pipeline(sluice.port, '/file');
  await watch('a file, unread', new Promise(() => {}));
  for (const path of ['/metrics', '/api/config', '/api/connections', '/']) {
    await pipeline(sluice.adminPort, path);
    const grown = await watch(`${path} of the admin port, unread`, new Promise(() => {}));
    expect(grown).toBeLessThan(spareMiB + budgetMiB);
  }
  // Somebody who reads them all.
  const reader = await pipeline(sluice.port, '/file');
  let bytes = 0;
  reader.on('data', (chunk) => {
    bytes += chunk.length;
  });
  reader.resume();
  await watch('a file, read', new Promise(() => {}));
  expect(bytes).toBeGreaterThan(20 * MiB);
});

test('a log that nobody reads holds nobody up', async () => {
  const { sluice, watch } = await setUp();
  sluice.process.deafen();
  const request = handshakeRequest({ path: `/${'long/'.repeat(50)}`, headers: { 'Sec-WebSocket-Version': '8' } });
  let visits = 0;
  let on = true;
  const visiting = Promise.all(
    Array.from({ length: 4 }, async () => {
      while (on) {
        const client = await rawConnect(sluice.port);
        client.sendText(request);
        await client.ended;
        client.socket.destroy();
        visits++;
      }
    }),
  );
  await watch('a log that nobody reads', new Promise(() => {}));
  on = false;
  await visiting;
  const metrics = await (await fetch(`${sluice.adminUrl}/metrics`)).text();
  const dropped = Number(/^sluice_log_lines_dropped_total\{reason="unread"\} (\d+)$/m.exec(metrics)![1]);
  console.log(`${visits} connections, ${dropped} lines dropped`);
  expect(dropped).toBeGreaterThan(0);
});
