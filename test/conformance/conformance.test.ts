/** Autobahn's cases with and without Sluice: none may come out worse with it. */
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { afterAll, expect, test } from 'vitest';
import { WebSocketServer } from 'ws';
import { Sluice } from '../real/harness/sluice.ts';
import { echoEveryCase, runAgainstServer, startCaseServer } from './cases.ts';
import { describeModes, type Mode, worse } from './page.ts';

const page = new URL('../../docs/conformance.md', import.meta.url);
const modes: Mode[] = [];

/** Room for the largest cases: 16 MiB, and 4 MiB in frames of 64 bytes. */
const limits = { client: { max_message_size: '32MiB', max_fragments: 100_000 }, upstream: { max_fragments: 100_000 } };

const startSluice = (port: number) =>
  Sluice.start({ routes: [{ name: 'echo', upstream: `http://127.0.0.1:${port}`, limits }] });

test('a server behind Sluice does no worse than alone', async () => {
  const server = new WebSocketServer({
    port: 0,
    host: '127.0.0.1',
    perMessageDeflate: false,
    maxFragments: 0,
    maxBufferedChunks: 0,
  });
  server.on('connection', (socket) => {
    socket.on('error', () => {});
    socket.on('message', (data, binary) => socket.send(data, { binary }, () => {}));
  });
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  await using sluice = await startSluice(port);
  const mode = {
    title: 'As a server: the cases are the client',
    direct: await runAgainstServer(`ws://127.0.0.1:${port}`),
    through: await runAgainstServer(`ws://127.0.0.1:${sluice.port}`),
  };
  server.close();
  modes.push(mode);
  expect(mode.through.size).toBeGreaterThan(290);
  expect(worse(mode)).toEqual([]);
});

test('a client behind Sluice does no worse than alone', async () => {
  const verdictsOf = async (through: boolean) => {
    await using server = await startCaseServer();
    if (!through) {
      await echoEveryCase(`ws://127.0.0.1:${server.port}`, 'client');
      return await server.verdicts();
    }
    await using sluice = await startSluice(server.port);
    await echoEveryCase(`ws://127.0.0.1:${sluice.port}`, 'client');
    return await server.verdicts();
  };
  const mode = {
    title: 'As a client: the cases are the server',
    direct: await verdictsOf(false),
    through: await verdictsOf(true),
  };
  modes.push(mode);
  expect(mode.through.size).toBeGreaterThan(290);
  expect(worse(mode)).toEqual([]);
});

afterAll(() => {
  const text = describeModes(modes);
  if (process.env.CONFORMANCE_WRITE) writeFileSync(page, text);
  expect(readFileSync(page, 'utf8')).toBe(text);
});
