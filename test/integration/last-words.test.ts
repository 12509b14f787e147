/** What a peer has said before it left comes, although a rate makes it wait: whoever it was, and by whatever way. */
import { createServer, connect as netConnect, type Socket } from 'node:net';
import { createServer as createTlsServer, setDefaultCACertificates, connect as tlsConnect } from 'node:tls';
import { beforeAll, expect, onTestFinished, test } from 'vitest';
import { certificateFiles } from '../helpers/certificate-files.ts';
import { switching } from '../helpers/fake-upstream.ts';
import { closeFrame, frame } from '../helpers/frames.ts';
import { routeTo, startGateway } from '../helpers/gateway.ts';
import { listen } from '../helpers/listen.ts';
import { Peer } from '../helpers/peer.ts';
import { handshakeRequest } from '../helpers/raw-client.ts';
import { cert, key } from '../helpers/test-certificate.ts';

const said = ['one', 'two', 'three', 'four', 'last'];
const rate = { messageRate: { perSecond: 50, burst: 1, action: 'pause' } } as const;

const cases = ['client', 'upstream'].flatMap((sender) =>
  ['TCP', 'TLS'].flatMap((carrier) =>
    ['fast', 'careful'].flatMap((lane) =>
      ['its handshake', 'its last message'].flatMap((first) =>
        ['a close frame and FIN', 'FIN alone'].map((goodbye) => ({ sender, carrier, lane, first, goodbye })),
      ),
    ),
  ),
);

beforeAll(() => setDefaultCACertificates([cert]));

test.each(cases)('$sender, $carrier, $lane lane, all of it behind $first: $goodbye', async (given) => {
  const mask = given.sender === 'client';
  const closes = given.goodbye !== 'FIN alone';
  const words = Buffer.concat([
    ...said.map((text) => frame(text, { mask })),
    ...(closes ? [closeFrame(1000, 'bye', { mask })] : []),
  ]);
  const atOnce = given.first === 'its handshake';
  const heard = Promise.withResolvers<Peer>();
  const answer = (socket: Socket) => {
    socket.on('error', () => {});
    socket.once('data', async (request) => {
      const head = Buffer.from(switching(String(request)));
      if (given.sender === 'client') {
        const peer = new Peer(socket);
        heard.resolve(peer);
        // What came behind the handshake in the same read.
        const end = request.indexOf('\r\n\r\n') + 4;
        if (end < request.length) socket.unshift(request.subarray(end));
        socket.write(head);
        return;
      }
      if (atOnce) socket.end(Buffer.concat([head, words]));
      else {
        socket.write(head);
        await goOn.promise;
        socket.end(words);
      }
    });
  };
  const goOn = Promise.withResolvers<void>();
  const isTls = given.carrier === 'TLS';
  const server = isTls ? createTlsServer({ cert, key }, answer) : createServer(answer);
  onTestFinished(() => void server.close());
  const port = await listen(server);
  const protocol = isTls ? 'https:' : 'http:';
  const upstream = { protocol, host: 'localhost', port, href: `${protocol}//localhost:${port}` } as const;
  const route = routeTo(port, { upstream, client: rate, upstreamLimits: rate });
  await using gateway = await startGateway({
    routes: [route],
    ...(isTls ? { tls: certificateFiles() } : {}),
  });
  const socket = isTls
    ? tlsConnect({ port: gateway.port, host: '127.0.0.1', servername: 'localhost', ca: cert })
    : netConnect({ port: gateway.port, host: '127.0.0.1' });
  const client = new Peer(socket);
  const request = Buffer.from((given.lane === 'careful' ? '\r\n' : '') + handshakeRequest());
  if (given.sender === 'client') {
    // A client that ends before it has its answer has left.
    client.send(atOnce ? Buffer.concat([request, words]) : request);
    await client.head();
    socket.end(atOnce ? '' : words);
  } else {
    client.send(request);
    await client.head();
    goOn.resolve();
  }
  const hearer = given.sender === 'client' ? await heard.promise : client;
  for (const text of said) expect((await hearer.frame()).payload.toString()).toBe(text);
  if (closes) expect(await hearer.closeFrame()).toMatchObject({ code: 1000, reason: 'bye' });
  else await hearer.closeFrame();
  hearer.send(closeFrame(1000, '', { mask: given.sender === 'upstream' }));
  hearer.end();
  const reason = `${given.sender}_${closes ? 'closed' : 'vanished'}`;
  expect(await gateway.logged('end')).toMatchObject({ reason, undelivered_bytes: 0 });
});
