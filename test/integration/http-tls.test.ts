import { createServer } from 'node:https';
import { setDefaultCACertificates } from 'node:tls';
import { expect, onTestFinished, test } from 'vitest';
import type { Route } from '../../src/config/types.ts';
import { listen } from '../helpers/listen.ts';
import { RawHttp, routeTo, startFront } from './http-front.ts';

/** Self-signed for `localhost`, made for these tests alone: openssl req -x509 -newkey ec -subj /CN=localhost … */
const cert = `-----BEGIN CERTIFICATE-----
MIIBljCCATugAwIBAgIUKE9OSgy/O9D3PUEZSXmkZis3UdswCgYIKoZIzj0EAwIw
FDESMBAGA1UEAwwJbG9jYWxob3N0MCAXDTI2MTEyMTA2MzUzMVoYDzIxMjYxMDI4
MDYzNTMxWjAUMRIwEAYDVQQDDAlsb2NhbGhvc3QwWTATBgcqhkjOPQIBBggqhkjO
PQMBBwNCAARBT1BCLZ0YyLO18RDG9CcdpPFpnJIYSUnlEQRjItqbfpNsWGK4wxW0
vPDw3hlfqeSGfqHWf14/cyIMcK1Bq7vpo2kwZzAdBgNVHQ4EFgQUlTV2A4PnVVRV
IX7xT3QHuK6UZPgwHwYDVR0jBBgwFoAUlTV2A4PnVVRVIX7xT3QHuK6UZPgwDwYD
VR0TAQH/BAUwAwEB/zAUBgNVHREEDTALgglsb2NhbGhvc3QwCgYIKoZIzj0EAwID
SQAwRgIhALdzHxONaY0NmDkF266rPU/3VItWwZgTrWDAlMXWyqfbAiEAlxmVMxPD
+yRilUFHodpH96k0AirF+2glsToEryvc6q8=
-----END CERTIFICATE-----
`;
const key = `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgdJcnswKl889PTbfO
0MHQxGEy5EA8X+UcvIG9FZj4XtGhRANCAARBT1BCLZ0YyLO18RDG9CcdpPFpnJIY
SUnlEQRjItqbfpNsWGK4wxW0vPDw3hlfqeSGfqHWf14/cyIMcK1Bq7vp
-----END PRIVATE KEY-----
`;

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
