/**
 * Where one object of a release names another: by labels, by a port's name, by its own name. No server refuses a
 * reference that leads nowhere; it only does nothing, quietly.
 */
import type { Manifest } from './manifests.ts';

type Labels = Readonly<Record<string, string>>;
type Find = (manifests: readonly Manifest[], manifest: Manifest) => readonly string[];

/** What leads nowhere, each as a sentence; objects that the release expects to exist already are not looked for. */
export function danglingReferences(manifests: readonly Manifest[]): string[] {
  return manifests.flatMap((manifest) =>
    (finders[manifest.kind]?.(manifests, manifest) ?? []).map(
      (lacks) => `${manifest.kind}/${manifest.metadata.name}: ${lacks}`,
    ),
  );
}

const carries = (labels: Labels | undefined, wanted: Labels) =>
  Object.entries(wanted).every(([name, value]) => labels?.[name] === value);

const ofKind = (manifests: readonly Manifest[], ...kinds: readonly string[]) =>
  manifests.filter(({ kind }) => kinds.includes(kind));

/** The pods that a release makes: templates of its deployments, and its hooks. */
const podsWith = (manifests: readonly Manifest[], wanted: Labels) =>
  [...ofKind(manifests, 'Deployment').map(({ spec }) => spec.template), ...ofKind(manifests, 'Pod')].filter((pod) =>
    carries(pod.metadata.labels, wanted),
  );

const portNames = (pods: readonly Manifest[]): string[] =>
  pods.flatMap(({ spec }) =>
    spec.containers.flatMap(({ ports = [] }: { ports?: { name: string }[] }) => ports.map(({ name }) => name)),
  );

const lackOf = (what: string, found: boolean) => (found ? [] : [what]);

/** A selector and the ports that it wants of the pods found. */
function pods(manifests: readonly Manifest[], wanted: Labels, ports: readonly string[] = []): string[] {
  const found = podsWith(manifests, wanted);
  if (found.length === 0) return [`no pod carries ${JSON.stringify(wanted)}`];
  return ports.flatMap((port) => lackOf(`no container has a port ${port}`, portNames(found).includes(port)));
}

const workload: Find = (manifests, { spec }) =>
  lackOf(
    `there is no ${spec.scaleTargetRef.name}`,
    ofKind(manifests, 'Deployment').some(({ metadata }) => metadata.name === spec.scaleTargetRef.name),
  );

function service(manifests: readonly Manifest[], name: string, port: number | string): string[] {
  const found = ofKind(manifests, 'Service').find(({ metadata }) => metadata.name === name);
  const has = found?.spec.ports.some((its: { name: string; port: number }) => its.port === port || its.name === port);
  return lackOf(`no Service ${name} has a port ${port}`, has === true);
}

const finders: Readonly<Record<string, Find>> = {
  Deployment: (manifests, { spec }) =>
    (spec.template.spec.topologySpreadConstraints ?? []).flatMap(
      ({ labelSelector }: { labelSelector: { matchLabels: Labels } }) => pods(manifests, labelSelector.matchLabels),
    ),
  Service: (manifests, { spec }) =>
    pods(
      manifests,
      spec.selector,
      spec.ports.map(({ targetPort }: { targetPort: string }) => targetPort),
    ),
  PodDisruptionBudget: (manifests, { spec }) => pods(manifests, spec.selector.matchLabels),
  NetworkPolicy: (manifests, { spec }) => pods(manifests, spec.podSelector.matchLabels),
  HorizontalPodAutoscaler: workload,
  ScaledObject: workload,
  PodMonitor: (manifests, { spec }) => {
    // The pods of a sidecar belong to another chart.
    if (ofKind(manifests, 'Deployment').length === 0) return [];
    const ports = spec.podMetricsEndpoints.map(({ port }: { port: string }) => port);
    return pods(manifests, spec.selector.matchLabels, ports);
  },
  ServiceMonitor: (manifests, { spec }) => {
    const found = ofKind(manifests, 'Service').filter(({ metadata }) =>
      carries(metadata.labels, spec.selector.matchLabels),
    );
    if (found.length !== 1) return [`${found.length} Services carry ${JSON.stringify(spec.selector.matchLabels)}`];
    return spec.endpoints.flatMap(({ port }: { port: string }) => service(manifests, found[0]!.metadata.name, port));
  },
  Ingress: (manifests, { spec }) =>
    spec.rules.flatMap(({ http }: Manifest) =>
      http.paths.flatMap(({ backend }: Manifest) =>
        service(manifests, backend.service.name, backend.service.port.name ?? backend.service.port.number),
      ),
    ),
  HTTPRoute: (manifests, { spec }) =>
    spec.rules.flatMap(({ backendRefs }: Manifest) =>
      backendRefs.flatMap(({ name, port }: { name: string; port: number }) => service(manifests, name, port)),
    ),
};
