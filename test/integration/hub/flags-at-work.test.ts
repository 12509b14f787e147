/**
 * What each flag does to a running process: of configurable-http-proxy, and of `sluice hub-proxy` by the same flags.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer as createSecureServer } from 'node:https';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { hasIpv6 } from '../../helpers/has-ipv6.ts';
import { echo, httpServer } from '../../helpers/hub.ts';
import {
  type Answered,
  askAt,
  commandNames,
  type HubCommandOptions,
  ofHub,
  setRouteAt,
  startHubCommand,
} from '../../helpers/hub-command.ts';
import { listen } from '../../helpers/listen.ts';
import { makeCa, oid } from '../../helpers/make-certificate.ts';
import { scratchFolder } from '../../helpers/scratch-folder.ts';
import { cert, key } from '../../helpers/test-certificate.ts';

/** What an echo says it was asked. */
const told = ({ body }: Answered): { url: string; headers: Record<string, string> } => JSON.parse(body);

function written(name: string, content: string, folder = scratchFolder()): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

/** A certificate of this name and its key, as flags of a family. */
const pair = (family: string) => [
  `--${family}-cert=${written('its.crt', cert)}`,
  `--${family}-key=${written('its.key', key)}`,
];

describe.each(commandNames)('%s', (name) => {
  const start = (flags: readonly string[], options?: HubCommandOptions) => startHubCommand(name, flags, options);
  const onEcho = async (path = '') => `--default-target=http://127.0.0.1:${await httpServer(echo)}${path}`;
  test('--ip= is all addresses, and an address is itself alone', async () => {
    const target = await onEcho();
    const [all, one] = await Promise.all([start(['--ip=', target]), start(['--ip=127.0.0.1', target])]);
    expect((await askAt({ port: all.port(8000), path: '/' })).status).toBe(200);
    expect((await askAt({ port: one.port(8000), path: '/' })).status).toBe(200);
    if (!hasIpv6) return;
    expect((await askAt({ host: '::1', port: all.port(8000), path: '/' })).status).toBe(200);
    await expect(askAt({ host: '::1', port: one.port(8000), path: '/' })).rejects.toThrow('ECONNREFUSED');
  });

  test('--socket, --api-socket and --metrics-socket', async () => {
    const folder = scratchFolder();
    const [own, api, metrics] = ['own', 'api', 'metrics'].map((one) => join(folder, `${one}.sock`)) as [
      string,
      string,
      string,
    ];
    const flags = [`--socket=${own}`, `--api-socket=${api}`, `--metrics-socket=${metrics}`, await onEcho()];
    await start(flags, { places: [own, api, metrics] });
    expect(told(await askAt({ socketPath: own, path: '/x' })).url).toBe('/x');
    expect((await askAt({ socketPath: api, path: '/api/routes', headers: ofHub })).status).toBe(200);
    expect((await askAt({ socketPath: metrics, path: '/metrics' })).body).toMatch(/^# HELP /m);
  });

  test('--redirect-port sends to the port of HTTPS, --redirect-to to another', async () => {
    const common = ['--ip=127.0.0.1', '--redirect-port=8080', ...pair('ssl')];
    const cases: readonly (readonly [flags: readonly string[], location: string, port: number])[] = [
      [[], 'https://apps.example:8000/lab?x=1', 8000],
      [['--port=8443'], 'https://apps.example:8443/lab?x=1', 8443],
      [['--port=8443', '--redirect-to=9443'], 'https://apps.example:9443/lab?x=1', 8443],
    ];
    const redirects = async ([flags, location, port]: (typeof cases)[number]) => {
      const places = [port, port + 1, 8080];
      const command = await start([...common, ...flags, await onEcho()], { places });
      const headers = { host: 'apps.example:8080' };
      const answer = await askAt({ port: command.port(8080), path: '/lab?x=1', headers });
      expect([answer.status, answer.headers.location]).toEqual([301, location]);
      expect(
        (await askAt({ port: command.port(port), path: '/x', tls: { ca: cert, servername: 'localhost' } })).status,
      ).toBe(200);
    };
    await Promise.all(cases.map(redirects));
  });

  test('--insecure takes a certificate that nobody vouches for', async () => {
    const server = createSecureServer({ cert, key }, echo);
    onTestFinished(() => void server.close());
    const target = `--default-target=https://localhost:${await listen(server)}`;
    const status = async (...flags: string[]) => {
      const command = await start(['--ip=127.0.0.1', target, ...flags]);
      return (await askAt({ port: command.port(8000), path: '/' })).status;
    };
    // CHP does not use the flag where it says itself that the target is https.
    const insecure = name === 'sluice hub-proxy' ? 200 : 503;
    expect(await Promise.all([status(), status('--insecure')])).toEqual([503, insecure]);
  });

  test('--client-ssl-ca with several authorities: each of them vouches for servers, and nobody else does', async () => {
    const authorities = [makeCa('One'), makeCa('Two'), makeCa('Three')];
    const servers = authorities.map((ca) =>
      createSecureServer(
        {
          ...ca.issue({ subject: [[oid.cn, 'localhost']], names: [[2, 'localhost']] }),
          requestCert: true,
          ca: authorities[0]!.cert,
        },
        ({ socket }, res) => res.end(String((socket as unknown as { authorized: boolean }).authorized)),
      ),
    );
    onTestFinished(() => servers.forEach((server) => void server.close()));
    const ports = await Promise.all(servers.map(listen));
    const client = authorities[0]!.issue({ subject: [[oid.cn, 'proxy']] });
    const command = await start([
      '--ip=127.0.0.1',
      `--client-ssl-ca=${written('ca.pem', authorities[0]!.cert + authorities[1]!.cert)}`,
      `--client-ssl-cert=${written('client.crt', client.cert)}`,
      `--client-ssl-key=${written('client.key', client.key)}`,
    ]);
    const answers = [];
    for (const [i, port] of ports.entries()) {
      await setRouteAt(command.port(8001), `/${i}`, `https://localhost:${port}`);
      const { status, body } = await askAt({ port: command.port(8000), path: `/${i}` });
      answers.push(status === 200 ? body : status);
    }
    // `true`: it showed the certificate that was asked for.
    expect(answers).toEqual(['true', 'true', 503]);
  });

  test('--api-ssl-ca with several authorities: each of them vouches for clients, and who shows no certificate is turned away', async () => {
    const authorities = [makeCa('One'), makeCa('Two'), makeCa('Three')];
    const command = await start([
      '--ip=127.0.0.1',
      ...pair('api-ssl'),
      `--api-ssl-ca=${written('ca.pem', authorities[0]!.cert + authorities[1]!.cert)}`,
      '--api-ssl-request-cert',
      '--api-ssl-reject-unauthorized',
    ]);
    const status = async (client: object) => {
      const tls = { ca: cert, servername: 'localhost', ...client };
      const answer = askAt({ host: 'localhost', port: command.port(8001), path: '/api/routes', headers: ofHub, tls });
      return answer.then(
        (one) => one.status,
        () => null,
      );
    };
    const issued = authorities.map((ca) => ca.issue({ subject: [[oid.cn, 'hub']] }));
    expect(await Promise.all([...issued, {}].map(status))).toEqual([200, 200, null, null]);
  });

  test('--ssl-ca with --ssl-request-cert: who shows no certificate is turned away', async () => {
    const ca = makeCa();
    const command = await start([
      '--ip=127.0.0.1',
      ...pair('ssl'),
      `--ssl-ca=${written('ca.pem', ca.cert)}`,
      '--ssl-request-cert',
      '--ssl-reject-unauthorized',
      await onEcho(),
    ]);
    const status = async (client: object) => {
      const tls = { ca: cert, servername: 'localhost', ...client };
      return askAt({ port: command.port(8000), path: '/', tls }).then(
        (one) => one.status,
        () => null,
      );
    };
    const issued = [ca, makeCa()].map((one) => one.issue({ subject: [[oid.cn, 'client']] }));
    expect(await Promise.all([...issued, {}].map(status))).toEqual([200, null, null]);
  });

  test('--host-routing, --error-path, --pid-file, --api-ip and --api-port', async () => {
    const folder = scratchFolder();
    written('404.html', 'no such page', folder);
    written('error.html', 'some error', folder);
    const pid = join(folder, 'pid');
    const command = await start(
      [
        '--ip=127.0.0.1',
        '--api-ip=127.0.0.1',
        '--api-port=7001',
        '--host-routing',
        `--error-path=${folder}`,
        `--pid-file=${pid}`,
      ],
      { places: [8000, 7001] },
    );
    expect(readFileSync(pid, 'utf8')).toBe(String(command.child.pid));
    const [port, apiPort] = [command.port(8000), command.port(7001)];
    await setRouteAt(apiPort, '/ann.example/user', `http://127.0.0.1:${await httpServer(echo)}`);
    await setRouteAt(apiPort, '/dead.example', 'http://127.0.0.1:1');
    const asked = async (host: string, path: string) => {
      const { status, body, headers } = await askAt({ port, path, headers: { host } });
      return [status, status === 200 ? JSON.parse(body).url : body, String(headers['content-type']).split(';')[0]];
    };
    expect(await asked('ann.example:99', '/user/x')).toEqual([200, '/user/x', 'application/json']);
    expect(await asked('bob.example', '/user/x')).toEqual([404, 'no such page', 'text/html']);
    expect(await asked('dead.example', '/x')).toEqual([503, 'some error', 'text/html']);
  });

  test('--error-target: its page, under the status that it is for', async () => {
    const pages = await httpServer(({ method, url }, res) =>
      res.writeHead(200, { 'Content-Type': 'text/plain', 'X-Of': 'pages' }).end(`${method} ${url}`),
    );
    const command = await start(['--ip=127.0.0.1', `--error-target=http://127.0.0.1:${pages}/hub/error`]);
    await setRouteAt(command.port(8001), '/dead', 'http://127.0.0.1:1');
    const asked = async (path: string) => {
      const { status, body, headers } = await askAt({ port: command.port(8000), path, method: 'POST', body: 'x' });
      return [status, body, headers['content-type'], headers['x-of']];
    };
    expect(await asked('/no where?a=b&c'.replace(' ', '%20'))).toEqual([
      404,
      'GET /hub/error/404?url=%2Fno%2520where%3Fa%3Db%26c',
      'text/plain',
      undefined,
    ]);
    expect(await asked('/dead/x')).toEqual([503, 'GET /hub/error/503?url=%2Fdead%2Fx', 'text/plain', undefined]);
  });

  test('--metrics-ip, --metrics-port', async () => {
    const command = await start(['--ip=127.0.0.1', '--metrics-ip=127.0.0.1', '--metrics-port=9090'], {
      places: [8000, 8001, 9090],
    });
    const answer = await askAt({ port: command.port(9090), path: '/metrics' });
    expect([answer.status, String(answer.headers['content-type']).split(';')[0]]).toEqual([200, 'text/plain']);
    expect((await askAt({ port: command.port(9090), path: '/' })).status).toBe(404);
  });

  test('--log-level: what is no error is not said', async () => {
    const [loud, quiet] = await Promise.all([
      start(['--ip=127.0.0.1']),
      start(['--ip=127.0.0.1', '--log-level=error'], { isQuiet: true }),
    ]);
    for (const command of [loud, quiet]) {
      expect((await setRouteAt(command.port(8001), '/a', 'http://127.0.0.1:1')).status).toBe(201);
      command.child.kill('SIGTERM');
    }
    expect((await loud.exited).output).not.toBe('');
    expect((await quiet.exited).output).toBe('');
  });
});
