import { createServer } from 'node:https';
import { setDefaultCACertificates } from 'node:tls';
import { expect, onTestFinished, test } from 'vitest';
import type { Route } from '../../src/config/types.ts';
import { listen } from '../helpers/listen.ts';
import { cert, key } from '../helpers/test-certificate.ts';
import { RawHttp, routeTo, startFront } from './http-front.ts';

async function startTlsUpstream(): Promise<Route> {
  const server = createServer({ cert, key }, (req, res) => res.end(`for ${req.headers.host}`));
  server.on('tlsClientError', () => {});
  const port = await listen(server);
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  const upstream = { protocol: 'https:', host: 'localhost', port, href: `https://localhost:${port}` } as const;
  return { ...routeTo(port), upstream };
}

const request = 'GET / HTTP/1.1\r\nHost: public.example\r\nConnection: close\r\n\r\n';

test('does not talk to an upstream whose certificate nobody vouches for', async () => {
  const front = await startFront(await startTlsUpstream());
  const client = new RawHttp(front.port);
  client.send(request);
  expect(await client.closed()).toMatch(/^HTTP\/1\.1 502 /);
  expect(front.lines).toMatchObject([{ detail: expect.stringContaining('self-signed certificate') }]);
});

test("checks a certificate for the upstream's name, not for the Host that the client sent", async () => {
  setDefaultCACertificates([cert]);
  const front = await startFront(await startTlsUpstream());
  const client = new RawHttp(front.port);
  client.send(request);
  expect(await client.closed()).toContain('for public.example');
});
