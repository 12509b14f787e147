/**
 * How the gateway stops: clients are sent away so that they come back elsewhere, new ones are refused, then it ends.
 */
import { expect, test } from 'vitest';
import { fakeUpstream, switching } from '../helpers/fake-upstream.ts';
import { closeFrame } from '../helpers/frames.ts';
import { routeTo, startGateway } from '../helpers/gateway.ts';
import { handshakeRequest, rawClient, rawConnect } from '../helpers/raw-client.ts';
import { Serve } from '../helpers/serve.ts';

test('a client hears 1012, its upstream 1001, and then the gateway is gone', async () => {
  await using upstream = await fakeUpstream();
  const { gateway, port, logged } = await startGateway({ routes: [routeTo(upstream)] });
  const client = await rawClient(port);
  const server = await upstream.next();
  const stopped = gateway.stop();
  expect(await client.closeFrame()).toMatchObject({ code: 1012 });
  client.send(closeFrame(1012, '', { mask: true }));
  expect(await server.closeFrame()).toMatchObject({ code: 1001 });
  server.send(closeFrame(1001));
  await stopped;
  expect(await logged('end')).toMatchObject({ reason: 'drain', draining: true });
  await expect(rawConnect(port)).rejects.toMatchObject({ code: 'ECONNREFUSED' });
});

test('handshakes that are not over yet are refused with 503', async () => {
  await using upstream = await fakeUpstream({ answer: () => null });
  const { gateway, port, logged } = await startGateway({ routes: [routeTo(upstream)] });
  const pending = await rawConnect(port);
  pending.sendText(handshakeRequest());
  const dialled = await upstream.next();
  const begun = await rawConnect(port);
  const request = handshakeRequest();
  begun.sendText(request.slice(0, 30));
  const other = await rawConnect(port);
  other.sendText('GET /slow HTTP/1.1\r\nHost: gateway.test\r\n\r\n');
  const slow = await upstream.next();

  const stopped = gateway.stop();
  begun.sendText(request.slice(30));
  expect((await begun.rest()).toString()).toMatch(/^HTTP\/1.1 503 /);
  dialled.sendText(switching(dialled.request));
  expect((await pending.rest()).toString()).toMatch(/^HTTP\/1.1 503 /);
  expect(await logged('refused')).toMatchObject({ result: 'draining', status: 503 });
  expect(await logged('refused')).toMatchObject({ result: 'draining', status: 503 });
  slow.sendText('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
  expect(await other.head()).toMatch(/^HTTP\/1.1 200 /);
  await stopped;
});

test('what does not go by itself is dropped when the signal says so', async () => {
  await using upstream = await fakeUpstream({ answer: () => null });
  const { gateway, port, logged } = await startGateway({ routes: [routeTo(upstream)] });
  const pending = await rawConnect(port);
  pending.sendText(handshakeRequest());
  await upstream.next();
  const hanging = await rawConnect(port);
  hanging.sendText('GET /slow HTTP/1.1\r\nHost: gateway.test\r\n\r\n');
  await upstream.next();
  const abort = new AbortController();
  const stopped = gateway.stop(abort.signal);
  abort.abort();
  await Promise.all([stopped, pending.gone, hanging.gone, upstream.idle()]);
  expect(await logged('refused')).toMatchObject({ result: 'draining' });
});

test('serve ends with 0 after SIGTERM when all connections are gone', async () => {
  await using upstream = await fakeUpstream();
  const { serve, port } = await Serve.start(upstream);
  await using _ = serve;
  const client = await rawClient(port);
  serve.process.kill('SIGTERM');
  expect(await client.closeFrame()).toMatchObject({ code: 1012 });
  expect(await serve.logged('draining')).toMatchObject({ cause: 'SIGTERM', connections: 1 });
  client.send(closeFrame(1012, '', { mask: true }));
  const server = await upstream.next();
  await server.closeFrame();
  server.send(closeFrame(1001));
  expect(await serve.exit).toBe(0);
});

test('serve ends at once at the second signal', async () => {
  await using upstream = await fakeUpstream();
  const { serve, port } = await Serve.start(upstream);
  await using _ = serve;
  const client = await rawClient(port);
  serve.process.kill('SIGINT');
  await client.closeFrame();
  // The client does not answer, so the process would now wait for timeouts.close.
  serve.process.kill('SIGINT');
  expect(await serve.exit).toBe(0);
  await client.gone;
});
