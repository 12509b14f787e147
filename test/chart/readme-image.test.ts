/** The image that the README says to build and to load is the one that the pods of its next line ask for. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { root } from '../real/harness/paths.ts';
import { render } from './helm.ts';

test('built, loaded and asked for by one name, and not pulled where it is there', async () => {
  const readme = readFileSync(join(root, 'README.md'), 'utf8');
  const section = /^## In Kubernetes\n([\s\S]*?)^## /m.exec(readme)![1]!;
  const line = /^docker build -t (\S+) (\S+) && kind load docker-image (\S+) /m.exec(section)!;
  const [, built, context, loaded] = line;
  expect(loaded).toBe(built);
  expect(existsSync(join(root, context!, 'Dockerfile'))).toBe(true);

  const values = parse(/^```yaml\n([\s\S]*?)^```/m.exec(section)![1]!);
  const pods = (await render({ release: 'sluice', values })).flatMap(({ kind, spec }) =>
    kind === 'Pod' ? [spec] : spec?.template?.spec ? [spec.template.spec] : [],
  );
  const containers = pods.flatMap((pod) => pod.containers);
  expect(containers.length).toBe(3);
  for (const { image, imagePullPolicy } of containers)
    expect({ image, imagePullPolicy }).toEqual({ image: built, imagePullPolicy: 'IfNotPresent' });
});
