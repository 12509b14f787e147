/** The clocks of waiting connections, on a unix socket, where a peer has no address and no port. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test, vi } from 'vitest';
import { fakeUpstream } from '../helpers/fake-upstream.ts';
import { routeTo, startGateway } from '../helpers/gateway.ts';
import { rawConnect } from '../helpers/raw-client.ts';
import { scratchFolder } from '../helpers/scratch-folder.ts';
import { cert, key } from '../helpers/test-certificate.ts';

function folder(): string {
  const path = scratchFolder();
  return path;
}

/** From here on time passes only when it is told to, and with it the clock that is looked at once a second. */
function holdTime(): void {
  vi.useFakeTimers({ toFake: ['performance', 'setInterval', 'clearInterval'] });
  onTestFinished(() => void vi.useRealTimers());
}

/** Lets time pass, and whoever is late go. */
async function pass(ms: number): Promise<void> {
  vi.advanceTimersByTime(ms);
  for (let i = 0; i < 3; i++) await new Promise(setImmediate);
}

test('an idle connection is closed after 75 s', async () => {
  const path = join(folder(), 'socket');
  await using upstream = await fakeUpstream({ answer: () => 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok' });
  holdTime();
  await using _gateway = await startGateway({ routes: [routeTo(upstream)], unix: path });
  const client = await rawConnect(path);
  client.sendText('GET / HTTP/1.1\r\nHost: gateway.test\r\n\r\n');
  await client.head();
  await client.bytes(2);
  await pass(74_000);
  expect(client.socket.destroyed).toBe(false);
  await pass(2000);
  expect(await client.ended).toBe('fin');
});

test.each([
  ['says nothing', ''],
  ['begins and goes no further', '\x16\x03\x01\x02\x00\x01'],
])('a client of TLS that %s is dropped after timeouts.headers', async (_name, hello) => {
  const place = folder();
  const tls = { cert: join(place, 'tls.crt'), key: join(place, 'tls.key') };
  writeFileSync(tls.cert, cert);
  writeFileSync(tls.key, key);
  await using upstream = await fakeUpstream();
  const timeouts = { connectMs: 5000, headersMs: 30_000, handshakeMs: 15_000, closeMs: 10_000 };
  holdTime();
  await using _gateway = await startGateway({
    routes: [routeTo(upstream, { timeouts })],
    unix: join(place, 'socket'),
    tls,
  });
  const client = await rawConnect(join(place, 'socket'));
  client.sendText(hello);
  await pass(29_000);
  expect(client.socket.destroyed).toBe(false);
  await pass(2000);
  await client.gone;
  expect(client.received.length).toBe(0);
});
