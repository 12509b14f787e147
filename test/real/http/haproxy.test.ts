/** HAProxy before Sluice, with the health checks that it makes unless told otherwise: HTTP/1.0 without a Host. */
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { scratchDirectory } from '../harness/paths.ts';
import { freePort } from '../harness/ports.ts';
import { answers, ServerProcess } from '../harness/server-process.ts';
import { Sluice } from '../harness/sluice.ts';

/**
 * What HAProxy says of its one server: `UP`, `L7OK` (with a star while the next check is under way), and how many
 * checks failed.
 */
async function healthOf(stats: number): Promise<readonly (string | undefined)[]> {
  const text = await (await fetch(`http://127.0.0.1:${stats}/stats;csv`)).text();
  const [names, ...rows] = text.split('\n').map((line) => line.replace('# ', '').split(','));
  const row = rows.find(([proxy, server]) => proxy === 'apps' && server === 'sluice')!;
  return ['status', 'check_status', 'chkfail'].map((name) => row[names!.indexOf(name)]?.replace('* ', ''));
}

test.each([
  ['option httpchk', 'OPTIONS / 1.0', undefined],
  ['option httpchk GET /health', 'GET /health 1.0', undefined],
  ['option httpchk OPTIONS *', 'OPTIONS * 1.0', undefined],
  [
    'option httpchk\n  http-check send meth GET uri /health ver HTTP/1.1 hdr Host apps.example.org',
    'GET /health 1.1',
    'apps.example.org',
  ],
])('%s finds Sluice up', async (option, seen, host) => {
  await using stack = new AsyncDisposableStack();
  const asked: string[] = [];
  const hosts: (string | undefined)[] = [];
  const backend = createServer((req, res) => {
    asked.push(`${req.method} ${req.url}`);
    hosts.push(req.headers['x-forwarded-host'] as string | undefined);
    res.end('hello');
  }).listen(0, '127.0.0.1');
  stack.defer(() => void backend.close());
  await once(backend, 'listening');
  const { port } = backend.address() as AddressInfo;
  const sluice = stack.use(
    await Sluice.start({ routes: [{ name: 'apps', match: { path: '/' }, upstream: `http://127.0.0.1:${port}` }] }),
  );
  const [front, stats] = [await freePort(), await freePort()];
  const file = join(scratchDirectory('haproxy'), 'haproxy.cfg');
  writeFileSync(
    file,
    `global
  maxconn 100
defaults
  mode http
  timeout connect 5s
  timeout client 30s
  timeout server 30s
frontend public
  bind 127.0.0.1:${front}
  default_backend apps
frontend stats
  bind 127.0.0.1:${stats}
  stats enable
  stats uri /stats
backend apps
  ${option}
  server sluice 127.0.0.1:${sluice.port} check inter 100ms fall 1 rise 1
`,
  );
  stack.use(
    await ServerProcess.start({
      name: 'haproxy',
      command: 'haproxy',
      args: ['-f', file, '-db'],
      ready: answers(`http://127.0.0.1:${stats}/stats`),
    }),
  );
  await expect.poll(() => healthOf(stats)).toEqual(['UP', 'L7OK', '0']);
  // It stays up: several more checks have been made.
  const checks = asked.length;
  while (asked.length < checks + 5) await delay(50);
  expect(await healthOf(stats)).toEqual(['UP', 'L7OK', '0']);
  expect([new Set(asked), new Set(hosts)]).toEqual([new Set([seen.slice(0, seen.lastIndexOf(' '))]), new Set([host])]);
  expect(await (await fetch(`http://127.0.0.1:${front}/`)).text()).toBe('hello');
  expect(sluice.log.filter(({ event }) => event === 'refused')).toEqual([]);
});
