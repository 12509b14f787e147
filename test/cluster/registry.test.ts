/** The chart as a release publishes it: packaged, pushed to a registry, and installed from there. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { root, scratchDirectory } from '../real/harness/paths.ts';
import { freePort } from '../real/harness/ports.ts';
import { answers, ServerProcess } from '../real/harness/server-process.ts';
import { run, succeed } from './harness/kubectl.ts';
import { Namespace } from './harness/namespace.ts';
import type { Deployment } from './harness/objects.ts';
import { helmProgram } from './harness/paths.ts';

test('it is pushed by the script of the release, and installed from the registry', async () => {
  const port = await freePort();
  const registry = await ServerProcess.start({
    name: 'registry',
    command: join(root, '.cache/chart/bin/crane'),
    args: ['registry', 'serve', '--address', `127.0.0.1:${port}`],
    ready: answers(`http://127.0.0.1:${port}/v2/`),
  });
  onTestFinished(() => registry.stop());
  const folder = scratchDirectory('published');
  const digest = join(folder, 'digest');
  const script = (name: string, ...args: readonly string[]) => [join(root, 'scripts/release', name), ...args];
  const env = ['env', [`HELM=${helmProgram}`, 'HELM_OPTIONS=--plain-http', 'bash']] as const;
  const bash = async (...args: readonly string[]) =>
    succeed(args.join(' '), await run(env[0], [...env[1], ...args], {}));
  await bash(...script('chart.sh', folder, 'registry.example.org/sluice'));
  await bash(...script('push-chart.sh', folder, `127.0.0.1:${port}/charts`, digest));
  expect(readFileSync(digest, 'utf8')).toMatch(/^sha256:[0-9a-f]{64}\n$/);

  const namespace = await Namespace.create('published');
  const place = `oci://127.0.0.1:${port}/charts/sluice`;
  const version = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).version;
  const options = ['--plain-http', '--version', version, '--wait', '--timeout=60s'];
  await namespace.helm('install', 'gate', place, ...options);
  const { spec, status } = await namespace.get<Deployment>('deployment/gate-sluice');
  expect(status.readyReplicas).toBe(1);
  expect(JSON.stringify(spec.template)).toContain(`"image":"registry.example.org/sluice:${version}"`);
});
