/** As many routes as the chart takes are as many as work: each object fits Kubernetes, and a pod starts from it. */
import { beforeAll, expect, test } from 'vitest';
import { find, type Manifest, refusal, render } from './helm.ts';
import { bytesOf, configMapBytes, mostPlainRoutes, plainRoutes } from './many-routes.ts';
import { Release } from './release.ts';

const refused = /config takes \d+ bytes as YAML, and a ConfigMap holds 1 MiB; write fewer routes: `\*` in match\.path/;
let most: number;
let all: readonly Manifest[];

beforeAll(async () => {
  most = await mostPlainRoutes();
  all = await render({ values: plainRoutes(most) });
}, 120_000);

test('8000 plain routes are taken, and 8000 that take more than a ConfigMap holds are not', async () => {
  expect(most).toBeGreaterThan(8000);
  await render({ values: plainRoutes(8000) });
  expect(await refusal(plainRoutes(8000, `.${'teams'.repeat(8)}.svc.cluster.local`))).toMatch(refused);
});

test('every ConfigMap of the largest number fits, and is nearly full', () => {
  const sizes = all.filter(({ kind }) => kind === 'ConfigMap').map((one) => [one.metadata.name, bytesOf(one)] as const);
  for (const [name, bytes] of sizes) expect(bytes, name).toBeLessThanOrEqual(configMapBytes);
  expect(Math.max(...sizes.map(([, bytes]) => bytes))).toBeGreaterThan(configMapBytes * 0.98);
});

test('one route more is refused, with what to do', async () => {
  expect(await refusal(plainRoutes(most + 1))).toMatch(refused);
});

test('a pod with the largest number starts and is ready', async () => {
  await using release = await Release.start(all);
  expect(await release.probe('readiness')).toBe(200);
  const token = atob(find(all, 'Secret').data.token);
  const { routes } = (await (await release.admin('/api/routes', token)).json()) as { routes: readonly object[] };
  expect(routes).toHaveLength(most);
}, 120_000);
