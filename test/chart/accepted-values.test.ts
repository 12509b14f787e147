/**
 * What Helm accepts works: of 300 values files, odd ones among them, each that `helm template` takes gives files that
 * Sluice takes, manifests that Kubernetes takes, and ports that answer on the pod's address.
 */
import { once } from 'node:events';
import { type AddressInfo, connect, createServer } from 'node:net';
import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import { stringify } from 'yaml';
import { formatConfigError } from '../../src/config/language/errors.ts';
import { loadConfigs } from '../../src/config/model/load.ts';
import { chart, find, type Manifest, manifests, tool } from './helm.ts';
import { type Attempt, attempts } from './odd-values.ts';
import { Release } from './release.ts';
import { faults } from './schemas.ts';

const seed = Number(process.env.SLUICE_SEED ?? Date.now() % 2 ** 31);
/** Helm runs beside itself on the other core. */
const atOnce = 3;
const started = 8;

interface Accepted extends Attempt {
  readonly all: readonly Manifest[];
}

const accepted: Accepted[] = [];
const refusals: { readonly attempt: Attempt; readonly words: string }[] = [];

/** What to run again with. */
const told = ({ release, values }: Attempt) => `seed ${seed}, helm template ${release} with ${JSON.stringify(values)}`;

beforeAll(async () => {
  const waiting = fc.sample(attempts, { seed, numRuns: 300 });
  const work = async () => {
    for (let attempt = waiting.pop(); attempt; attempt = waiting.pop()) {
      const args = ['template', attempt.release, chart, '--namespace', 'apps', '--values', '-'];
      const { code, output } = await tool('helm', args, stringify(attempt.values));
      if (code === 0) accepted.push({ ...attempt, all: manifests(output) });
      else refusals.push({ attempt, words: output });
    }
  };
  await Promise.all(Array.from({ length: atOnce }, work));
}, 180_000);

test('a good part is accepted, and a good part refused', () => {
  expect(accepted.length, `seed ${seed}`).toBeGreaterThan(40);
  expect(refusals.length, `seed ${seed}`).toBeGreaterThan(40);
});

test('what is refused is refused by name, never by a template that stumbles', () => {
  for (const { attempt, words } of refusals) {
    expect(words, told(attempt)).toMatch(/\n- (at '|[a-z][A-Za-z_.]*[: ])/);
    expect(words, told(attempt)).not.toMatch(/nil pointer|YAML parse error|wrong type|error calling|can't evaluate/);
  }
});

test('the files of each are valid', () => {
  for (const { all, ...attempt } of accepted) {
    const texts = [
      { file: 'listener.yaml', text: find(all, 'ConfigMap', '-listener').data['listener.yaml'] },
      { file: 'limits.yaml', text: find(all, 'ConfigMap', '-limits').data['limits.yaml'] },
    ];
    const loaded = loadConfigs(texts);
    expect('errors' in loaded ? loaded.errors.map(formatConfigError) : [], told(attempt)).toEqual([]);
    const job = all.find(({ kind }) => kind === 'Job');
    if (job === undefined) continue;
    expect(Object.values(find(all, 'ConfigMap', '-check').data)).toEqual(texts.map(({ text }) => text));
  }
});

test('the ports of each container are those that Sluice listens on, on every address of the pod', () => {
  for (const { all, ...attempt } of accepted.filter(isGateway)) {
    const loaded = loadConfigs([
      { file: 'a', text: find(all, 'ConfigMap', '-listener').data['listener.yaml'] },
      { file: 'b', text: find(all, 'ConfigMap', '-limits').data['limits.yaml'] },
    ]);
    if ('errors' in loaded) throw new Error(told(attempt));
    const { listen, admin } = loaded.config;
    const ports = find(all, 'Deployment').spec.template.spec.containers[0].ports;
    const wanted = [listen.address, admin.address].map((address) => {
      expect(address, told(attempt)).toMatchObject({ kind: 'tcp', host: expect.stringMatching(/^(0\.0\.0\.0|::)$/) });
      return 'port' in address ? address.port : null;
    });
    expect(
      ports.map(({ containerPort }: { containerPort: number }) => containerPort),
      told(attempt),
    ).toEqual(wanted);
  }
});

test('the manifests of each are valid in Kubernetes, and so are their names and labels', async () => {
  for (const { all, ...attempt } of accepted) {
    for (const { kind, metadata, spec } of all) {
      const name = kind === 'Service' ? /^[a-z]([-a-z0-9]{0,61}[a-z0-9])?$/ : /^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$/;
      expect(metadata.name, told(attempt)).toMatch(name);
      const template = spec?.template?.metadata?.labels ?? {};
      for (const [key, value] of Object.entries({ ...metadata.labels, ...template })) {
        expect([key, value], told(attempt)).toEqual([
          expect.stringMatching(/^([a-z0-9.-]+\/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/),
          expect.stringMatching(/^([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?$/),
        ]);
      }
      if (kind === 'Deployment') expect(template, told(attempt)).toMatchObject(spec.selector.matchLabels);
    }
  }
  expect(
    await faults(
      accepted.flatMap(({ all }) => all),
      '1.34',
    ),
    `seed ${seed}`,
  ).toEqual([]);
}, 120_000);

describe('ports answer on the address of the pod', () => {
  // Another address of the loopback network stands for the pod's: who listens on 127.0.0.1 alone does not answer there.
  const podAddress = '127.0.0.2';

  test(`of ${started} that run`, async () => {
    const waiting = accepted.filter(isGateway).filter(isAlone).slice(0, started);
    expect(waiting.length, `seed ${seed}`).toBe(started);
    const work = async () => {
      for (let attempt = waiting.pop(); attempt; attempt = waiting.pop()) {
        await using release = await Release.start(attempt.all, {}, 'as rendered');
        for (const port of Object.values(release.ports)) {
          const socket = connect(port, podAddress);
          await once(socket, 'connect').catch((error: Error) => {
            throw new Error(`${error.message}: ${told(attempt!)}`);
          });
          socket.destroy();
        }
        for (const probe of ['startup', 'liveness', 'readiness'] as const) expect(await release.probe(probe)).toBe(200);
      }
    };
    await Promise.all([work(), work()]);
  }, 120_000);

  test('who listens on loopback alone does not answer there', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const socket = connect((server.address() as AddressInfo).port, podAddress);
    await expect(once(socket, 'connect')).rejects.toThrow('ECONNREFUSED');
    server.close();
  });
});

function isGateway({ all }: Accepted): boolean {
  return all.some(({ kind }) => kind === 'Deployment');
}

/** Needs nothing of the cluster's that is not here, such as a Secret of somebody else. */
function isAlone({ values }: Accepted): boolean {
  return !/existing(Secret|ConfigMap)|extraVolume/.test(JSON.stringify(values));
}
