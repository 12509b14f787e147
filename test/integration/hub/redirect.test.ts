import type { AddressInfo } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { redirectFrom } from '../../../src/cli/hub-proxy/redirect.ts';
import { ask } from '../../helpers/hub.ts';
import { rawConnect } from '../../helpers/raw-client.ts';

async function start(port: number, isNamed = true): Promise<number> {
  const server = await redirectFrom('127.0.0.1', 0, { port, isNamed });
  onTestFinished(() => void server.close());
  return (server.address() as AddressInfo).port;
}

test('sends to the same place by HTTPS', async () => {
  const answer = await ask(await start(8443), '/lab?x=1', { headers: { host: 'Apps.example:8000' } });
  expect(answer).toMatchObject({ status: 301, headers: { location: 'https://apps.example:8443/lab?x=1' } });
  const usual = await ask(await start(443, false), '/', { headers: { host: 'apps.example' } });
  expect(usual.headers.location).toBe('https://apps.example/');
  const told = await ask(await start(443), '/', { headers: { host: 'apps.example' } });
  expect(told.headers.location).toBe('https://apps.example:443/');
});

test.each([
  ['a whole URL, as proxies are asked', 'http://Apps.example/lab?x=1', '/lab?x=1'],
  ['one without a path', 'http://apps.example?x=1', '/?x=1'],
])('%s leads to the same place', async (_name, path, place) => {
  const peer = await rawConnect(await start(8443));
  peer.sendText(`GET ${path} HTTP/1.1\r\nHost: apps.example\r\n\r\n`);
  const answer = await peer.head();
  expect(answer).toMatch(/^HTTP\/1.1 301 /);
  expect(answer).toContain(`Location: https://apps.example:8443${place}\r\n`);
});

test.each([
  ['another host', 'GET http://evil.example/'],
  ['no place', 'OPTIONS *'],
])('%s leads nowhere', async (_name, asked) => {
  const peer = await rawConnect(await start(8443));
  peer.sendText(`${asked} HTTP/1.1\r\nHost: apps.example\r\n\r\n`);
  expect(await peer.head()).toMatch(/^HTTP\/1.1 400 /);
});

test('sends nobody to a place that the request does not name', async () => {
  const port = await start(443);
  for (const host of ['a b', 'evil.example/x', 'a@b']) {
    expect((await ask(port, '/', { headers: { host } })).status, host).toBe(400);
  }
});
