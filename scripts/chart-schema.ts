/**
 * The schema of the chart's values. What stands below `config` is Sluice's own schema; the rest is said here. Where a
 * value goes into a manifest as it is, Kubernetes owns its shape, and only its kind is checked.
 */
import type { Alert, Level } from '../monitoring/alert.ts';
import { alertGroups } from '../monitoring/alerts/index.ts';
import { schemaText } from '../src/config/model/reference.ts';

type Schema = Readonly<Record<string, unknown>>;

const text: Schema = { type: 'string' };
const flag: Schema = { type: 'boolean' };
/** A mapping whose shape Kubernetes owns. */
const mapping: Schema = { type: 'object' };
const mappings: Schema = { type: 'array', items: mapping };
const texts: Schema = { type: 'object', additionalProperties: text };
const amount = '[0-9]+([.][0-9]+)?([eE][+]?[0-9]+|[numkMGTPE]|[KMGTPE]i)?';
const quantity: Schema = {
  description: 'An amount as Kubernetes writes it: 512Mi, 1Gi, 250m, or a number.',
  anyOf: [
    { type: 'string', pattern: `^${amount}$` },
    { type: 'number', minimum: 0 },
  ],
};
const maybeQuantity: Schema = {
  anyOf: [
    { type: 'string', pattern: `^(${amount})?$` },
    { type: 'number', minimum: 0 },
  ],
};
/** As Prometheus writes a duration: 15s, 1m30s. Left empty, its own. */
const interval = matching('^([0-9]+y)?([0-9]+w)?([0-9]+d)?([0-9]+h)?([0-9]+m)?([0-9]+s)?([0-9]+ms)?$');

/** The name of an object, which may be left empty (RFC 1123). */
const objectName = matching('^([a-z0-9]([-a-z0-9]*[a-z0-9])?([.][a-z0-9]([-a-z0-9]*[a-z0-9])?)*)?$');
/** Names of objects, each once. */
const objectNames: Schema = {
  type: 'array',
  items: {
    type: 'string',
    pattern: '^[a-z0-9]([-a-z0-9]*[a-z0-9])?([.][a-z0-9]([-a-z0-9]*[a-z0-9])?)*$',
    maxLength: 253,
  },
  uniqueItems: true,
};
/** The key of an entry of a ConfigMap or Secret. */
const dataKey = matching('^[-._A-Za-z0-9]{1,253}$');
/** The same, which may be left empty. */
const maybeDataKey = matching('^[-._A-Za-z0-9]{0,253}$');

const labelKey = '^([a-z0-9]([-a-z0-9.]*[a-z0-9])?/)?([A-Za-z0-9][-A-Za-z0-9_.]{0,61})?[A-Za-z0-9]$';
const labelText = '^(([A-Za-z0-9][-A-Za-z0-9_.]{0,61})?[A-Za-z0-9])?$';
const labels: Schema = {
  type: 'object',
  propertyNames: { pattern: labelKey },
  additionalProperties: matching(labelText),
};
const annotations: Schema = { type: 'object', propertyNames: { pattern: labelKey }, additionalProperties: text };

/** A repository of images without tag and scheme (the grammar of distribution's references). */
const repository: Schema = {
  ...matching(
    '^(([A-Za-z0-9.-]+|\\[[0-9A-Fa-f:]+\\])(:[0-9]{1,5})?/)?[a-z0-9]+(([.]|_|__|-+)[a-z0-9]+)*(/[a-z0-9]+(([.]|_|__|-+)[a-z0-9]+)*)*$',
  ),
  description: 'Such as registry.example.org/sluice; the tag is image.tag.',
  maxLength: 255,
};

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

const ingressHost = keys(
  {
    host: text,
    paths: {
      type: 'array',
      minItems: 1,
      items: keys(
        { path: matching('^/'), pathType: oneOf('Prefix', 'Exact', 'ImplementationSpecific') },
        { required: ['path'] },
      ),
    },
  },
  { required: ['paths'] },
);

const monitor = keys({
  enabled: flag,
  labels,
  annotations,
  namespace: objectName,
  interval,
  scrapeTimeout: interval,
  scheme: oneOf('http', 'https'),
  tlsConfig: mapping,
  honorLabels: flag,
  sampleLimit: whole(0),
  targetLabels: { type: 'array', items: text },
  relabelings: mappings,
  metricRelabelings: mappings,
});

/** What the values may change of an alert; only levels and thresholds that it has. */
function alertValues({ name, levels }: Alert): [string, Schema] {
  const ofLevel = ({ severity, threshold }: Level): [string, Schema] => [
    severity,
    keys({
      enabled: flag,
      for: interval,
      ...(threshold === undefined ? {} : { threshold: { type: 'number', minimum: 0 } }),
    }),
  ];
  return [name, keys({ enabled: flag, labels: texts, ...Object.fromEntries(levels.map(ofLevel)) })];
}

