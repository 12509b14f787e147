/** Bare `bokeh serve` as it stands behind proxies: below a prefix, for one host's pages, with messages beyond 20 MB. */
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { scratchDirectory, venvProgram } from '../harness/paths.ts';
import { freePort } from '../harness/ports.ts';
import { host, testReplays, upgrade } from '../harness/replay.ts';
import { answers, ServerProcess } from '../harness/server-process.ts';
import { Sluice } from '../harness/sluice.ts';
import { BokehSocket, pageToken } from './bokeh-socket.ts';

const MiB = 1024 * 1024;
const limit = 64 * MiB;
const page = '/my/bokeh/document';

let port: number;
let server: ServerProcess;
let sluice: Sluice;

beforeAll(async () => {
  port = await freePort();
  const app = fileURLToPath(new URL('apps/document.py', import.meta.url));
  server = await ServerProcess.start({
    name: 'bokeh',
    command: venvProgram('modern', 'bokeh'),
    args: [
      ...['serve', app, '--port', String(port), '--address', '127.0.0.1', '--prefix', '/my/bokeh'],
      ...['--allow-websocket-origin', host, '--websocket-max-message-size', String(limit)],
    ],
    env: { HOME: scratchDirectory('bokeh'), BOKEH_RESOURCES: 'server' },
    ready: answers(`http://127.0.0.1:${port}${page}`),
  });
  const limits = { client: { max_message_size: limit } };
  sluice = await Sluice.start({
    routes: [
      { name: 'bokeh', match: { path: '/my/bokeh' }, upstream: `http://127.0.0.1:${port}`, preset: 'bokeh', limits },
    ],
  });
});

afterAll(async () => {
  await sluice?.stop();
  await server?.stop();
});

testReplays(
  () => ({ direct: port, relayed: sluice.port }),
  [
    {
      report: 'bokeh/bokeh#11168',
      about: 'what a page elsewhere loads of an app below a prefix',
      target: `${page}/autoload.js?bokeh-autoload-element=1&bokeh-app-path=${page}&bokeh-absolute-url=http://${host}${page}`,
      lines: ['Origin: http://elsewhere.test'],
      headOnly: true,
      status: 200,
    },
    {
      report: 'bokeh/bokeh#13170',
      about: 'a script below a prefix, which the browser has already',
      target: '/my/bokeh/static/js/bokeh.min.js?v=1',
      lines: ['If-Modified-Since: Fri, 01 Jan 2100 00:00:00 GMT'],
      status: 304,
    },
    { report: 'bokeh/bokeh#13170', about: 'the prefix itself', target: '/my/bokeh/', headOnly: true, status: 302 },
    {
      report: 'bokeh/bokeh#13235',
      about: 'a socket of a page of another host',
      target: `${page}/ws`,
      lines: [...upgrade, 'Origin: http://127.0.0.1', 'Sec-WebSocket-Protocol: bokeh, token'],
      status: 403,
    },
  ],
);

describe.each(['direct', 'relayed'] as const)('%s', (way) => {
  const origin = () => `http://127.0.0.1:${way === 'direct' ? port : sluice.port}`;

  test('a page of the host that is allowed opens the session of its token', async () => {
    const token = await pageToken(`${origin()}${page}`);
    const url = `${origin().replace('http', 'ws')}${page}/ws`;
    const socket = new WebSocket(url, ['bokeh', token], { origin: `http://${host}`, headers: { Host: host } });
    const greeting = once(socket, 'message');
    await once(socket, 'open');
    expect(socket.protocol).toBe('bokeh');
    expect(JSON.parse(String((await greeting)[0]))).toMatchObject({ msgtype: 'ACK' });
    socket.close(1000);
    await once(socket, 'close');
  });

  test('a figure whose data take 22 MB comes, and a change of 30 MiB goes', async () => {
    const script = fileURLToPath(new URL('client.py', import.meta.url));
    const { stdout } = await promisify(execFile)(venvProgram('modern', 'python'), [
      script,
      `${origin()}${page}`,
      '22000000',
    ]);
    const result = JSON.parse(stdout) as Record<string, unknown>;
    expect(result).toMatchObject({ payload: 22_000_000, digest: result.expected_digest, doubled: true });
    const client = await BokehSocket.open(`${origin()}${page}`, await pageToken(`${origin()}${page}`));
    client.sendPatch(30 * MiB);
    expect(await client.receive()).toBe('OK');
    await client.close();
  });
});
