/**
 * What an upstream answers that Node's parser reads and Node's writer does not write. In the careful lane both are
 * Node's: such an answer costs its own request something, and nobody else anything.
 */
import { expect, test } from 'vitest';
import { fakeUpstream } from '../../helpers/fake-upstream.ts';
import { routeTo, startGateway } from '../../helpers/gateway.ts';
import { handshakeRequest, rawConnect } from '../../helpers/raw-client.ts';

/** An empty line before it brings a request into the careful lane. */
const request = '\r\nGET / HTTP/1.1\r\nHost: gateway.test\r\n\r\n';

/** What comes of an answer, up to the first blank line or further ones. */
async function asked(answer: string) {
  const stack = new AsyncDisposableStack();
  const upstream = stack.use(await fakeUpstream({ answer: () => answer }));
  const gateway = stack.use(await startGateway({ routes: [routeTo(upstream)] }));
  const client = await rawConnect(gateway.port);
  client.sendText(request);
  return { gateway, client, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}

test.each([
  ['a control character', '\x01'],
  ['DEL', '\x7f'],
])('a reason phrase with %s is 502', async (_, character) => {
  await using all = await asked(`HTTP/1.1 200 O${character}K\r\nContent-Length: 2\r\n\r\nok`);
  expect(await all.client.head()).toMatch(/^HTTP\/1\.1 502 Bad Gateway\r\n/);
  expect(await all.gateway.logged('http_failed')).toMatchObject({ result: 'upstream_failed' });
});

test('a field with DEL is 502', async () => {
  await using all = await asked('HTTP/1.1 200 OK\r\nX: a\x7fb\r\nContent-Length: 2\r\n\r\nok');
  expect(await all.client.head()).toMatch(/^HTTP\/1\.1 502 Bad Gateway\r\n/);
});

test('a body with a transfer coding beside the chunks is 502: its client would take the coded bytes for the body', async () => {
  await using all = await asked('HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n');
  expect(await all.client.head()).toMatch(/^HTTP\/1\.1 502 Bad Gateway\r\n/);
  expect(await all.gateway.logged('http_failed')).toMatchObject({
    result: 'upstream_failed',
    detail: 'its body has a transfer coding beside the chunks',
  });
});

test('so is such a refusal of a handshake', async () => {
  await using upstream = await fakeUpstream({
    answer: () => 'HTTP/1.1 403 Forbidden\r\nTransfer-Encoding: gzip, chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n',
  });
  await using gateway = await startGateway({ routes: [routeTo(upstream)] });
  const client = await rawConnect(gateway.port);
  client.sendText(`\r\n${handshakeRequest()}`);
  expect(await client.head()).toMatch(/^HTTP\/1\.1 502 Bad Gateway\r\n/);
  expect(await gateway.logged('refused')).toMatchObject({ result: 'upstream_bad_handshake' });
  await upstream.idle();
});
