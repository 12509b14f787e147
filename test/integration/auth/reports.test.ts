/** What was reported of other gateways that ask a service or an issuer, asked of this one. */
import { createServer, type IncomingMessage } from 'node:http';
import { describe, expect, onTestFinished, test } from 'vitest';
import {
  type FakeUpstream,
  fakeUpstream,
  headerOf,
  headersOf,
  switching,
  switchingOrOk,
} from '../../helpers/fake-upstream.ts';
import { startGatewayOf } from '../../helpers/gateway.ts';
import { listen } from '../../helpers/listen.ts';
import { handshakeRequest, rawConnect } from '../../helpers/raw-client.ts';
import { newSigner, setText, tokenOf } from '../../unit/admission/auth/tokens.ts';

type Said = readonly [status: number, fields: readonly string[], body: string];

interface Stand {
  readonly upstream: FakeUpstream;
  /** What the service was asked. */
  readonly asked: readonly IncomingMessage[];
  /** The head of the answer to a request. */
  ask(text: string): Promise<string>;
}

/** A route whose `auth` names a service on this port, which says this. */
async function stand(auth: (port: number) => string, said: Said, answer = switchingOrOk): Promise<Stand> {
  const asked: IncomingMessage[] = [];
  const [status, fields, body] = said;
  const service = createServer((req, res) => {
    asked.push(req);
    res.writeHead(status, [...fields]).end(body);
  });
  const port = await listen(service);
  const upstream = await fakeUpstream({ answer });
  const gateway = await startGatewayOf(`
listen: {address: "127.0.0.1:0", trusted_proxies: [127.0.0.1]}
admin: {address: "127.0.0.1:0"}
routes:
  - name: test
    upstream: http://127.0.0.1:${upstream.port}
    auth: [${auth(port)}]
`);
  onTestFinished(async () => {
    await gateway[Symbol.asyncDispose]();
    await upstream[Symbol.asyncDispose]();
    service.close();
    service.closeAllConnections();
  });
  return {
    upstream,
    asked,
    async ask(text) {
      const client = await rawConnect(gateway.port);
      client.sendText(text);
      const head = await client.head();
      client.socket.destroy();
      return head;
    },
  };
}

const forward = (more: string) => (port: number) => `{forward: {url: "http://127.0.0.1:${port}/verify"${more}}}`;
const message = (first: string, ...lines: string[]) => [first, 'Host: gateway.test', ...lines, '', ''].join('\r\n');

