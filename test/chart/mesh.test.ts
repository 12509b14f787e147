/** Behind a mesh's own proxy, and over IPv6: what the chart's README says to write is what works. */
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer, get, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { parse } from 'yaml';
import { chart, render } from './helm.ts';
import { type Host, Release } from './release.ts';

const readme = readFileSync(join(chart, 'README.md'), 'utf8');
/** What the row of a mesh names in its third column. */
const trustedBy = (mesh: string) => {
  const cell = new RegExp(`^\\| ${mesh} \\|[^|]*\\|([^|]*)\\|`, 'm').exec(readme)![1]!;
  return [...cell.matchAll(/`([^`]+)`/g)].map(([, address]) => address!);
};

/** A backend that keeps what it was told of its client. */
async function backend(): Promise<{ url: string; heard: IncomingHttpHeaders[] }> {
  const heard: IncomingHttpHeaders[] = [];
  const server = createServer((req, res) => {
    heard.push(req.headers);
    res.end('ok');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, heard };
}

/** Starts the chart with these values before the backend. */
async function start(values: object, url: string, host: Host): Promise<Release> {
  const release = await Release.start(await render({ values }), { 'http://panel:5006': url }, host);
  onTestFinished(() => release[Symbol.asyncDispose]());
  return release;
}

/** The status of a request for somebody else, from an address of this machine. */
async function ask(release: Release, from: { host: string; localAddress: string }): Promise<number> {
  const headers = { 'X-Forwarded-For': '203.0.113.9', 'X-Forwarded-Proto': 'https' };
  const [response] = await once(get({ port: release.ports.http, agent: false, headers, ...from }), 'response');
  response.resume();
  await once(response, 'end');
  return response.statusCode;
}

describe('trusted_proxies of a mesh', () => {
  const istio = { host: '127.0.0.1', localAddress: '127.0.0.6' };
  const listen = (trusted: readonly string[]) => ({ config: { listen: { trusted_proxies: trusted } } });

  test('Istio: what the sidecar says of a client is believed of 127.0.0.6, and of nobody beside it', async () => {
    const { url, heard } = await backend();
    const release = await start(listen(trustedBy('Istio with sidecars')), url, 'loopback');
    expect(await ask(release, istio)).toBe(200);
    expect(await ask(release, { ...istio, localAddress: '127.0.0.7' })).toBe(200);
    const [believed, other] = heard;
    expect(believed).toMatchObject({ 'x-forwarded-for': '203.0.113.9, 127.0.0.6', 'x-forwarded-proto': 'https' });
    expect(other).toMatchObject({ 'x-forwarded-for': '127.0.0.7', 'x-forwarded-proto': 'http' });
  });

  test('without it every client is the sidecar, and the log names the peer that is missing', async () => {
    const { url, heard } = await backend();
    const release = await start(listen(['10.0.0.0/8']), url, 'loopback');
    expect(await ask(release, istio)).toBe(200);
    expect(heard[0]).toMatchObject({ 'x-forwarded-for': '127.0.0.6', 'x-forwarded-proto': 'http' });
    await expect.poll(() => release.process.output).toMatch(/"event":"untrusted_forwarding_headers".*127\.0\.0\.6/);
  });

  test('Linkerd: its proxy comes from loopback of either family', async () => {
    const { url, heard } = await backend();
    const address = { listen: { address: '[::]:8080', trusted_proxies: trustedBy('Linkerd') } };
    const release = await start({ config: address }, url, 'as rendered');
    expect(await ask(release, { host: '127.0.0.1', localAddress: '127.0.0.1' })).toBe(200);
    expect(await ask(release, { host: '::1', localAddress: '::1' })).toBe(200);
    expect(heard.map((headers) => headers['x-forwarded-for'])).toEqual(['203.0.113.9, 127.0.0.1', '203.0.113.9, ::1']);
  });
});

test('the values for IPv6 of the README listen for both families, on both ports', async () => {
  const yaml = /^## IPv6 and dual stack\n[\s\S]*?```yaml\n([\s\S]*?)```/m.exec(readme)![1]!;
  const { url } = await backend();
  const release = await start(parse(yaml), url, 'as rendered');
  for (const host of ['127.0.0.1', '[::1]']) {
    expect((await fetch(`http://${host}:${release.ports.http}/`)).status).toBe(200);
    expect(await (await fetch(`http://${host}:${release.ports.admin}/readyz`)).text()).toBe('ready\n');
  }
});
