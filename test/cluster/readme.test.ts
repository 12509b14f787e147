/**
 * The README's section on Kubernetes, followed word for word by somebody who has read nothing else. What a kubelet does
 * with the objects, running the container, is done here: its own command, with its own files. Its first line, which
 * builds the image and brings it to the nodes, wants a container engine and nodes that have one; here is neither.
 * test/image builds the same Dockerfile without an engine and runs it, and test/chart/readme-image.test.ts sees that
 * the name which that line gives is the one that the pods ask for.
 */
import { readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { WebSocket } from 'ws';
import type { Manifest } from '../chart/helm.ts';
import { Release } from '../chart/release.ts';
import { root, scratchDirectory } from '../real/harness/paths.ts';
import { run, succeed } from './harness/kubectl.ts';
import { Namespace } from './harness/namespace.ts';
import type { EndpointSlice, Service } from './harness/objects.ts';
import { chart, helmProgram } from './harness/paths.ts';

const readme = readFileSync(join(root, 'README.md'), 'utf8');
const section = /^## In Kubernetes\n([\s\S]*?)^## /m.exec(readme)![1]!;
const block = (language: string) => new RegExp(`^\`\`\`${language}\n([\\s\\S]*?)^\`\`\``, 'm').exec(section)![1]!;
const commands = block('sh')
  .split('\n')
  .filter((line) => line.startsWith('helm '));

test('ends in a Service that answers', async () => {
  const folder = scratchDirectory('readme');
  symlinkSync(dirname(chart), join(folder, 'helm'));
  writeFileSync(join(folder, 'my-values.yaml'), block('yaml'));
  const namespace = await Namespace.create('readme');
  const type = async (command: string) => {
    const words = `cd ${folder} && export PATH=${dirname(helmProgram)}:$PATH HELM_NAMESPACE=${namespace.name}; ${command}`;
    return succeed(command, await run('bash', ['-c', words], { kubeconfig: namespace.kubeconfig }));
  };
  expect(commands.map((command) => command.split(' ')[1])).toEqual(['install', 'test']);

  await type(commands[0]!);
  await namespace.kubectl('rollout', 'status', 'deployment', '--timeout=60s');
  expect(await type(commands[1]!)).toMatch(/Phase: +Succeeded/);
  const services = await namespace.list<Service>('services', 'app.kubernetes.io/instance=sluice');
  const { metadata, spec } = services.find(({ metadata }) => metadata.name === 'sluice')!;
  const slices = await namespace.list<EndpointSlice>('endpointslices', `kubernetes.io/service-name=${metadata.name}`);
  expect(slices.flatMap(({ endpoints }) => endpoints ?? []).filter(({ conditions }) => conditions.ready)).toHaveLength(
    1,
  );
  expect(spec.ports.map(({ port }) => port)).toEqual([8080]);

  const kinds = ['deployments', 'configmaps', 'secrets', 'services'].join(',');
  const all = (await namespace.list(kinds)) as unknown as Manifest[];
  await using release = await Release.start(all.filter(({ metadata }) => metadata.name !== 'kube-root-ca.crt'));
  expect(await release.probe('readiness')).toBe(200);
  // No backend is there: that Sluice says so, in its own words, is its answer.
  const answer = await fetch(`http://127.0.0.1:${release.ports.http}/`);
  expect(answer.status).toBe(502);
  const socket = new WebSocket(`ws://127.0.0.1:${release.ports.http}/`);
  await expect(new Promise((_, reject) => socket.once('error', reject))).rejects.toThrow('502');
});
