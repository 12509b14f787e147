/** TLS towards backends, from the file of the configuration to the answer, over HTTP and WebSocket. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type ServerOptions } from 'node:https';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { loadConfig } from '../../../src/config/model/load.ts';
import { ConfigMapVolume } from '../../helpers/config-map.ts';
import { counts } from '../../helpers/counts.ts';
import { acceptFor } from '../../helpers/fake-upstream.ts';
import { startGatewayOf, type TestGateway } from '../../helpers/gateway.ts';
import { listen } from '../../helpers/listen.ts';
import { backendCert, backendKey, caCert, expiredCert } from '../../helpers/private-ca.ts';
import { handshakeRequest, rawConnect } from '../../helpers/raw-client.ts';
import { cert, key } from '../../helpers/test-certificate.ts';

let folder: string;
let volume: ConfigMapVolume;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tls-'));
  volume = new ConfigMapVolume(folder);
  volume.swap({
    'ca.crt': caCert,
    'tls.crt': backendCert,
    'tls.key': backendKey,
    'other.crt': cert,
    'other.key': key,
    'me.crt': cert,
    'me.key': key,
  });
});
afterEach(() => rmSync(folder, { recursive: true }));

/** A backend that answers requests and opens WebSockets. */
async function startBackend(options: ServerOptions): Promise<number> {
  const server = createServer(options, (_req, res) => res.end('hello'));
  server.on('tlsClientError', () => {});
  server.on('upgrade', (req, socket: Socket) => {
    socket.on('error', () => {});
    const accept = acceptFor(req.headers['sec-websocket-key']!);
    socket.write(
      `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`,
    );
  });
  const port = await listen(server);
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  return port;
}

const file = (name: string) => volume.path(name);

/** A configuration whose only route leads there. */
function configOf(port: number, upstreamTls: Record<string, string | boolean>): string {
  return `
listen: {address: "127.0.0.1:0"}
admin: {address: "127.0.0.1:0"}
routes:
  - name: app
    upstream: https://127.0.0.1:${port}
    upstream_tls: ${JSON.stringify(upstreamTls)}
`;
}

/** A gateway with it. */
async function startSluice(port: number, upstreamTls: Record<string, string | boolean>): Promise<TestGateway> {
  const gateway = await startGatewayOf(configOf(port, upstreamTls));
  onTestFinished(() => gateway[Symbol.asyncDispose]());
  return gateway;
}

const requests = {
  http: 'GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n',
  websocket: handshakeRequest(),
} as const;

/** Sends a request; the status and all that comes before the connection ends or, after a 101, the head. */
async function ask(gateway: TestGateway, kind: keyof typeof requests): Promise<{ status: number; text: string }> {
  const client = await rawConnect(gateway.port);
  client.sendText(requests[kind]);
  const head = await client.head();
  const status = Number(/^HTTP\/1\.1 (\d+)/.exec(head)?.[1]);
  const text = status === 101 ? head : head + (await client.rest()).toString();
  client.socket.destroy();
  return { status, text };
}

const backend = { cert: backendCert, key: backendKey };
const name = 'backend.test';

describe.each(['http', 'websocket'] as const)('over %s', (kind) => {
  const good = kind === 'http' ? 200 : 101;

  test.each([
    [
      'of a CA that is not public',
      backend,
      () => ({ server_name: name }),
      /^TLS: .*; name the CA in upstream_tls\.ca$/,
    ],
    ['of another CA', { cert, key }, () => ({ ca: file('ca.crt'), server_name: 'localhost' }), /upstream_tls\.ca$/],
    [
      'for another name',
      backend,
      () => ({ ca: file('ca.crt') }),
      /127\.0\.0\.1 is not in .*; .*upstream_tls\.server_name$/,
    ],
    [
      'that has expired',
      { ...backend, cert: expiredCert },
      () => ({ ca: file('ca.crt'), server_name: name }),
      /^TLS: certificate has expired; renew/,
    ],
    [
      'and wants one that is not there',
      { ...backend, requestCert: true, ca: caCert },
      () => ({ ca: file('ca.crt'), server_name: name }),
      /certificate required; it may want a certificate: upstream_tls\.client_cert$/,
    ],
    [
      'and wants one before TLS 1.3 that is not there',
      { ...backend, requestCert: true, ca: caCert, maxVersion: 'TLSv1.2' },
      () => ({ ca: file('ca.crt'), server_name: name }),
      /upstream_tls\.client_cert$/,
    ],
  ] as const)('a backend with a certificate %s has an ending of its own', async (_, options, upstreamTls, detail) => {
    const gateway = await startSluice(await startBackend(options as ServerOptions), upstreamTls());
    const { status, text } = await ask(gateway, kind);
    expect(status).toBe(502);
    expect(text).toContain('TLS with the upstream failed: a certificate is not accepted, or there is none');
    expect(text).toContain('what to do: ');
    expect(text).toContain('which key of `upstream_tls` of the route to write');
    expect(await gateway.logged(kind === 'http' ? 'http_failed' : 'refused')).toMatchObject({
      level: 'error',
      flag: 'US',
      result: 'upstream_tls_failed',
      status: 502,
      detail: expect.stringMatching(detail),
    });
    expect(counts(gateway.gateway.counters.of('app').upstreamErrors)).toEqual({ tls: 1 });
    expect(await gateway.metrics()).toContain('sluice_upstream_errors_total{route="app",error="tls"} 1');
  });

  test.each([
    ['whose CA is named', backend, () => ({ ca: file('ca.crt'), server_name: name })],
    [
      'that signed its own certificate, which is named',
      { cert, key },
      () => ({ ca: file('other.crt'), server_name: 'LocalHost' }),
    ],
    ['whose own certificate is named instead of its CA', backend, () => ({ ca: file('tls.crt'), server_name: name })],
    [
      'that wants a certificate',
      { ...backend, requestCert: true, ca: caCert },
      () => ({ ca: file('ca.crt'), server_name: name, client_cert: file('tls.crt'), client_key: file('tls.key') }),
    ],
    ['that is not verified', { ...backend, cert: expiredCert }, () => ({ insecure_skip_verify: true })],
  ] as const)('a backend is reached %s', async (_, options, upstreamTls) => {
    const gateway = await startSluice(await startBackend(options as ServerOptions), upstreamTls());
    expect((await ask(gateway, kind)).status).toBe(good);
  });

  test('a backend that speaks no TLS is told as such', async () => {
    const { createServer: createPlain } = await import('node:http');
    const server = createPlain((_req, res) => res.end());
    const port = await listen(server);
    onTestFinished(() => {
      server.close();
    });
    const gateway = await startSluice(port, {});
    expect((await ask(gateway, kind)).status).toBe(502);
    expect(await gateway.logged(kind === 'http' ? 'http_failed' : 'refused')).toMatchObject({
      result: 'upstream_tls_failed',
      detail: expect.stringContaining('it may speak plain HTTP'),
    });
  });
});

