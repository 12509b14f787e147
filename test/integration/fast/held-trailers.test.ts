/** Trailers that are not whole are held, and what is held counts in the memory of all. */
import { expect, test } from 'vitest';
import { fakeUpstream } from '../../helpers/fake-upstream.ts';
import { routeTo, startGateway } from '../../helpers/gateway.ts';
import { rawConnect } from '../../helpers/raw-client.ts';
import { until } from '../../helpers/until.ts';

const held = 60_000;
const trailer = `X-Long: ${'x'.repeat(held)}`;
const chunked = 'Transfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n';
const upload = (path: string) => `POST ${path} HTTP/1.1\r\nHost: gateway.test\r\n${chunked}${trailer}`;

async function stand() {
  const stack = new AsyncDisposableStack();
  const upstream = stack.use(await fakeUpstream({ answer: () => null }));
  const sluice = stack.use(await startGateway({ routes: [routeTo(upstream, { path: '/app' })] }));
  const client = await rawConnect(sluice.port);
  const { budget, buffers } = sluice.gateway.sessions.memory;
  return {
    upstream,
    client,
    /** What is held beside the buffers that are read into. */
    get heldBytes() {
      return budget.usedBytes - buffers.lentBytes;
    },
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

test('those of an upload count until they are whole', async () => {
  await using all = await stand();
  all.client.sendText(upload('/app'));
  const peer = await all.upstream.next();
  await until(() => all.heldBytes > held);
  all.client.sendText('\r\n\r\n');
  peer.sendText('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n');
  await all.client.head();
  await until(() => all.heldBytes < held);
});

test('those of a body that is thrown away count until its connection is gone', async () => {
  await using all = await stand();
  all.client.sendText(upload('/nowhere'));
  expect(await all.client.head()).toMatch(/^HTTP\/1\.1 404 /);
  await until(() => all.heldBytes > held);
  all.client.reset();
  await until(() => all.heldBytes < held);
});

test('those of an upload whose answer is there count still', async () => {
  await using all = await stand();
  all.client.sendText(upload('/app'));
  const peer = await all.upstream.next();
  await until(() => all.heldBytes > held);
  peer.socket.end('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n');
  await all.client.head();
  await peer.gone;
  expect(all.heldBytes).toBeGreaterThan(held);
  all.client.reset();
  await until(() => all.heldBytes < held);
});

test('those of an answer count until they are whole', async () => {
  await using all = await stand();
  all.client.sendText('GET /app HTTP/1.1\r\nHost: gateway.test\r\n\r\n');
  const peer = await all.upstream.next();
  peer.sendText(`HTTP/1.1 200 OK\r\n${chunked}${trailer}`);
  await until(() => all.heldBytes > held);
  peer.sendText('\r\n\r\n');
  await until(() => all.client.received.includes(trailer));
  await until(() => all.heldBytes < held);
});
