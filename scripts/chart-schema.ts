/**
 * The schema of the chart's values. What stands below `config` is Sluice's own schema; the rest is said here. Where a value goes into
 * a manifest as it is, Kubernetes owns its shape, and only its kind is checked.
 */
import { schemaText } from '../src/config/reference.ts';

type Schema = Readonly<Record<string, unknown>>;

const text: Schema = { type: 'string' };
const flag: Schema = { type: 'boolean' };
/** A mapping whose shape Kubernetes owns. */
const mapping: Schema = { type: 'object' };
const mappings: Schema = { type: 'array', items: mapping };
const texts: Schema = { type: 'object', additionalProperties: text };
const quantity: Schema = {
  description: 'An amount as Kubernetes writes it: 512Mi, 1Gi, 250m, or a number.',
  anyOf: [
    { type: 'string', pattern: '^([0-9]+([.][0-9]+)?([eE][+]?[0-9]+|[numkMGTPE]|[KMGTPE]i)?)?$' },
    { type: 'number', minimum: 0 },
  ],
};
const interval = matching('^[0-9]+(ms|s|m|h)$');

function matching(pattern: string): Schema {
  return { type: 'string', pattern };
}

function whole(minimum: number, maximum?: number): Schema {
  return maximum === undefined ? { type: 'integer', minimum } : { type: 'integer', minimum, maximum };
}

function oneOf(...values: string[]): Schema {
  return { type: 'string', enum: values };
}

/** Keys that the chart reads, and no others. */
function keys(properties: Readonly<Record<string, Schema>>, more: Schema = {}): Schema {
  return { type: 'object', properties, ...more, additionalProperties: false };
}

const resources = keys({
  requests: { type: 'object', additionalProperties: quantity },
  limits: { type: 'object', additionalProperties: quantity },
  claims: mappings,
});

const ingressHost = keys({
  host: text,
  paths: {
    type: 'array',
    minItems: 1,
    items: keys(
      { path: matching('^/'), pathType: oneOf('Prefix', 'Exact', 'ImplementationSpecific') },
      { required: ['path'] },
    ),
  },
});

const monitor = keys({
  enabled: flag,
  labels: texts,
  interval,
  scrapeTimeout: interval,
  relabelings: mappings,
  metricRelabelings: mappings,
});

function values(config: Schema): Readonly<Record<string, Schema>> {
  return {
    global: { ...mapping, description: 'What Helm hands to every chart of a release. This one reads none of it.' },
    mode: oneOf('gateway', 'sidecar'),
    enabled: flag,
    nameOverride: text,
    fullnameOverride: text,
    commonLabels: texts,
    image: keys({
      repository: { type: 'string', minLength: 1 },
      tag: text,
      digest: matching('^(sha256:[0-9a-f]{64})?$'),
      pullPolicy: oneOf('Always', 'IfNotPresent', 'Never'),
    }),
    imagePullSecrets: mappings,
    replicas: whole(0),
    config,
    memory: keys({ bufferedPercent: whole(1, 90), heapPercent: whole(1, 90), maxOldSpaceSize: whole(0) }),
    resources,
    admin: keys({ existingSecret: text, existingSecretKey: text }),
    tls: keys({ existingSecret: text }),
    service: keys({
      type: oneOf('ClusterIP', 'NodePort', 'LoadBalancer'),
      port: whole(1, 65535),
      appProtocol: text,
      sessionAffinity: oneOf('None', 'ClientIP'),
      annotations: texts,
      extraSpec: mapping,
    }),
    ingress: keys({
      enabled: flag,
      className: text,
      annotations: texts,
      hosts: { type: 'array', items: ingressHost },
      tls: mappings,
    }),
    httpRoute: keys({
      enabled: flag,
      annotations: texts,
      parentRefs: mappings,
      hostnames: { type: 'array', items: text },
      rules: mappings,
    }),
    autoscaling: keys({
      minReplicas: whole(1),
      maxReplicas: whole(1),
      targets: keys({ connections: whole(1), bufferedBytes: quantity }),
      hpa: keys({ enabled: flag, metrics: keys({ connections: text, bufferedBytes: text }) }),
      keda: keys({
        enabled: flag,
        serverAddress: matching('^(https?://.*)?$'),
        pollingInterval: whole(1),
        authenticationRef: mapping,
      }),
    }),
    podDisruptionBudget: keys({
      enabled: flag,
      maxUnavailable: { anyOf: [whole(1), matching('^[0-9]+%$')] },
    }),
    networkPolicy: keys({ enabled: flag, clients: mappings, scrapers: mappings, egress: mappings }),
    topologySpreadConstraints: mappings,
    nodeSelector: texts,
    tolerations: mappings,
    affinity: mapping,
    priorityClassName: text,
    serviceAccountName: text,
    podAnnotations: texts,
    podLabels: texts,
    tcpWmem: matching('^([0-9]+ [0-9]+ [0-9]+)?$'),
    terminationGracePeriodSeconds: whole(0),
    podSecurityContext: mapping,
    securityContext: mapping,
    probes: keys({ startup: mapping, liveness: mapping, readiness: mapping }),
    metrics: keys({
      serviceMonitor: monitor,
      podMonitor: monitor,
      rules: keys({ enabled: flag, labels: texts }),
      dashboards: keys({ enabled: flag, label: text, labelValue: text, folderAnnotation: text, folder: text }),
    }),
    extraEnv: mappings,
    extraVolumes: mappings,
    extraVolumeMounts: mappings,
    extraContainers: mappings,
    extraObjects: { type: 'array', items: { anyOf: [mapping, text] } },
    test: keys({ enabled: flag }),
  };
}

/** The text of helm/sluice/values.schema.json. */
export function valuesSchemaText(): string {
  const { $schema, $defs, title: _, ...config } = JSON.parse(schemaText()) as Record<string, Schema>;
  const schema = { $schema, title: 'Values of the Sluice chart', ...keys(values(config)), $defs };
  return `${JSON.stringify(schema, null, 2)}\n`;
}