describe('files that change', () => {
  test('are in force for the next connection; a file that cannot be used changes nothing', async () => {
    volume.swap({ 'ca.crt': cert });
    const gateway = await startSluice(await startBackend(backend), { ca: file('ca.crt'), server_name: name });
    expect(await gateway.logged('upstream_tls_loaded')).toMatchObject({ authorities: ['CN=localhost'] });
    expect((await ask(gateway, 'websocket')).status).toBe(502);
    volume.swap({ 'ca.crt': caCert });
    expect(await gateway.logged('upstream_tls_loaded')).toMatchObject({ authorities: ['CN=Private CA'] });
    expect((await ask(gateway, 'websocket')).status).toBe(101);
    volume.swap({ 'ca.crt': 'nothing' });
    expect(await gateway.logged('upstream_tls_rejected')).toMatchObject({
      problem: `upstream_tls.ca: ${file('ca.crt')} holds no certificate; write those of the authorities in PEM`,
    });
    expect(await gateway.metrics()).toContain('\nsluice_files_rejected 1\n');
    expect((await ask(gateway, 'websocket')).status).toBe(101);
    expect((await ask(gateway, 'http')).status).toBe(200);
  });

  test('of a client are shown at the next connection', async () => {
    const port = await startBackend({ ...backend, requestCert: true, ca: caCert });
    const gateway = await startSluice(port, {
      ca: file('ca.crt'),
      server_name: name,
      client_cert: file('me.crt'),
      client_key: file('me.key'),
    });
    expect((await ask(gateway, 'http')).status).toBe(502);
    await gateway.logged('upstream_tls_loaded');
    volume.swap({ 'ca.crt': caCert, 'me.crt': backendCert, 'me.key': backendKey });
    expect(await gateway.logged('upstream_tls_loaded')).toMatchObject({ client: 'DNS:backend.test' });
    expect((await ask(gateway, 'http')).status).toBe(200);
  });
});

describe('a reload', () => {
  test('puts another upstream_tls in force for the next connection, also where the pool has one that is open', async () => {
    const port = await startBackend(backend);
    const gateway = await startSluice(port, { insecure_skip_verify: true });
    expect((await ask(gateway, 'http')).status).toBe(200);
    gateway.gateway.reload(loadConfig('sluice.yaml', configOf(port, {})));
    expect((await ask(gateway, 'http')).status).toBe(502);
    expect((await ask(gateway, 'websocket')).status).toBe(502);
    gateway.gateway.reload(loadConfig('sluice.yaml', configOf(port, { ca: file('ca.crt'), server_name: name })));
    // The files are read meanwhile, and whoever comes in between waits for that.
    expect((await ask(gateway, 'websocket')).status).toBe(101);
    expect((await ask(gateway, 'http')).status).toBe(200);
  });

  test('that names files which are not there lets no connection be until they come', async () => {
    const port = await startBackend(backend);
    const gateway = await startSluice(port, { insecure_skip_verify: true });
    const late = join(folder, 'late.crt');
    gateway.gateway.reload(loadConfig('sluice.yaml', configOf(port, { ca: late, server_name: name })));
    await gateway.logged('upstream_tls_rejected');
    expect((await ask(gateway, 'http')).status).toBe(502);
    expect(await gateway.logged('http_failed')).toMatchObject({
      result: 'upstream_tls_failed',
      detail: `upstream_tls.ca: ${late} does not exist`,
    });
    writeFileSync(late, caCert);
    await gateway.logged('upstream_tls_loaded');
    expect((await ask(gateway, 'http')).status).toBe(200);
  });
});

describe('files that cannot be used', () => {
  test('at the start are a reason not to start', async () => {
    writeFileSync(join(folder, 'broken.key'), 'no key');
    await expect(startSluice(1, { ca: join(folder, 'absent.crt') })).rejects.toThrow(
      `upstream_tls.ca: ${join(folder, 'absent.crt')} does not exist`,
    );
    await expect(
      startSluice(1, { client_cert: file('tls.crt'), client_key: join(folder, 'broken.key') }),
    ).rejects.toThrow(`upstream_tls.client_key: ${join(folder, 'broken.key')} holds no private key`);
    await expect(startSluice(1, { client_cert: file('tls.crt'), client_key: file('other.key') })).rejects.toThrow(
      'is not the key of the certificate in',
    );
  });
});
