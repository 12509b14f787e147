/** Readiness asks the public port: whoever has lost it is told apart from whoever is busy. */
import { once } from 'node:events';
import { unlink } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { OwnPort } from '../../src/front/own-port.ts';
import { certificateFiles } from '../helpers/certificate-files.ts';
import { fakeUpstream } from '../helpers/fake-upstream.ts';
import { routeTo, startGateway, type TestGateway } from '../helpers/gateway.ts';
import { losable, losePort } from '../helpers/lost-port.ts';
import { scratchFolder } from '../helpers/scratch-folder.ts';
import { Serve } from '../helpers/serve.ts';
import { deafPort } from '../helpers/sockets.ts';
import { until } from '../helpers/until.ts';

const readiness = async (adminPort: number, query = '') => {
  const response = await fetch(`http://127.0.0.1:${adminPort}/readyz${query}`);
  return `${response.status} ${await response.text()}`;
};

test('a process that has lost its public port is not ready, and says so by name; its admin port goes on', async () => {
  await using upstream = await fakeUpstream();
  const folder = scratchFolder();
  const { serve, port, adminPort } = await Serve.start(upstream, losable(folder));
  await using _ = serve;
  expect(await readiness(adminPort)).toBe('200 ready\n');
  losePort(folder, serve.process.pid!, port);
  await until(async () => (await refusalOf(port)) === 'ECONNREFUSED');
  expect(await readiness(adminPort)).toBe('503 refuses connections\n');
  expect(await readiness(adminPort, '?verbose')).toMatch(
    /^503 \[-\] the public port: refuses connections\n[\s\S]*\nrefuses connections\n$/,
  );
  expect((await fetch(`http://127.0.0.1:${adminPort}/healthz`)).status).toBe(200);
});

test('so is one whose socket file is gone', async () => {
  const unix = join(scratchFolder(), 'public');
  await using gateway = await startGateway({ routes: [routeTo(1)], unix });
  expect(await readiness(gateway.adminPort)).toBe('200 ready\n');
  await unlink(unix);
  expect(await readiness(gateway.adminPort)).toBe('503 refuses connections\n');
});

test('a port whose queue is full is not lost', async () => {
  await using deaf = await deafPort();
  expect(await new OwnPort({ kind: 'tcp', host: '127.0.0.1', port: deaf.port }).refuses()).toBe(false);
});

test.each<[string, () => Promise<TestGateway>]>([
  ['as it is', () => startGateway({ routes: [routeTo(1)] })],
  ['with TLS', () => startGateway({ routes: [routeTo(1)], tls: certificateFiles() })],
  ['behind a load balancer', () => startGateway({ routes: [routeTo(1)], proxyProtocol: ['127.0.0.0/8'] })],
])('a port that is asked says nothing of it, %s', async (_, start) => {
  const { gateway, adminPort, log, metrics } = await start();
  const before = log.length;
  for (let i = 0; i < 20; i++) expect(await readiness(adminPort)).toBe('200 ready\n');
  await gateway.stop();
  expect(log.slice(before).filter(({ event }) => !['draining', 'drained'].includes(String(event)))).toEqual([]);
  expect(await metrics()).not.toMatch(/^sluice_(handshakes|http_\w+|limit_violations)_total\{[^}]*\} [1-9]/m);
});

/** The error that a client gets who connects; `''` for one who is let in. */
async function refusalOf(port: number): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  const code = await once(socket, 'connect').then(
    () => '',
    (error: NodeJS.ErrnoException) => error.code!,
  );
  socket.destroy();
  return code;
}
