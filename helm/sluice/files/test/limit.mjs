/**
 * `helm test`: opens a WebSocket through the Service, sees a message come back, sends one that is too large and sees Sluice
 * refuse it. The upstream of the route is this very process, so nothing of the cluster's own backends is touched.
 * Runs in Sluice's image, whose `ws` it takes.
 */
import { once } from 'node:events';
import { createRequire } from 'node:module';
import { setTimeout as pause } from 'node:timers/promises';

const { WebSocket, WebSocketServer } = createRequire(process.env.APP ?? '/app/')('ws');
const { URL: url, HOST: host, PORT: port = '8080' } = process.env;
/** The limit of the test's route. */
const limit = 1024;
/** Until a new Service has an address for all, and a changed ConfigMap has come to the pods. */
const patienceMs = Number(process.env.PATIENCE_MS ?? 120_000);

const backend = new WebSocketServer({ host: process.env.ADDRESS, port: Number(port) });
backend.on('connection', (socket) => {
  socket.on('error', () => {});
  socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary }));
});
await once(backend, 'listening');

async function connect() {
  const deadline = Date.now() + patienceMs;
  for (;;) {
    // The certificate is made for the public name, and this is not it.
    const socket = new WebSocket(url, { headers: { Host: host }, rejectUnauthorized: false, handshakeTimeout: 10_000 });
    try {
      await once(socket, 'open');
      return socket;
    } catch (error) {
      if (Date.now() > deadline) throw new Error(`no WebSocket through ${url} for host ${host}: ${error.message}`);
      console.log(`not yet: ${error.message}`);
      await pause(1000);
    }
  }
}

function expect(what, found, wanted) {
  if (found !== wanted) throw new Error(`${what}: found ${found}, wanted ${wanted}`);
  console.log(`${what}: ${found}`);
}

const socket = await connect();
console.log(`open: ${url} for host ${host}`);
socket.on('error', () => {});
const signal = AbortSignal.timeout(30_000);

socket.send('x'.repeat(limit));
const [echo] = await once(socket, 'message', { signal });
expect('bytes of the message at the limit that came back', echo.length, limit);

const refused = once(socket, 'close', { signal });
const passed = once(socket, 'message', { signal }).then(([data]) => {
  throw new Error(`a message of ${data.length} bytes came back; the limit is ${limit}`);
});
socket.send('x'.repeat(limit + 1));
const [code, reason] = await Promise.race([refused, passed]);
expect('close code of the message over the limit', code, 1009);
console.log(`reason: ${reason}`);
process.exit(0);
