import { request } from 'node:http';
import { KernelAPI } from '@jupyterlab/services';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Sluice } from '../harness/sluice.ts';
import { sluiceBefore } from './gateway.ts';
import { JupyterServer, token } from './jupyter-server.ts';
import { serverSettings } from './kernel-client.ts';

interface Answer {
  readonly status: number;
  readonly location: string | undefined;
  readonly cookies: readonly string[];
  readonly body: string;
}

/** Sends a GET, as a WebSocket handshake if asked to, and gives the answer, whatever it is. */
function get(url: string, headers: Record<string, string>, upgrade: boolean): Promise<Answer> {
  const handshake = {
    Connection: 'Upgrade',
    Upgrade: 'websocket',
    'Sec-WebSocket-Version': '13',
    'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==',
  };
  return new Promise((resolve, reject) => {
    const sent = request(url, { agent: false, headers: { ...headers, ...(upgrade ? handshake : {}) } });
    sent.on('error', reject);
    sent.on('response', async (response) => {
      const { statusCode, headers: got } = response;
      const body = Buffer.concat(await response.toArray()).toString();
      resolve({ status: statusCode!, location: got.location, cookies: got['set-cookie'] ?? [], body });
    });
    sent.on('upgrade', (response, socket) => {
      socket.destroy();
      resolve({ status: response.statusCode!, location: undefined, cookies: [], body: '' });
    });
    sent.end();
  });
}

describe('who may come in', () => {
  let server: JupyterServer;
  let sluice: Sluice;
  let kernel: string;
  beforeAll(async () => {
    server = await JupyterServer.lab();
    sluice = await sluiceBefore(server);
    kernel = (await KernelAPI.startNew({ name: 'python3' }, serverSettings(server.url))).id;
  });
  afterAll(async () => {
    await sluice?.stop();
    await server?.stop();
  });

  /** What a browser sends after it has logged in with the token; the cookie's name contains the port of `Host`. */
  async function loginCookie(base: string): Promise<string> {
    const { cookies } = await get(`${base}/lab?token=${token}`, {}, false);
    return cookies.map((cookie) => cookie.split(';')[0]!).join('; ');
  }

  const channels = (): string => `/api/kernels/${kernel}/channels?session_id=s`;
  const cases: [string, number, boolean, () => string, (base: string) => Promise<Record<string, string>>][] = [
    ['a handshake without a token', 403, true, channels, async () => ({})],
    ['a handshake with a wrong token', 403, true, () => `${channels()}&token=wrong`, async () => ({})],
    ['the token in the query', 101, true, () => `${channels()}&token=${token}`, async () => ({})],
    ['the token in a header', 101, true, channels, async () => ({ Authorization: `token ${token}` })],
    [
      'the login cookie and its own origin',
      101,
      true,
      channels,
      async (base) => ({ Cookie: await loginCookie(base), Origin: base }),
    ],
    [
      'the login cookie and a foreign origin',
      403,
      true,
      channels,
      async (base) => ({ Cookie: await loginCookie(base), Origin: 'http://evil.test' }),
    ],
    [
      'the token, with which Jupyter admits a foreign origin',
      101,
      true,
      channels,
      async () => ({ Authorization: `token ${token}`, Origin: 'http://evil.test' }),
    ],
    [
      'an unknown kernel',
      404,
      true,
      () => '/api/kernels/00000000-0000-4000-8000-000000000000/channels',
      async () => ({ Authorization: `token ${token}` }),
    ],
    ['a page without a login', 302, false, () => '/lab', async () => ({})],
    ['a handshake to a page', 302, true, () => '/lab', async () => ({})],
    ['an API call without a token', 403, false, () => '/api/contents', async () => ({})],
    [
      'an API call with the token',
      200,
      false,
      () => '/api/kernelspecs',
      async () => ({ Authorization: `token ${token}` }),
    ],
  ];

  it.each(cases)('%s: %i, as directly', async (_, status, upgrade, path, headers) => {
    const [direct, through] = await Promise.all(
      [server.url, sluice.url].map(async (base) => get(base + path(), await headers(base), upgrade)),
    );
    expect(through!.status).toBe(status);
    expect(through!.status).toBe(direct!.status);
    expect(through!.location).toBe(direct!.location);
    expect(through!.body).toBe(direct!.body);
  });
});
