/**
 * Requests as proxies in front write them, which add to each what only some need: what a server answers directly it
 * answers here.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ask } from './ask.ts';
import { type ServerName, type Servers, startServers, type Way } from './servers.ts';

let servers: Servers;

beforeAll(async () => {
  servers = await startServers('uvicorn', 'gunicorn', 'tornado', 'aiohttp');
});

afterAll(() => servers?.[Symbol.asyncDispose]());

const decorations: Readonly<Record<string, readonly string[]>> = {
  // nginx with `Upgrade $http_upgrade` writes no line for an empty value, and `Connection "upgrade"` always.
  'Connection without Upgrade': ['Connection: upgrade'],
  // jupyterlab/jupyterlab#5604: both written out for every location.
  'both, in every request': ['Upgrade: websocket', 'Connection: Upgrade'],
  'Upgrade without Connection': ['Upgrade: websocket'],
  'Upgrade and the end of the connection': ['Upgrade: websocket', 'Connection: close'],
  'an empty Upgrade': ['Upgrade: ', 'Connection: upgrade'],
  'another protocol': ['Upgrade: TLS/1.0', 'Connection: Upgrade'],
  'HTTP/2 in the clear': ['Upgrade: h2c', 'Connection: Upgrade, HTTP2-Settings', 'HTTP2-Settings: AAMAAABkAAQAAP__'],
  'the words of another load balancer': ['X-Forwarded-Port: 443', 'X-Forwarded-Ssl: on', 'Front-End-Https: on'],
  'what was meant for the proxy': ['Proxy-Connection: keep-alive', 'Keep-Alive: timeout=5', 'TE: trailers'],
};

const questions: readonly { server: ServerName; method: string; target: string; bodyBytes?: number }[] = [
  { server: 'aiohttp', method: 'GET', target: '/head' },
  { server: 'aiohttp', method: 'PUT', target: '/count', bodyBytes: 5 },
  { server: 'gunicorn', method: 'GET', target: '/seen?id=decorated' },
  { server: 'gunicorn', method: 'POST', target: '/count?id=', bodyBytes: 5 },
  { server: 'tornado', method: 'POST', target: '/count', bodyBytes: 5 },
  { server: 'uvicorn', method: 'GET', target: '/head' },
];

describe.each(Object.entries(decorations))('%s', (name, lines) => {
  test.each(questions)('$method of $server', async ({ server, method, target, bodyBytes }) => {
    const question = { method, target, lines, ...(bodyBytes === undefined ? {} : { bodyBytes }) };
    const status = async (way: Way) => (await ask(way, question)).status;
    const [direct, relayed] = servers.ways(server);
    // uvicorn takes every `Upgrade: websocket` for a handshake.
    expect(await status(direct!)).toBe(server === 'uvicorn' && name.startsWith('both') ? 400 : 200);
    expect(await status(relayed!)).toBe(200);
  });
});
