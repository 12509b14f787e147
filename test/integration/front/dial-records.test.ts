/** An upstream that answers a careful handshake in TLS records of one byte keeps nobody waiting. */
import { once } from 'node:events';
import { connect, createServer } from 'node:tls';
import { expect, onTestFinished, test } from 'vitest';
import { Holding } from '../../../src/admission/memory.ts';
import { type DialRequest, dial } from '../../../src/front/careful/dial.ts';
import { listen } from '../../helpers/listen.ts';
import { budgetOf } from '../../helpers/memory.ts';
import { sampleKey } from '../../helpers/raw-client.ts';
import { cert, key } from '../../helpers/test-certificate.ts';

/** What the kernel gives in one read holds so many records of one byte at most. */
const inOneRead = Math.ceil((64 * 1024) / 23);

test('a round reads no more of them than stand in one read of the kernel', async () => {
  const answer = Buffer.from(`HTTP/1.1 403 No\r\nContent-Length: 0\r\nX-Long: ${'x'.repeat(20_000)}\r\n\r\n`);
  const server = createServer({ cert, key }, (client) => {
    client
      .on('error', () => {})
      .once('data', () => {
        // What waits would be written as one record.
        Object.assign(client, { _writev: null });
        for (let i = 0; i < answer.length; i++) client.write(answer.subarray(i, i + 1));
      });
  });
  onTestFinished(() => void server.close());
  const port = await listen(server);
  const socket = connect({ port, host: '127.0.0.1', ca: cert, servername: 'localhost' });
  await once(socket, 'secureConnect');
  let reads = 0;
  let most = 0;
  const { emit } = socket;
  socket.emit = ((event: string, ...values: unknown[]) => {
    if (event === 'data') reads++;
    return Reflect.apply(emit, socket, [event, ...values]);
  }) as typeof emit;
  let on = true;
  const look = () => {
    most = Math.max(most, reads);
    reads = 0;
    if (on) setImmediate(look);
  };
  look();
  const request = {
    endpoint: { connect: async () => ({ socket, elapsedMs: 0 }) },
    path: '/',
    headers: ['Host', 'a.test'],
    ask: { key: sampleKey, subprotocols: [] },
    connectMs: 0,
    handshakeMs: 0,
    signal: new AbortController().signal,
    unsaid: new Holding(budgetOf()),
    onConnect: () => {},
  };
  const dialled = await dial(request as unknown as DialRequest);
  on = false;
  expect(dialled.kind).toBe('refused');
  if (dialled.kind === 'refused') dialled.destroy();
  expect(most).toBeLessThanOrEqual(inOneRead);
});
