import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer, type IncomingMessage } from 'node:http';
import { get } from 'node:https';
import type { AddressInfo } from 'node:net';
import { basename, join } from 'node:path';
import { text } from 'node:stream/consumers';
import type { TLSSocket } from 'node:tls';
import { promisify } from 'node:util';
import { describe, expect, onTestFinished, test } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { anna, bert, stranger } from '../helpers/client-ca.ts';
import { root } from '../real/harness/paths.ts';
import { freePort } from '../real/harness/ports.ts';
import { answers, ServerProcess } from '../real/harness/server-process.ts';
import { panelSidecar } from './example.ts';
import { tokenOfCi, tokenOfTheHub, tokenOfTheIssuer } from './existing.ts';
import { find, type Manifest, render, valueFiles } from './helm.ts';
import { Release, storeNowhere, Volumes } from './release.ts';

const gateways = valueFiles.filter((file) => !file.includes('sidecar'));

/** A backend that sends back what it gets. */
async function echo(): Promise<string> {
  const server = new WebSocketServer({ host: '127.0.0.1', port: 0 });
  server.on('connection', (socket) =>
    socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary })),
  );
  await once(server, 'listening');
  onTestFinished(() => {
    for (const client of server.clients) client.terminate();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

async function open(url: string, headers: Record<string, string> = {}): Promise<WebSocket> {
  const socket = new WebSocket(url, { headers, rejectUnauthorized: false });
  onTestFinished(() => socket.terminate());
  await once(socket, 'open');
  return socket;
}

async function exchange(socket: WebSocket, text: string): Promise<string> {
  const answer = once(socket, 'message');
  socket.send(text);
  return String((await answer)[0]);
}

describe.each(gateways.map((file) => [basename(file), file] as const))('%s', (_, file) => {
  test('starts Sluice, and its probes answer', async () => {
    const all = await render({ files: [file] });
    const isReplica = file.includes('hub-replicas');
    const backends = file.includes('gateway-api') ? storeNowhere : {};
    await using release = await Release.start(all, isReplica ? { 'http://hub:8081': 'http://127.0.0.1:9' } : backends);
    if (isReplica) {
      expect(await release.probe('readiness')).toBe(503);
      const headers = { authorization: `token ${tokenOfTheHub}` };
      const checked = `http://127.0.0.1:${release.ports['routes-api']}/api/checked`;
      expect((await fetch(checked, { method: 'POST', headers, body: '{"differing": 0}' })).status).toBe(204);
    }
    for (const probe of ['startup', 'liveness', 'readiness'] as const) expect(await release.probe(probe)).toBe(200);
    const token = file.includes('gateway-api')
      ? 'existing-token-of-somebody'
      : atob(find(all, 'Secret', '-admin').data.token);
    expect((await release.admin('/api/routes')).status).toBe(401);
    const routes = await (await release.admin('/api/routes', token)).text();
    // What `helm test` needs is not to be found in the release.
    expect(routes).not.toMatch(/-test|[.]invalid/);
    // What Prometheus reads, it reads without a token.
    expect(await (await release.admin('/metrics')).text()).toContain('sluice_build_info{');
  });
});

describe('each placement carries a WebSocket and holds its limit', () => {
  async function carries(release: Release, port: string, limit: number): Promise<void> {
    const socket = await open(`ws://127.0.0.1:${release.ports[port]}/app/ws`);
    expect(await exchange(socket, 'x'.repeat(limit))).toHaveLength(limit);
    const closed = once(socket, 'close');
    socket.send('x'.repeat(limit + 1));
    expect((await closed)[0]).toBe(1009);
  }

  test('a sidecar in the pods of another chart', async () => {
    const all = await render({ of: await panelSidecar(), release: 'panel' });
    await using release = await Release.start(all, { 'http://127.0.0.1:5006': await echo() });
    await carries(release, find(all, 'Service').spec.ports[0].targetPort, 20 * 2 ** 20);
  });

  test('before a Deployment with one replica', async () => {
    const all = await render({
      files: [valueFile('single-replica')],
      values: { config: { drain: { deadline: '1h' } } },
    });
    await using release = await Release.start(all, { 'http://panel:5006': await echo() });
    await expect(
      open(`ws://127.0.0.1:${release.ports.http}/`, { Origin: 'https://elsewhere.example.org' }),
    ).rejects.toThrow('403');
    await carries(release, 'http', 20 * 2 ** 20);
  });

  test("before the hub's own proxy", async () => {
    const all = await render({ files: [valueFile('jupyterhub')] });
    await using proxy = await hubProxy(await echo());
    await using release = await Release.start(all, { 'http://proxy-public:80': proxy.url });
    await carries(release, 'http', 10 * 2 ** 20);
  });
});

/** JupyterHub's configurable-http-proxy, with one server behind it. */
async function hubProxy(target: string): Promise<AsyncDisposable & { readonly url: string }> {
  const [port, api] = [await freePort(), await freePort()];
  const url = `http://127.0.0.1:${port}`;
  const server = await ServerProcess.start({
    name: 'configurable-http-proxy',
    command: process.execPath,
    args: [
      join(root, 'node_modules/configurable-http-proxy/bin/configurable-http-proxy'),
      ...['--ip', '127.0.0.1', '--port', String(port), '--api-ip', '127.0.0.1', '--api-port', String(api)],
      ...['--default-target', target],
    ],
    // The backend speaks nothing but WebSocket.
    ready: answers(url, [426]),
  });
  return { url, [Symbol.asyncDispose]: () => server.stop() };
}

test('messages are judged by a schema of a ConfigMap, which nobody but its mount brings', async () => {
  const upstream = await echo();
  const validate = { client: { text: { json_schema: '/etc/schemas/file.json' }, action: 'reply' } };
  const values = { config: { routes: [{ name: 'files', upstream, validate }] } };
  await expect(render({ values })).rejects.toThrow(
    'validate.client.text.json_schema is /etc/schemas/file.json, which is not in the pod',
  );
  const mounted = {
    extraVolumes: [{ name: 'schemas', configMap: { name: 'message-schemas' } }],
    extraVolumeMounts: [{ name: 'schemas', mountPath: '/etc/schemas', readOnly: true }],
  };
  await using release = await Release.start(await render({ values: { ...values, ...mounted } }));
  const socket = await open(`ws://127.0.0.1:${release.ports.http}/`);
  expect(await exchange(socket, '{"filename": "a.csv"}')).toBe('{"filename": "a.csv"}');
  expect(JSON.parse(await exchange(socket, '{"file": 1}'))).toMatchObject({ type: 'error' });
  expect(await exchange(socket, '{"filename": "b.csv"}')).toBe('{"filename": "b.csv"}');
});

describe('Secrets and ConfigMaps that somebody else has made', () => {
  /** What comes of a request for a path: its status, and the name of the user that the backend is told. */
  async function ask(port: number, path: string, { pem = {}, headers = {}, servername = 'localhost' }: Ask = {}) {
    const request = get({
      host: '127.0.0.1',
      port,
      path,
      headers,
      servername,
      rejectUnauthorized: false,
      agent: false,
      ...pem,
    });
    const [response] = (await once(request, 'response')) as [IncomingMessage];
    const [own] = (response.socket as TLSSocket).getPeerCertificate().subjectaltname?.split(', ') ?? [];
    return { status: response.statusCode, user: await text(response), own };
  }

  interface Ask {
    readonly pem?: { readonly cert?: string; readonly key?: string };
    readonly headers?: Record<string, string>;
    readonly servername?: string;
  }

  test('are the certificates, the authorities of clients, the users, the tokens and the keys', async () => {
    const backend = createServer((request, response) => response.end(request.headers['x-forwarded-user']));
    backend.listen(0, '127.0.0.1');
    await once(backend, 'listening');
    onTestFinished(() => {
      backend.closeAllConnections();
      backend.close();
    });
    const url = `http://127.0.0.1:${(backend.address() as AddressInfo).port}`;
    await using release = await Release.start(await render({ files: [valueFile('authentication')] }), {
      'http://panel:5006': url,
    });
    const port = release.ports.http!;
    const basic = (credentials: string) => ({ Authorization: `Basic ${btoa(credentials)}` });
    expect(await ask(port, '/')).toMatchObject({ status: 401, own: 'DNS:localhost' });
    expect(await ask(port, '/', { servername: 'a.wild.test' })).toMatchObject({ status: 401, own: 'DNS:*.wild.test' });
    expect(await ask(port, '/', { pem: anna })).toMatchObject({ status: 200, user: 'anna@example.org' });
    // Of another authority, and of one who is in the list.
    for (const pem of [stranger, bert]) await expect(ask(port, '/', { pem })).rejects.toThrow();
    expect(await ask(port, '/', { headers: basic('bert:pass') })).toMatchObject({ status: 200, user: 'bert' });
    expect(await ask(port, '/', { headers: basic('bert:wrong') })).toMatchObject({ status: 401 });
    expect(await ask(port, '/', { headers: basic('eve:pass') })).toMatchObject({ status: 403 });
    const cookie = { headers: { Cookie: `access_token=${tokenOfTheIssuer}` } };
    expect(await ask(port, '/', cookie)).toMatchObject({ status: 200, user: 'ann' });
    const bearer = { headers: { Authorization: `Bearer ${tokenOfCi}` } };
    expect(await ask(port, '/', bearer)).toMatchObject({ status: 200, user: 'ci' });
    const page = { headers: { Accept: 'text/html' } };
    expect(await ask(port, '/services/panel', page)).toMatchObject({ status: 302 });
  });
});

test('the memory limit becomes the budget of all buffers', async () => {
  await using release = await Release.start(await render({ values: { resources: { limits: { memory: '1Gi' } } } }));
  const metrics = await (await release.admin('/metrics')).text();
  expect(metrics).toMatch(/^sluice_buffer_limit_bytes\{.*scope="process".*\} 268435456$/m);
});

test("the memory limit becomes V8's", async () => {
  const heapMiB = async (memory: string) => {
    const all = await render({ values: { resources: { limits: { memory } } } });
    const { name, value } = find(all, 'Deployment').spec.template.spec.containers[0].env[0];
    const script = 'v8.getHeapStatistics().heap_size_limit / 2 ** 20';
    const { stdout } = await promisify(execFile)(process.execPath, ['-p', script], { env: { [name]: value } });
    return Number(stdout);
  };
  // V8 counts three half-spaces of the young generation; without a bound of their own they would be 192 MiB.
  expect(await heapMiB('1Gi')).toBe(307 + 3 * 8);
  expect(await heapMiB('512Mi')).toBe(153 + 3 * 8);
});

test('a changed ConfigMap is reloaded while a WebSocket stays open', async () => {
  const upstream = await echo();
  const limitsOf = async (max_message_size: string) =>
    render({ values: { config: { routes: [{ name: 'a', upstream, limits: { client: { max_message_size } } }] } } });
  await using release = await Release.start(await limitsOf('1KiB'));
  const socket = await open(`ws://127.0.0.1:${release.ports.http}/`);
  expect(await exchange(socket, 'x'.repeat(1024))).toHaveLength(1024);
  for (const [size, bytes] of [
    ['2KiB', 2048],
    ['3KiB', 3072],
    ['4KiB', 4096],
  ] as const) {
    const changed = await limitsOf(size);
    release.volumes.bring('/etc/sluice/limits', find(changed, 'ConfigMap', '-limits').data);
    await expect
      .poll(async () => (await release.admin('/metrics')).text().then((text) => sizeLimit(text)), { timeout: 5000 })
      .toBe(bytes);
    expect(await exchange(socket, 'x'.repeat(bytes))).toHaveLength(bytes);
  }
  const closed = once(socket, 'close');
  socket.send('x'.repeat(4097));
  expect((await closed)[0]).toBe(1009);
});

function sizeLimit(metrics: string): number {
  return Number(/^sluice_message_size_limit_bytes\{route="a",sender="client"\} (\d+)$/m.exec(metrics)?.[1]);
}

function valueFile(name: string): string {
  return valueFiles.find((file) => basename(file) === `${name}-values.yaml`)!;
}

test("the manifests fit the image: its entrypoint takes the arguments, its Node and its folder are the hook's", async () => {
  const dockerfile = readFileSync(join(root, 'Dockerfile'), 'utf8');
  const last = (instruction: string) => [...dockerfile.matchAll(new RegExp(`^${instruction} (.*)$`, 'gm'))].at(-1)![1]!;
  const [node, program] = JSON.parse(last('ENTRYPOINT')) as string[];
  const all = await render();
  const [sluice] = find(all, 'Deployment').spec.template.spec.containers;
  expect(sluice.command).toBeUndefined();
  expect(sluice.args.slice(0, 2)).toEqual((JSON.parse(last('CMD')) as string[]).slice(0, 2));
  expect(sluice.securityContext.runAsUser).toBe(Number.parseInt(last('USER'), 10));
  expect(find(all, 'Pod', '-test').spec.containers[0].command[0]).toBe(node);
  expect(find(all, 'ConfigMap', '-test').data['limit.mjs']).toContain(`'${program!.replace('src/main.ts', '')}'`);
  expect(find(all, 'Job').spec.template.spec.containers[0].command).toBeUndefined();
});

describe('helm test', () => {
  /**
   * Runs the hook's own script in the hook's own environment and with its volumes, beside Sluice as it was rendered. A
   * busy machine starts a process slowly.
   */
  async function hook(all: readonly Manifest[], service: number, patienceMs = 25_000): Promise<{ stdout: string }> {
    const pod = find(all, 'Pod', '-test');
    const [container] = pod.spec.containers;
    const env = Object.fromEntries(
      container.env.map(({ name, value }: { name: string; value: string }) => [name, value]),
    );
    const [own, admin, backend] = [await freePort(), await freePort(), await freePort()];
    const [declared, declaredAdmin] = find(all, 'Deployment').spec.template.spec.containers[0].ports;
    const volumes = new Volumes(
      new Map([
        [declared.containerPort, own],
        [declaredAdmin.containerPort, admin],
      ]),
      { 'http://127.0.0.1:8099': `http://127.0.0.1:${backend}` },
    );
    volumes.bringAll(all, pod.spec, container);
    // The Service leads to the Deployment's port, whose place here is a free one.
    const url = new URL(env.SERVICE);
    expect(url.hostname).toBe(`${find(all, 'Deployment').metadata.name}.apps`);
    expect(url.port || { 'http:': '80', 'https:': '443' }[url.protocol]).toBe(
      String(find(all, 'Service', 'sluice').spec.ports[0].port),
    );
    url.host = `127.0.0.1:${service}`;
    const ownUrl = new URL(env.OWN);
    expect(ownUrl.port).toBe(String(declared.containerPort));
    ownUrl.port = String(own);
    return promisify(execFile)(process.execPath, [volumes.path(container.command[1])], {
      env: {
        ...env,
        SERVICE: url.href,
        OWN: ownUrl.href,
        CONFIG: volumes.here(env.CONFIG),
        PORT: String(backend),
        APP: `${root}/`,
        PATIENCE_MS: String(patienceMs),
      },
      timeout: 30_000,
    });
  }

  test.each(['single-replica', 'gateway-api-hpa'])(
    'finds Sluice behind the Service, and hits a limit of its configuration: %s',
    async (name) => {
      const all = await render({ files: [valueFile(name)] });
      await using release = await Release.start(all, name.includes('gateway-api') ? storeNowhere : {});
      const { stdout } = await hook(all, release.ports.http!);
      expect(stdout).toContain('the Service answers');
      expect(stdout).toContain('came back: 1024');
      expect(stdout).toContain('close code of the message over the limit: 1009');
      expect(stdout).toMatch(/reason: .*102[45]/);
    },
  );

  test('fails where the limit does not hold', async () => {
    const all = await render();
    await using release = await Release.start(all);
    const raised = JSON.parse(JSON.stringify(all).replace('max_message_size: 1KiB', 'max_message_size: 1MiB'));
    await expect(hook(raised, release.ports.http!)).rejects.toThrow('a message of 1025 bytes came back');
  });

  test('fails where the configuration does not start', async () => {
    const all = await render();
    await using release = await Release.start(all);
    const broken = JSON.parse(JSON.stringify(all).replace('max_message_size: 1KiB', 'max_message_size: 1Ki'));
    await expect(hook(broken, release.ports.http!)).rejects.toThrow('Sluice ends with 2');
  });

  test('fails where nobody answers, and where somebody else does', async () => {
    const all = await render();
    await expect(hook(all, await freePort(), 2000)).rejects.toThrow('nothing answers at');
    const other = createServer((_, response) => response.end('hello')).listen(0, '127.0.0.1');
    await once(other, 'listening');
    onTestFinished(() => void other.close());
    await expect(hook(all, (other.address() as AddressInfo).port, 2000)).rejects.toThrow('this is not Sluice');
  });
});

describe('the check before an installation', () => {
  /** Runs the Job's own command on the files of its own ConfigMap, as the image's entrypoint does. */
  async function check(all: readonly Manifest[]): Promise<{ code: number; output: string }> {
    const pod = find(all, 'Job').spec.template.spec;
    const [container] = pod.containers;
    const volumes = new Volumes(new Map(), {});
    volumes.bringAll(all, pod, container);
    const args = [join(root, 'src/main.ts'), ...container.args.map((arg: string) => volumes.here(arg))];
    return run(process.execPath, args);
  }

  test.each(valueFiles.map((file) => [basename(file), file] as const))('passes with %s', async (_, file) => {
    const { code, output } = await check(await render({ files: [file] }));
    expect(output).toContain('are valid: ');
    expect(code).toBe(0);
  });

  test('fails on a file that Sluice refuses, with its words', async () => {
    const all: Manifest[] = JSON.parse(JSON.stringify(await render()).replaceAll('preset: panel', 'preset: pannel'));
    const { code, output } = await check(all);
    expect(output).toContain('write panel');
    expect(code).toBe(2);
  });

  test('runs before anything changes, once, under restricted Pod Security, and goes when it has passed', async () => {
    const all = await render({ values: { imagePullSecrets: [{ name: 'registry' }], nodeSelector: { disk: 'ssd' } } });
    const job = find(all, 'Job');
    expect(job.metadata.annotations).toMatchObject({
      'helm.sh/hook': 'pre-install,pre-upgrade',
      'helm.sh/hook-delete-policy': 'before-hook-creation,hook-succeeded',
    });
    expect(job.spec).toMatchObject({ backoffLimit: 0 });
    const deployed = find(all, 'Deployment').spec.template.spec;
    const pod = job.spec.template.spec;
    expect(pod).toMatchObject({
      imagePullSecrets: [{ name: 'registry' }],
      nodeSelector: { disk: 'ssd' },
      securityContext: deployed.securityContext,
    });
    expect(pod.containers[0]).toMatchObject({
      image: deployed.containers[0].image,
      securityContext: deployed.containers[0].securityContext,
      resources: { limits: { memory: '256Mi' } },
    });
    expect(await render({ values: { check: { enabled: false } } })).not.toContainEqual(
      expect.objectContaining({ kind: 'Job' }),
    );
  });
});

/** A program's exit code, and all that it wrote. */
async function run(command: string, args: readonly string[]): Promise<{ code: number; output: string }> {
  try {
    const { stdout, stderr } = await promisify(execFile)(command, args);
    return { code: 0, output: stdout + stderr };
  } catch (error) {
    const { code, stdout, stderr } = error as { code: number; stdout: string; stderr: string };
    return { code, output: stdout + stderr };
  }
}
