/** TLS of a port of Sluice's own, byte by byte. */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { AdminConnection } from '../../src/admin/connection.ts';
import { createSecureServer, Handshakes } from '../../src/admin/secure-server.ts';
import { listen } from '../helpers/listen.ts';
import { cert, key } from '../helpers/test-certificate.ts';
import { RecordClient } from '../helpers/tls-records.ts';

test('who changes its TLS keys without end is hung up on', async () => {
  const { promise: failed, resolve } = Promise.withResolvers<Error>();
  const accept = (socket: Socket) => {
    socket.once('error', resolve);
    new AdminConnection(socket, { takesBodies: true }).resume();
  };
  const server = createSecureServer({ cert, key, ALPNProtocols: ['http/1.1'] }, new Handshakes(), accept);
  const client = await RecordClient.connect(await listen(server));
  onTestFinished(() => {
    client.tcp.destroy();
    server.close();
  });
  client.tcp.write(Buffer.concat(Array.from({ length: 1000 }, () => client.keyUpdate(false))));
  expect((await failed).message).toBe('the peer changes its TLS keys without end');
});

test('a client that ends before TLS is agreed on is let go at once', async () => {
  const server = createSecureServer({ cert, key, handshakeTimeout: 3_600_000 }, new Handshakes(), () => {});
  const client = connect({ port: await listen(server), host: '127.0.0.1', allowHalfOpen: true });
  onTestFinished(() => {
    client.destroy();
    server.close();
  });
  client.resume().end(Buffer.from([22, 3, 1]));
  await once(client, 'end');
});
