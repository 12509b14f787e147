/** A client that waits to be told to go on (`Expect: 100-continue`), and servers that say so, or refuse. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ask } from './ask.ts';
import { type ServerName, type Servers, startServers } from './servers.ts';

let servers: Servers;

beforeAll(async () => {
  servers = await startServers('hypercorn', 'uvicorn', 'aiohttp');
});

afterAll(() => servers?.[Symbol.asyncDispose]());

const lines = ['Expect: 100-continue'];

// hypercorn and Tornado say 100 before their application is asked.
const refusals: readonly { server: ServerName; target: string }[] = [
  { server: 'uvicorn', target: '/refuse' },
  { server: 'aiohttp', target: '/members' },
];

describe.each(refusals)('50 MB that $server refuses', ({ server, target }) => {
  test.each(['direct', 'through Sluice'])('are not sent, %s', async (name) => {
    const way = servers.ways(server).find((one) => one.name === name)!;
    const answer = await ask(way, { method: 'PUT', target, lines, bodyBytes: 50e6, waits: true });
    expect(answer).toMatchObject({ status: 401, body: 'who are you?', interim: [], sentBytes: 0 });
  });
});

const taken: readonly { server: ServerName; target: string; body: string }[] = [
  { server: 'hypercorn', target: '/count?id=', body: '1' },
  { server: 'uvicorn', target: '/count?id=', body: '1' },
  { server: 'aiohttp', target: '/count?id=', body: '3000000' },
];

describe.each(taken)('3 MB that $server takes', ({ server, target, body }) => {
  test.each(['direct', 'through Sluice'])('are sent when it says 100, %s', async (name) => {
    const way = servers.ways(server).find((one) => one.name === name)!;
    const question = { method: 'PUT', target: target + encodeURIComponent(name), lines, bodyBytes: 3e6, waits: true };
    const answer = await ask(way, question);
    expect(answer).toMatchObject({
      status: 200,
      body,
      interim: [{ startLine: expect.stringMatching(/^HTTP\/1\.1 100 /) }],
    });
  });
});

test.each(['direct', 'through Sluice'])("aiohttp's 417 to another expectation arrives, %s", async (name) => {
  const way = servers.ways('aiohttp').find((one) => one.name === name)!;
  const question = { method: 'PUT', target: '/count', lines: ['Expect: a-miracle'], bodyBytes: 10 };
  expect((await ask(way, question)).status).toBe(417);
});

test('Sluice says of none of these that an upstream failed', async () => {
  expect(await servers.sluice.metric('upstream_errors_total')).toBe(0);
});
