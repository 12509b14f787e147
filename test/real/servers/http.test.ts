/** FastAPI's plain HTTP beside its WebSockets: the file service, server-sent events, long uploads. */
import { createHash, randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { Sluice } from '../harness/sluice.ts';
import { type PythonApp, startApp } from './python-app.ts';
import { PythonClient } from './python-client.ts';

const MiB = 1024 * 1024;

let fastapi: PythonApp;
let client: PythonClient;
let sluice: Sluice;

beforeAll(async () => {
  fastapi = await startApp('fastapi');
  client = new PythonClient();
  sluice = await Sluice.start({
    // Far shorter than the slow upload below: they must not bound a request that is making progress.
    timeouts: { headers: '5s', handshake: '5s' },
    routes: [
      { name: 'files', match: { path: '/' }, upstream: `http://127.0.0.1:${fastapi.ports.default}`, preset: 'fastapi' },
    ],
  });
});

afterAll(async () => {
  await sluice?.stop();
  await client?.[Symbol.asyncDispose]();
  await fastapi?.[Symbol.asyncDispose]();
});

it('streams files from the file service in chunks of 1 MiB, as it does directly', async () => {
  const requests = [
    { filename: 'measurements.csv', selectedColumns: ['id', 'station', 'value', 'note'] },
    { filename: 'absent.csv', selectedColumns: ['id'] },
    { filename: 'measurements.csv', selectedColumns: ['value', 'speed'] },
    { filename: 'measurements.csv', selectedColumns: ['station'] },
  ];
  const ask = (port: number) => client.run('ask_files', { uri: `ws://127.0.0.1:${port}/files`, requests });
  // One after the other: while it makes a file the service answers nobody else, not even a handshake.
  const direct = await ask(fastapi.ports.default!);
  const relayed = await ask(sluice.port);
  expect(relayed).toEqual(direct);
  const [whole, absent, missing, part] = relayed.answers;
  expect(whole!.answer).toMatchObject({ type: 'result', filename: 'measurements.csv', sha256: whole!.sha256 });
  expect(whole!.chunks.length).toBeGreaterThan(5);
  expect(new Set(whole!.chunks.slice(0, -1))).toEqual(new Set([MiB]));
  expect(absent!.answer).toEqual({ type: 'error', message: 'no file absent.csv' });
  expect(missing!.answer).toEqual({ type: 'error', message: 'no column speed' });
  expect(part!.answer).toMatchObject({ type: 'result', sha256: part!.sha256 });
});

it('passes a server-sent event on before the next one exists', async () => {
  const response = await fetch(`${sluice.url}/events?name=sse`, { headers: { accept: 'text/event-stream' } });
  expect(response.headers.get('content-type')).toContain('text/event-stream');
  const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
  expect((await reader.read()).value).toBe('id: 1\ndata: first\n\n');
  // Only now is the server told to make the second event.
  await fetch(`http://127.0.0.1:${fastapi.ports.default}/events/next?name=sse`, { method: 'POST' });
  expect((await reader.read()).value).toBe('id: 2\ndata: second\n\n');
  expect((await reader.read()).done).toBe(true);
});

/** Uploads pieces, a pause before each, and expects the server to have had exactly them. */
async function upload(pieces: number, bytes: number, pauseMs: number): Promise<void> {
  const piece = randomBytes(bytes);
  const hash = createHash('sha256');
  async function* body(): AsyncGenerator<Buffer> {
    for (let i = 0; i < pieces; i++) {
      if (pauseMs > 0) await delay(pauseMs);
      hash.update(piece);
      yield piece;
    }
  }
  const response = await fetch(`${sluice.url}/upload`, {
    method: 'POST',
    body: body() as unknown as ReadableStream,
    duplex: 'half',
  } as RequestInit);
  expect(response.status).toBe(200);
  expect(await response.json()).toEqual({ bytes: pieces * bytes, sha256: hash.digest('hex') });
}

it('carries an upload of 200 MiB of unknown length', async () => {
  await upload(200, MiB, 0);
});

it('carries an upload that takes longer than the timeouts of a handshake', async () => {
  await upload(40, 10_000, 250);
});
