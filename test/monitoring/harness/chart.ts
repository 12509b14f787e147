/** The chart's objects, as Helm renders them. */
import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { parseAllDocuments, stringify } from 'yaml';
import { root, scratchDirectory } from './paths.ts';

/** An object of Kubernetes, read as plain data. */
// biome-ignore lint/suspicious/noExplicitAny: each kind has its own shape, and the API server's tests check them
export type Manifest = Record<string, any>;

/** The namespace of the rendered release. */
export const namespace = 'apps';

/** Renders the chart as a release named `sluice`. */
export async function renderChart(values: object): Promise<Manifest[]> {
  const file = join(scratchDirectory('chart'), 'values.yaml');
  writeFileSync(file, stringify(values));
  const helm = join(root, '.cache/chart/bin/helm');
  const args = ['template', 'sluice', join(root, 'helm/sluice'), '--namespace', namespace, '--values', file];
  const { stdout } = await promisify(execFile)(helm, args, { maxBuffer: 2 ** 24 });
  return parseAllDocuments(stdout)
    .map((document) => document.toJS())
    .filter((object) => object !== null);
}

/** The only object of a kind whose name ends so. */
export function objectOf(objects: readonly Manifest[], kind: string, suffix = ''): Manifest {
  const found = objects.filter((object) => object.kind === kind && object.metadata.name.endsWith(suffix));
  if (found.length !== 1) throw new Error(`${found.length} objects of kind ${kind}, name *${suffix}; expected one`);
  return found[0]!;
}

/**
 * What the Prometheus operator makes of the ServiceMonitor, for one pod on loopback: it finds Services by the monitor's
 * selector, pods by the Service's, the port by its names, and labels the target with where it found it.
 */
export function scrapeConfigOf(objects: readonly Manifest[]): Manifest {
  const monitor = objectOf(objects, 'ServiceMonitor');
  const services = objects.filter(
    ({ kind, metadata }) => kind === 'Service' && includes(metadata.labels, monitor.spec.selector.matchLabels),
  );
  if (services.length !== 1) throw new Error(`the ServiceMonitor selects ${services.length} Services; expected one`);
  const service = services[0]!;
  const { name } = service.metadata;
  const [endpoint] = monitor.spec.endpoints;
  const port = named(service.spec.ports, endpoint.port);
  const target = targetOf(objects, service.spec.selector, port.targetPort);
  return scrapeConfig(`serviceMonitor/${namespace}/${monitor.metadata.name}/0`, endpoint, target, {
    job: name,
    service: name,
  });
}

/** Likewise of the PodMonitor, which finds pods by their own labels. */
export function podScrapeConfigOf(objects: readonly Manifest[]): Manifest {
  const { metadata, spec } = objectOf(objects, 'PodMonitor');
  const [endpoint] = spec.podMetricsEndpoints;
  const target = targetOf(objects, spec.selector.matchLabels, endpoint.port);
  const job = `${namespace}/${metadata.name}`;
  return scrapeConfig(`podMonitor/${job}/0`, endpoint, target, { job });
}

interface Target {
  readonly address: string;
  readonly container: string;
}

/** The port of that name in the pods that the labels select. */
function targetOf(objects: readonly Manifest[], selector: Manifest, portName: string): Target {
  const { template } = objectOf(objects, 'Deployment').spec;
  if (!includes(template.metadata.labels, selector)) throw new Error('no pod is selected');
  const container = template.spec.containers.find(({ ports = [] }: Manifest) =>
    ports.some(({ name }: Manifest) => name === portName),
  );
  if (!container) throw new Error(`no container has a port named ${portName}`);
  return { address: `127.0.0.1:${named(container.ports, portName).containerPort}`, container: container.name };
}

function scrapeConfig(name: string, endpoint: Manifest, target: Target, labels: Manifest): Manifest {
  return {
    job_name: name,
    metrics_path: endpoint.path,
    scrape_interval: endpoint.interval,
    scrape_timeout: endpoint.scrapeTimeout,
    static_configs: [
      {
        targets: [target.address],
        labels: { ...labels, namespace, pod: 'sluice-0', container: target.container, endpoint: endpoint.port },
      },
    ],
  };
}

function named(ports: readonly Manifest[], name: string): Manifest {
  const port = ports.find((one) => one.name === name);
  if (!port) throw new Error(`no port is named ${name}`);
  return port;
}

function includes(labels: Manifest, wanted: Manifest): boolean {
  return Object.entries(wanted).every(([key, value]) => labels[key] === value);
}
