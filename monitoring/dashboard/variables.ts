/** What a person can choose at the top of the dashboard, and the selectors that follow from it. */
import type { Builder } from '@grafana/grafana-foundation-sdk/cog';
import {
  DatasourceVariableBuilder,
  QueryVariableBuilder,
  type VariableModel,
  VariableRefresh,
  VariableSort,
} from '@grafana/grafana-foundation-sdk/dashboard';
import { datasource } from './panels.ts';

/** Matches metrics of the chosen releases. */
export const ofRelease = 'cluster=~"$cluster", namespace=~"$namespace", job=~"$job"';
/** Matches metrics of the chosen routes. */
export const ofRoute = `${ofRelease}, route=~"$route"`;

export const variables: readonly Builder<VariableModel>[] = [
  new DatasourceVariableBuilder('datasource').label('Data source').type('prometheus'),
  choice('cluster', 'Cluster', 'label_values(sluice_build_info, cluster)'),
  choice('namespace', 'Namespace', 'label_values(sluice_build_info{cluster=~"$cluster"}, namespace)'),
  choice('job', 'Job', 'label_values(sluice_build_info{cluster=~"$cluster", namespace=~"$namespace"}, job)'),
  choice('route', 'Route', `label_values(sluice_handshakes_total{${ofRelease}}, route)`),
];

/**
 * One, several or all; a Prometheus of one cluster has no clusters, one outside Kubernetes no namespaces, and `.*`
 * matches that too.
 */
function choice(name: string, label: string, query: string): Builder<VariableModel> {
  return new QueryVariableBuilder(name)
    .label(label)
    .datasource(datasource)
    .query(query)
    .definition(query)
    .refresh(VariableRefresh.OnTimeRangeChanged)
    .sort(VariableSort.NaturalAsc)
    .multi(true)
    .includeAll(true)
    .allValue('.*')
    .current({ text: ['All'], value: ['$__all'] });
}
