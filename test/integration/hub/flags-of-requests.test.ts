/** What flags do to each request: of configurable-http-proxy, and of `sluice hub-proxy` with the same flags. */
import { describe, expect, test } from 'vitest';
import { echo, httpServer } from '../../helpers/hub.ts';
import { askAt, commandNames, setRouteAt, startHubCommand } from '../../helpers/hub-command.ts';
import { rawConnect } from '../../helpers/raw-client.ts';

const front = 'front.example:444';

describe.each(commandNames)('%s', (name) => {
  test('what a server is asked for, and what it is told', async () => {
    const port = await httpServer(echo);
    const asked = async (...flags: string[]) => {
      const command = await startHubCommand(name, ['--ip=127.0.0.1', ...flags]);
      await setRouteAt(command.port(8001), '/bar', `http://127.0.0.1:${port}/foo`);
      const headers = { host: front, k1: 'of the client' };
      const { body } = await askAt({ port: command.port(8000), path: '/bar/rest/of/it?q=1', headers });
      return JSON.parse(body) as { url: string; headers: Record<string, string> };
    };
    const custom = ['--custom-header', 'k1: v1', '--custom-header', ' k2 : host:123 '];
    const [plain, changed, without, untold] = await Promise.all([
      asked(),
      asked('--change-origin', '--no-prepend-path'),
      asked('--no-include-prefix', ...custom),
      asked('--no-x-forward', '--no-include-prefix', '--no-prepend-path'),
    ]);
    expect(plain).toMatchObject({ url: '/foo/bar/rest/of/it?q=1', headers: { host: front, k1: 'of the client' } });
    expect(plain.headers).toMatchObject({
      'x-forwarded-for': '127.0.0.1',
      'x-forwarded-proto': 'http',
      'x-forwarded-port': '444',
      'x-forwarded-host': front,
    });
    expect(changed).toMatchObject({
      url: '/bar/rest/of/it?q=1',
      headers: { host: `127.0.0.1:${port}`, k1: 'of the client' },
    });
    expect(without).toMatchObject({
      url: '/foo/rest/of/it?q=1',
      headers: { host: front, k1: 'v1', k2: 'host:123' },
    });
    expect(untold).toMatchObject({ url: '/rest/of/it?q=1', headers: { host: front, k1: 'of the client' } });
    expect(Object.keys(untold.headers).filter((field) => field.startsWith('x-forwarded'))).toEqual([]);
  });

  test('--auto-rewrite, --protocol-rewrite: a Location that names the target names the client’s host and scheme', async () => {
    const port = await httpServer(({ url }, res) => {
      const locations = new Map([
        ['/own', `http://127.0.0.1:${port}/else?x=1`],
        ['/other', 'http://other.example:99/else'],
        ['/path', '/else'],
        ['/made', `http://127.0.0.1:${port}/made`],
      ]);
      res.writeHead(url === '/made' ? 201 : 302, { Location: locations.get(url!) }).end();
    });
    const located = async (...flags: string[]) => {
      const command = await startHubCommand(name, [
        '--ip=127.0.0.1',
        `--default-target=http://127.0.0.1:${port}`,
        ...flags,
      ]);
      const all: unknown[] = [];
      for (const path of ['/own', '/made', '/other', '/path']) {
        const { headers } = await askAt({ port: command.port(8000), path, headers: { host: front } });
        all.push(headers.location);
      }
      return all;
    };
    const as = (origin: string) => [`${origin}/else?x=1`, `${origin}/made`, 'http://other.example:99/else', '/else'];
    const cases: [flags: string[], origin: string][] = [
      [[], `http://127.0.0.1:${port}`],
      [['--auto-rewrite'], `http://${front}`],
      [['--protocol-rewrite=https'], `https://127.0.0.1:${port}`],
      [['--auto-rewrite', '--protocol-rewrite=https'], `https://${front}`],
    ];
    expect(await Promise.all(cases.map(([flags]) => located(...flags)))).toEqual(cases.map(([, origin]) => as(origin)));
  });

  // What is waited for comes within a second; without the flag nobody would end it in an hour.
  test.each([
    // CHP hangs up without a word.
    ['--timeout', name === 'sluice hub-proxy' ? /^HTTP\/1.1 503 / : /^$/],
    ['--proxy-timeout', /^HTTP\/1.1 503 /],
  ])('%s ends a request that nobody answers', async (flag, expected) => {
    const silent = await httpServer(() => {});
    const flags = ['--ip=127.0.0.1', `${flag}=500`, `--default-target=http://127.0.0.1:${silent}`];
    const command = await startHubCommand(name, flags);
    const client = await rawConnect(command.port(8000));
    client.sendText('GET /x HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n');
    expect((await client.rest()).toString()).toMatch(expected);
  });

  test('--keep-alive-timeout ends a connection that is idle', { timeout: 60_000 }, async () => {
    const target = `--default-target=http://127.0.0.1:${await httpServer(echo)}`;
    const command = await startHubCommand(name, ['--ip=127.0.0.1', '--keep-alive-timeout=500', target]);
    const client = await rawConnect(command.port(8000));
    client.sendText('GET /x HTTP/1.1\r\nHost: h\r\n\r\n');
    expect(await client.head()).toMatch(/^HTTP\/1.1 200 /);
    // Without the flag Sluice would wait for 75 s.
    await client.ended;
  });
});
