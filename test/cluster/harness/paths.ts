/** What `run.sh` has put below `.cache/`, and the chart that the suites are about. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '../../real/harness/paths.ts';

/** A program built from `tools/go.mod`. */
export type ClusterProgram =
  | 'etcd'
  | 'kube-apiserver'
  | 'kube-controller-manager'
  | 'kube-scheduler'
  | 'kubectl'
  | 'kwok';

/** Where a program built from `tools/go.mod` stands. */
export function clusterProgram(name: ClusterProgram): string {
  return join(root, '.cache/cluster/bin', name);
}

/** The pinned Helm. */
export const helmProgram: string = join(root, '.cache/chart/bin/helm');

/**
 * The definitions of the kinds that a chart like this one makes, of the Prometheus operator, KEDA and the Gateway API.
 * All the others of theirs would cost the API server ten seconds of work, for objects that nobody makes here.
 */
export const definitions: readonly string[] = [
  'prometheus-operator/monitoring.coreos.com_servicemonitors.yaml',
  'prometheus-operator/monitoring.coreos.com_podmonitors.yaml',
  'prometheus-operator/monitoring.coreos.com_prometheusrules.yaml',
  'keda/keda.sh_scaledobjects.yaml',
  'keda/keda.sh_triggerauthentications.yaml',
  'gateway-api/gateway.networking.k8s.io_gateways.yaml',
  'gateway-api/gateway.networking.k8s.io_httproutes.yaml',
].map((file) => join(root, '.cache/chart/crds', file));

/** The chart. */
export const chart: string = join(root, 'helm/sluice');

/** Every values file that the chart promises to work with. */
export function valuesFiles(): string[] {
  const folder = join(chart, 'ci');
  return readdirSync(folder)
    .filter((name) => name.endsWith('-values.yaml'))
    .map((name) => join(folder, name));
}