describe.each([
  ['fast', ''],
  ['careful', 'http://gateway.test'],
])('the %s lane', (_, before) => {
  // traefik/traefik#3039, caddyserver/caddy#5430: the service was asked to speak WebSocket itself, and failed.
  test('the service hears nothing of an upgrade', async () => {
    const { ask, asked } = await stand(forward(''), [200, [], '']);
    expect(await ask(handshakeRequest({ path: `${before}/ws` }))).toMatch(/^HTTP\/1\.1 101 /);
    expect(asked.map(({ method, url }) => [method, url])).toEqual([['GET', '/verify']]);
    const { rawHeaders, headers } = asked[0]!;
    expect(rawHeaders.join('\n')).not.toMatch(/^(upgrade|sec-websocket-.*|http2-settings)$/im);
    expect(headers.connection).toBe('keep-alive');
  });

  // An advisory on traefik/traefik after GHSA-x677-9fxg-v5c5: `_` was shut out, and `.` went through to PHP, for which
  // both are one name.
  test('what clients say under a name of the service’s goes no further, with whatever between its words', async () => {
    const { ask, upstream } = await stand(forward(', response_headers: [X-Mail-Of]'), [200, ['X-Mail-Of', 'ann'], '']);
    const lines = [..."-_.~!#$%&'*+^`|"].map((between) => `X${between}Mail-Of: root`);
    expect(await ask(message(`GET ${before}/ HTTP/1.1`, ...lines))).toMatch(/^HTTP\/1\.1 200 /);
    const { request } = await upstream.next();
    expect(request).not.toContain('root');
    expect(headersOf(request, 'X-Mail-Of')).toEqual(['ann']);
  });

  // oauth2-proxy/oauth2-proxy#3506, traefik/traefik#12418: the service believed the client's word for the path, or had
  // none for the method.
  test('the service is told where a request goes by the gateway alone, whatever its peer is trusted with', async () => {
    const { ask, asked } = await stand(forward(''), [401, [], '']);
    const spoofed = ['Uri: /public', 'Method: OPTIONS'].flatMap((end) => [`X-Forwarded-${end}`, `X_Forwarded_${end}`]);
    const head = await ask(
      message(`POST ${before}/admin?a=1 HTTP/1.1`, ...spoofed, 'X-Original-URL: /public', 'Content-Length: 0'),
    );
    expect(head).toMatch(/^HTTP\/1\.1 401 /);
    const { headers, rawHeaders } = asked[0]!;
    expect(headers).toMatchObject({ 'x-forwarded-uri': '/admin?a=1', 'x-forwarded-method': 'POST' });
    expect(rawHeaders.join('\n')).not.toMatch(/public|OPTIONS/);
  });

  // authelia/authelia#4905, #648: what programs need to sign in was lost, and OPTIONS was sent to a login page.
  test('the service’s own 401 reaches a program, with all that it asks for', async () => {
    const fields = ['WWW-Authenticate', 'Basic realm="a"', 'WWW-Authenticate', 'Bearer'];
    const { ask, asked } = await stand(forward(''), [401, fields, 'no']);
    const head = await ask(message(`OPTIONS ${before}/dav HTTP/1.1`));
    expect(head).toMatch(/^HTTP\/1\.1 401 /);
    expect(headersOf(head, 'WWW-Authenticate')).toEqual(['Basic realm="a"', 'Bearer']);
    expect(headerOf(head, 'Content-Length')).toBe('2');
    expect(asked[0]!.headers['x-forwarded-method']).toBe('OPTIONS');
  });

  // oauth2-proxy/oauth2-proxy#1393 and #1522, envoyproxy/envoy#30102: a script whose session had ended was sent to
  // another site to sign in, where it failed without a word.
  test('the service hears which answer a client can use, and nothing of who it is from that', async () => {
    const { ask, asked } = await stand(forward(''), [401, ['Content-Type', 'application/json'], '{}']);
    const wanted = ['Accept: application/json', 'Accept-Language: de', 'X-Requested-With: XMLHttpRequest'];
    expect(await ask(message(`GET ${before}/api HTTP/1.1`, ...wanted, 'Referer: /secret'))).toMatch(/^HTTP\/1\.1 401 /);
    const { headers } = asked[0]!;
    expect(headers).toMatchObject({
      accept: 'application/json',
      'accept-language': 'de',
      'x-requested-with': 'XMLHttpRequest',
    });
    expect(headers.referer).toBeUndefined();
  });

  // traefik/traefik#12694: whoever lets in by a page had it bounded, and nobody needs it.
  test('a service that lets in with a page of any size lets in', async () => {
    const { ask } = await stand(forward(''), [200, [], 'x'.repeat(200_000)]);
    expect(await ask(message(`GET ${before}/ HTTP/1.1`))).toMatch(/^HTTP\/1\.1 200 /);
  });

  // oauth2-proxy/oauth2-proxy#676, zelytra/BetterFleet#833: a sign-in with more cookies than a buffer holds was 502.
  // envoyproxy/envoy#8649, higress-group/higress#3928: of several cookies one was left, or all in one line.
  test('a session in many large cookies comes through whole, from a sign-in and beside an answer or a 101', async () => {
    const cookies = Array.from(
      { length: 12 },
      (_, i) => `s_${i}=${'x'.repeat(4000)}; Expires=Thu, 05 Jun 2036 09:10:07 GMT`,
    );
    const fields = cookies.flatMap((cookie) => ['Set-Cookie', cookie]);
    for (const [status, rest] of [
      [302, ['Location', '/login']],
      [200, []],
    ] as const) {
      const { ask } = await stand(forward(', client_headers: [Set-Cookie]'), [status, [...rest, ...fields], '']);
      for (const text of [message(`GET ${before}/ HTTP/1.1`), handshakeRequest({ path: `${before}/ws` })]) {
        expect(headersOf(await ask(text), 'Set-Cookie')).toEqual(cookies);
      }
    }
  });

  // traefik/traefik#11438, oauth2-proxy/oauth2-proxy#1549 and #3505: a service that judges methods was asked with GET:
  // what was open to GET was open to POST.
  test.each(['POST', 'OPTIONS', 'HEAD', 'DELETE', 'PROPFIND'])(
    'the service is asked with %s where that is wanted',
    async (method) => {
      const { ask, asked } = await stand(forward(', preserve_method: true'), [401, [], '']);
      const text = message(`${method} ${before}/a HTTP/1.1`, ...(method === 'POST' ? ['Content-Length: 3'] : []));
      expect(await ask(method === 'POST' ? `${text}abc` : text)).toMatch(/^HTTP\/1\.1 401 /);
      expect([asked[0]!.method, asked[0]!.headers['x-forwarded-method']]).toEqual([method, method]);
      expect(asked[0]!.headers['content-length']).toBe(method === 'HEAD' ? undefined : '0');
      expect(asked[0]!.headers).not.toHaveProperty('transfer-encoding');
    },
  );

  // apache/apisix#10375: the body of an upload was sent to the service, which refused it.
  test('an upload is judged by its head', async () => {
    const { ask, asked, upstream } = await stand(forward(''), [200, [], '']);
    const text = message(`POST ${before}/ HTTP/1.1`, 'Content-Length: 1000000', 'Content-Type: text/plain');
    expect(await ask(text + 'x'.repeat(1_000_000))).toMatch(/^HTTP\/1\.1 200 /);
    expect(asked[0]!.method).toBe('GET');
    expect(asked[0]!.headers).not.toHaveProperty('content-length');
    expect(headerOf((await upstream.next()).request, 'Content-Length')).toBe('1000000');
  });

  // kubernetes/kubernetes#47740, kubevirt/kubevirt#1485, jupyter-server/jupyter_server#1407: the token was all that was
  // offered, the backend chose none, and the browser gave up.
  test.each([
    ['access_token', ', TOKEN', [], ['access_token']],
    ['access_token', ', TOKEN, v4', [], ['access_token']],
    ['access_token', ', TOKEN, v4', ['v4'], ['v4']],
    ['v4, access_token', ', TOKEN', ['v4'], ['v4']],
    ['base64url.bearer.authorization.k8s.io.ENCODED', '', [], []],
  ])('a client that offers %s%s, of which the backend chooses %j, hears %j', async (first, rest, chosen, heard) => {
    const signer = newSigner('one');
    const jwt = (port: number) =>
      `{jwt: {issuer: "https://id.test", audience: [panel], jwks: "http://127.0.0.1:${port}/", from: [subprotocol]}}`;
    const answer = (request: string) => switching(request, ...chosen.map((one) => `Sec-WebSocket-Protocol: ${one}`));
    const { ask, upstream } = await stand(jwt, [200, [], setText(signer)], answer);
    const token = tokenOf(signer, { exp: Math.floor(Date.now() / 1000) + 600 });
    const offered = (first + rest).replace('TOKEN', token).replace('ENCODED', Buffer.from(token).toString('base64url'));
    const headers = { 'Sec-WebSocket-Protocol': offered };
    const head = await ask(handshakeRequest({ path: `${before}/ws`, headers }));
    expect(head).toMatch(/^HTTP\/1\.1 101 /);
    expect(headersOf(head, 'Sec-WebSocket-Protocol')).toEqual(heard);
    expect((await upstream.next()).request).not.toContain(token);
  });

  // envoyproxy/envoy#13708: the keys were fetched again for each request.
  test('the keys of an issuer are fetched once for many requests, at once or one after the other', async () => {
    const signer = newSigner('one');
    const jwt = (port: number) =>
      `{jwt: {issuer: "https://id.test", audience: [panel], jwks: "http://127.0.0.1:${port}/keys"}}`;
    const { ask, asked } = await stand(jwt, [200, ['Content-Type', 'application/json'], setText(signer)]);
    const token = tokenOf(signer, { exp: Math.floor(Date.now() / 1000) + 600 });
    const text = message(`GET ${before}/ HTTP/1.1`, `Authorization: Bearer ${token}`);
    const heads = await Promise.all(Array.from({ length: 10 }, () => ask(text)));
    for (let i = 0; i < 10; i++) heads.push(await ask(text));
    for (const head of heads) expect(head).toMatch(/^HTTP\/1\.1 200 /);
    expect(asked.map(({ url }) => url)).toEqual(['/keys']);
  });
});
