/** JupyterHub's internal TLS: the hub, the replicas and users' servers each show the others a certificate. */
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { request } from 'node:https';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { scratchDirectory, venvProgram } from '../harness/paths.ts';
import type { Hub } from './hub.ts';
import { type Replica, Replicas } from './replicas.ts';

const startsMs = 240_000;
const settled = { timeout: 120_000, interval: 100 };

describe('JupyterHub with internal TLS before replicas of Sluice', { timeout: startsMs }, () => {
  let replicas: Replicas;
  let hub: Hub;
  let first: Replica;
  let second: Replica;
  beforeAll(async () => {
    const internalCerts = await makeCertificates();
    replicas = await Replicas.make({ internalCerts, singleuser: venvProgram('modern', 'jupyterhub-singleuser') });
    first = await replicas.add('127.0.0.2');
    second = await replicas.add('127.0.0.3');
    replicas.name('127.0.0.2', '127.0.0.3');
    hub = await replicas.startHub(first.url, 2);
  }, startsMs);
  afterAll(async () => {
    await hub?.stop();
    await replicas?.stop();
  });

  const ready = (replica: Replica) => expect.poll(async () => (await replica.readiness()).words, settled).toBe('ready');

  it('sets routes, repairs them, and serves by them, with a certificate at each step', async () => {
    await ready(first);
    await ready(second);
    const path = await hub.startServer('ann');
    for (const replica of [first, second]) {
      const { status, body } = await replica.get(`${path}/api`);
      expect([status, JSON.parse(body)]).toEqual([200, { version: expect.any(String) }]);
    }
    await second.kill();
    await second.start();
    await ready(second);
    expect((await second.get(`${path}/api`)).status).toBe(200);
  });

  it('lets nobody without a certificate come to the routes', async () => {
    const asked = request(`https://127.0.0.2:${replicas.apiPort}/api/routes`, { rejectUnauthorized: false });
    asked.on('response', () => asked.emit('error', new Error('was answered')));
    asked.end();
    const [error] = (await once(asked, 'error').catch((reason: Error) => [reason])) as [NodeJS.ErrnoException];
    expect(error.code).toMatch(/^ERR_SSL|^ECONNRESET$/);
  });
});

/** As `jupyterhub --generate-certs` makes them before anything runs. */
async function makeCertificates(): Promise<string> {
  const home = scratchDirectory('certificates');
  const folder = join(home, 'internal-ssl');
  const nowhere = 'http://127.0.0.1:1';
  await promisify(execFile)(
    venvProgram('modern', 'jupyterhub'),
    ['--generate-certs', '--config', join(import.meta.dirname, 'jupyterhub_config.py')],
    {
      cwd: home,
      env: {
        ...process.env,
        HUB_HOME: home,
        HUB_PUBLIC_URL: nowhere,
        HUB_URL: nowhere,
        HUB_PROXY_API_URL: nowhere,
        HUB_SINGLEUSER: 'none',
        HUB_TOKEN: 'none',
        HUB_INTERNAL_CERTS: folder,
      },
    },
  );
  return folder;
}
