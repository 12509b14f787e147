/**
 * `helm test`: asks the release's Service whether Sluice answers there, then starts the very image with the very
 * configuration here, with one route more, and hits that route's limit. So nothing of the test is to be found in the
 * release itself, and nothing of the cluster's own backends is touched.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { request as plain } from 'node:http';
import { request as secure } from 'node:https';
import { createRequire } from 'node:module';
import { setTimeout as pause } from 'node:timers/promises';

const app = process.env.APP ?? '/app/';
const { WebSocket, WebSocketServer } = createRequire(app)('ws');
const { SERVICE: service, OWN: own, CONFIG: config } = process.env;
/** The test's route: its host, where it leads, and its limit. */
const host = 'sluice-test.invalid';
const port = Number(process.env.PORT ?? 8099);
const limit = 1024;
/** Until a new Service has an address for all. */
const patienceMs = Number(process.env.PATIENCE_MS ?? 120_000);

/** Why Sluice has ended here, when it has. */
let ended = null;

/** Calls until it is well; the last refusal is thrown. */
async function insist(what) {
  const deadline = Date.now() + patienceMs;
  for (;;) {
    try {
      return await what();
    } catch (error) {
      if (ended) throw ended;
      if (Date.now() > deadline) throw error;
      console.log(`not yet: ${error.message}`);
      await pause(1000);
    }
  }
}

function expect(what, found, wanted) {
  if (found !== wanted) throw new Error(`${what}: found ${found}, wanted ${wanted}`);
  console.log(`${what}: ${found}`);
}

/** A handshake of a version that nobody speaks: Sluice refuses it itself, and no backend hears of it. */
async function answerOf(url) {
  const headers = {
    Host: host,
    Connection: 'Upgrade',
    Upgrade: 'websocket',
    'Sec-WebSocket-Version': '12',
    'Sec-WebSocket-Key': 'AAAAAAAAAAAAAAAAAAAAAA==',
  };
  // The certificate is made for the public name, and this is not it.
  const asked = (url.startsWith('https:') ? secure : plain)(url, {
    headers,
    rejectUnauthorized: false,
    timeout: 10_000,
  });
  asked.on('timeout', () => asked.destroy(new Error(`${url} does not answer`)));
  asked.end();
  const [response] = await once(asked, 'response');
  response.resume();
  return response.statusCode;
}

await insist(async () => {
  const status = await answerOf(service).catch((error) => {
    throw new Error(`nothing answers at ${service}: ${error.message}`);
  });
  // 404 where every route has a host.
  if (status !== 426 && status !== 404) throw new Error(`${service} answers with ${status}: this is not Sluice`);
  console.log(`the Service answers: ${service}`);
});

const backend = new WebSocketServer({ host: '127.0.0.1', port });
backend.on('connection', (socket) => {
  socket.on('error', () => {});
  socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary }));
});
await once(backend, 'listening');

const files = config.split(' ').flatMap((file) => ['--config', file]);
const sluice = spawn(process.execPath, [`${app}src/main.ts`, 'serve', ...files], {
  stdio: ['ignore', 'ignore', 'inherit'],
});
process.on('exit', () => sluice.kill('SIGKILL'));
sluice.once('exit', (code) => {
  ended = new Error(`Sluice ends with ${code} and this configuration`);
});

const socket = await insist(async () => {
  const attempt = new WebSocket(own, { headers: { Host: host }, rejectUnauthorized: false, handshakeTimeout: 10_000 });
  try {
    await once(attempt, 'open');
  } catch (error) {
    throw new Error(`no WebSocket through ${own} for host ${host}: ${error.message}`);
  }
  return attempt;
});
console.log(`open: ${own} for host ${host}`);
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
