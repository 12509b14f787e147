import type { AddressInfo } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { redirectFrom } from '../../../src/cli/hub-proxy/redirect.ts';
import { ask } from '../../helpers/hub.ts';

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

test('sends nobody to a place that the request does not name', async () => {
  const port = await start(443);
  for (const host of ['a b', 'evil.example/x', 'a@b']) {
    expect((await ask(port, '/', { headers: { host } })).status, host).toBe(400);
  }
});
