import type { IncomingMessage } from 'node:http';
import { expect, onTestFinished, test } from 'vitest';
import { Redirects } from '../../../src/cli/hub-proxy/redirect.ts';
import { createLog } from '../../../src/observe/log/log.ts';
import { ask } from '../../helpers/hub.ts';
import { rawConnect } from '../../helpers/raw-client.ts';

const log = createLog({ write() {} });

async function start(port: number, isNamed = true, hasRoom = () => true): Promise<number> {
  const redirects = new Redirects({ port, isNamed }, { log, hasRoom });
  onTestFinished(() => redirects.close());
  return redirects.listen({ kind: 'tcp', host: '127.0.0.1', port: 0 });
}

const request = 'GET / HTTP/1.1\r\nHost: apps.example\r\n\r\n';

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

test('leaves it to the place itself who may embed it, keep it, or learn where it was linked', async () => {
  const { headers } = await ask(await start(443), '/', { headers: { host: 'apps.example' } });
  expect(Object.keys(headers).toSorted()).toEqual(['connection', 'content-length', 'date', 'location']);
});

test('nothing is done for what is sent behind a request', async () => {
  let answers = 0;
  class Counted extends Redirects {
    protected override answer(req: IncomingMessage) {
      answers++;
      return super.answer(req);
    }
  }
  const redirects = new Counted({ port: 443, isNamed: false }, { log });
  onTestFinished(() => redirects.close());
  const peer = await rawConnect(await redirects.listen({ kind: 'tcp', host: '127.0.0.1', port: 0 }));
  peer.sendText(request.repeat(3000));
  await peer.ended;
  expect(peer.received.toString().match(/HTTP\/1\.1 301 /g)).toHaveLength(1);
  expect(answers).toBe(1);
});

test('those who say nothing keep nobody out', async () => {
  const port = await start(443);
  const silent = [];
  for (let i = 0; i < 100; i++) silent.push(await rawConnect(port));
  const newcomer = await rawConnect(port);
  await silent[0]!.gone;
  newcomer.sendText(request);
  expect(await newcomer.head()).toMatch(/^HTTP\/1.1 301 /);
});

test('where descriptors run out it takes no more of them', async () => {
  const port = await start(443, true, () => false);
  const first = await rawConnect(port);
  const second = await rawConnect(port);
  await first.gone;
  second.sendText(request);
  expect(await second.head()).toMatch(/^HTTP\/1.1 301 /);
});
