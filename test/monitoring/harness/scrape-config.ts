/** What the Prometheus operator makes of the chart's monitors, for one pod whose ports are elsewhere on loopback. */
import { find, type Manifest } from '../../chart/helm.ts';

/** By the name of a container's port: where it is here. */
export type Ports = Readonly<Record<string, number>>;

/** A scrape configuration, as Prometheus reads it. */
export interface ScrapeConfig {
  readonly job_name: string;
  readonly metrics_path: string;
  readonly scrape_interval: string;
  readonly scrape_timeout: string;
  readonly static_configs: readonly { readonly targets: readonly string[]; readonly labels: Labels }[];
}

type Labels = Readonly<Record<string, string>>;

/**
 * Of the ServiceMonitor: it selects Services, they select pods, names lead to the port, and labels say so. The cluster
 * is no label of a target's: whoever sends on to a ruler of several clusters puts it to all that he sends. Here it
 * stands with the target, once for each cluster; `null` is a Prometheus that knows of none.
 */
export function scrapeConfigOf(
  all: readonly Manifest[],
  ports: Ports,
  clusters: readonly (string | null)[] = ['east'],
): ScrapeConfig {
  const { metadata, spec } = find(all, 'ServiceMonitor');
  const services = all.filter(
    (one) => one.kind === 'Service' && includes(one.metadata.labels, spec.selector.matchLabels),
  );
  if (services.length !== 1) throw new Error(`the ServiceMonitor selects ${services.length} Services; expected one`);
  const service = services[0]!;
  const { name, namespace } = service.metadata;
  const [endpoint] = spec.endpoints;
  const { targetPort } = named(service.spec.ports, endpoint.port);
  return {
    job_name: `serviceMonitor/${namespace}/${metadata.name}/0`,
    ...timesOf(endpoint),
    static_configs: clusters.map((cluster) =>
      target(all, service.spec.selector, targetPort, ports, {
        ...(cluster === null ? {} : { cluster }),
        ...{ job: name, service: name, namespace },
      }),
    ),
  };
}

/** Of the PodMonitor, which selects pods by their own labels. */
export function podScrapeConfigOf(all: readonly Manifest[], ports: Ports): ScrapeConfig {
  const { metadata, spec } = find(all, 'PodMonitor');
  const { name, namespace } = metadata;
  const job = `${namespace}/${name}`;
  const [endpoint] = spec.podMetricsEndpoints;
  return {
    job_name: `podMonitor/${job}/0`,
    ...timesOf(endpoint),
    static_configs: [target(all, spec.selector.matchLabels, endpoint.port, ports, { job, namespace })],
  };
}

interface Endpoint {
  readonly path: string;
  readonly interval: string;
  readonly scrapeTimeout: string;
}

function timesOf({ path, interval, scrapeTimeout }: Endpoint) {
  return { metrics_path: path, scrape_interval: interval, scrape_timeout: scrapeTimeout };
}

/** The port of that name in the pods that the selector selects. */
function target(all: readonly Manifest[], selector: Labels, port: string, ports: Ports, labels: Labels) {
  const { metadata, spec } = find(all, 'Deployment');
  const { template } = spec;
  if (!includes(template.metadata.labels, selector)) throw new Error('no pod is selected');
  const [container] = template.spec.containers;
  named(container.ports, port);
  return {
    targets: [`127.0.0.1:${ports[port]}`],
    labels: { ...labels, pod: podOf(metadata.name), container: container.name, endpoint: port },
  };
}

/**
 * The name that Kubernetes gives a pod of this Deployment: a hash of the template and five letters, all within 63
 * characters.
 */
export function podOf(deployment: string): string {
  return `${`${deployment}-7c9d8f6b5d-`.slice(0, 58)}x2k9q`;
}

interface NamedPort {
  readonly name: string;
  readonly targetPort: string;
}

function named(ports: readonly NamedPort[], name: string): NamedPort {
  const port = ports.find((one) => one.name === name);
  if (!port) throw new Error(`no port is named ${name}`);
  return port;
}

function includes(labels: Labels, wanted: Labels): boolean {
  return Object.entries(wanted).every(([key, value]) => labels[key] === value);
}
