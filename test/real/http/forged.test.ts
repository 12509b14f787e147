/** Headers that say where a request came from, in trailers and in other spellings: no server believes a client's. */
import { once } from 'node:events';
import { connect } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { HttpReader } from '../../helpers/http-reader.ts';
import { type ServerName, type Servers, startServers, type Way } from './servers.ts';

let servers: Servers;

beforeAll(async () => {
  servers = await startServers('uvicorn', 'gunicorn');
});

afterAll(() => servers?.[Symbol.asyncDispose]());

const forged = '203.0.113.66';

/**
 * Sends a body in one chunk, with these lines in the head and behind the last chunk; returns what the application
 * saw.
 */
async function seenBy({ port, host }: Way, lines: readonly string[], trailers: readonly string[]): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  await once(socket, 'connect');
  const reader = new HttpReader(socket);
  const head = ['POST /origin HTTP/1.1', `Host: ${host}`, 'Transfer-Encoding: chunked', ...lines, '', ''];
  socket.write(`${head.join('\r\n')}2\r\nhi\r\n0\r\n${trailers.map((line) => `${line}\r\n`).join('')}\r\n`);
  const answer = await reader.message('response');
  socket.destroy();
  expect(answer.startLine).toContain(' 200 ');
  return answer.body;
}

const claims = [
  `X-Forwarded-For: ${forged}`,
  'X-Forwarded-Proto: https',
  `X-Real-IP: ${forged}`,
  `True-Client-IP: ${forged}`,
  `X-Remote-User: ${forged}`,
];
const names = ['uvicorn', 'gunicorn'] as const satisfies readonly ServerName[];

test.each(names)('%s sees no claim in trailers', async (name) => {
  const [, relayed] = servers.ways(name);
  expect(await seenBy(relayed!, [], claims)).not.toContain(forged);
  expect(await seenBy(relayed!, ['Connection: X-Secret'], [`X-Secret: ${forged}`])).not.toContain(forged);
});

test.each(names)('%s sees no claim with underscores', async (name) => {
  const [, relayed] = servers.ways(name);
  const underscored = claims.map((line) => line.replaceAll('-', '_'));
  for (const lines of [underscored, underscored.map((line) => line.replace('_', '-'))]) {
    expect(await seenBy(relayed!, lines, [])).not.toContain(forged);
  }
});

test('what is kept out is what would be believed', async () => {
  const [direct] = servers.ways('uvicorn');
  // It believes a proxy on loopback.
  expect(JSON.parse(await seenBy(direct!, claims, []))).toMatchObject({ client: forged, scheme: 'https' });
  const [wsgi] = servers.ways('gunicorn');
  expect(await seenBy(wsgi!, [`X-Remote-User: ${forged}`], [])).toContain(forged);
});