function values(config: Schema): Readonly<Record<string, Schema>> {
  return {
    global: { ...mapping, description: 'What Helm hands to every chart of a release. This one reads none of it.' },
    mode: oneOf('gateway', 'sidecar'),
    enabled: flag,
    nameOverride: text,
    fullnameOverride: text,
    commonLabels: labels,
    commonAnnotations: annotations,
    labels,
    annotations,
    image: keys({
      repository,
      tag: matching('^([A-Za-z0-9_][A-Za-z0-9_.-]{0,127})?$'),
      digest: matching('^(sha256:[0-9a-f]{64})?$'),
      pullPolicy: oneOf('Always', 'IfNotPresent', 'Never'),
    }),
    imagePullSecrets: mappings,
    replicas: whole(0),
    check: keys({ enabled: flag, resources }),
    config,
    memory: keys({ bufferedPercent: whole(1, 90), heapPercent: whole(1, 90), maxOldSpaceSize: whole(0) }),
    resources,
    admin: keys({ existingSecret: objectName, existingSecretKey: dataKey }),
    tls: keys({
      existingSecret: objectName,
      additionalSecrets: objectNames,
      clientCertificates: keys({
        existingConfigMap: objectName,
        existingSecret: objectName,
        caKey: dataKey,
        crlKey: maybeDataKey,
        required: flag,
      }),
    }),
    auth: keys({ existingSecrets: objectNames, existingConfigMaps: objectNames }),
    quotas: keys({ existingSecret: objectName, existingSecretKey: dataKey }),
    service: keys({
      type: oneOf('ClusterIP', 'NodePort', 'LoadBalancer'),
      port: whole(1, 65535),
      nodePort: whole(0, 65535),
      appProtocol: matching('^([a-z0-9.-]+/)?[A-Za-z0-9._-]*$'),
      sessionAffinity: oneOf('None', 'ClientIP'),
      labels,
      annotations,
      extraSpec: mapping,
    }),
    ingress: keys({
      enabled: flag,
      className: objectName,
      labels,
      annotations,
      hosts: { type: 'array', items: ingressHost },
      tls: mappings,
    }),
    httpRoute: keys({
      enabled: flag,
      labels,
      annotations,
      parentRefs: mappings,
      hostnames: { type: 'array', items: text },
      rules: mappings,
    }),
    autoscaling: keys({
      minReplicas: whole(1),
      maxReplicas: whole(1),
      targets: keys({ connections: whole(1), bufferedBytes: maybeQuantity }),
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
      maxUnavailable: { anyOf: [whole(1), matching('^([1-9][0-9]?|100)%$')] },
    }),
    networkPolicy: keys({ enabled: flag, clients: mappings, scrapers: mappings, egress: mappings }),
    topologySpreadConstraints: mappings,
    nodeSelector: labels,
    tolerations: mappings,
    affinity: mapping,
    priorityClassName: objectName,
    serviceAccount: keys({ create: flag, name: objectName, labels, annotations }),
    hostAliases: mappings,
    dnsPolicy: { type: 'string', enum: ['', 'ClusterFirst', 'ClusterFirstWithHostNet', 'Default', 'None'] },
    dnsConfig: mapping,
    podAnnotations: texts,
    podLabels: texts,
    tcpWmem: matching('^([0-9]+ [0-9]+ [0-9]+)?$'),
    terminationGracePeriodSeconds: whole(0),
    strategy: keys({ type: oneOf('RollingUpdate', 'Recreate'), rollingUpdate: mapping }),
    minReadySeconds: whole(0),
    revisionHistoryLimit: whole(0),
    lifecycle: mapping,
    podSecurityContext: mapping,
    securityContext: mapping,
    probes: keys({ startup: mapping, liveness: mapping, readiness: mapping }),
    metrics: keys({
      serviceMonitor: monitor,
      podMonitor: monitor,
      rules: keys({
        enabled: flag,
        labels,
        annotations,
        namespace: objectName,
        keepLabels: { type: 'array', items: matching('^[a-zA-Z_][a-zA-Z0-9_]*$') },
        alertLabels: texts,
        runbookUrl: matching('^(https?://[^#]+)?$'),
        alerts: keys(Object.fromEntries(alertGroups.flatMap(({ alerts }) => alerts.map(alertValues)))),
      }),
      dashboards: keys({
        enabled: flag,
        namespace: objectName,
        label: matching(labelKey),
        labelValue: matching(labelText),
        folderAnnotation: matching(labelKey),
        folder: text,
      }),
    }),
    initContainers: mappings,
    extraEnv: mappings,
    extraVolumes: mappings,
    extraVolumeMounts: mappings,
    extraContainers: mappings,
    extraObjects: { type: 'array', items: { anyOf: [mapping, text] } },
    test: keys({ enabled: flag, resources }),
  };
}

/** The text of helm/sluice/values.schema.json. */
export function valuesSchemaText(): string {
  const { $schema, $defs, title: _, ...config } = JSON.parse(schemaText()) as Record<string, Schema>;
  const schema = { $schema, title: 'Values of the Sluice chart', ...keys(values(config)), $defs };
  return `${JSON.stringify(schema, null, 2)}\n`;
}
