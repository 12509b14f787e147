/**
 * The Grafana dashboard, built with Grafana's own SDK. It has the classic schema, although the SDK prefers the newer
 * one: people import it by hand and sidecars load it from a ConfigMap, also where Grafana is some versions old.
 */
import type { Builder } from '@grafana/grafana-foundation-sdk/cog';
import {
  AnnotationQueryBuilder,
  DashboardBuilder,
  DashboardCursorSync,
  type Panel,
  RowBuilder,
} from '@grafana/grafana-foundation-sdk/dashboard';
import { capacity } from './capacity.ts';
import { limits } from './limits.ts';
import { overview } from './overview.ts';
import { datasource } from './panels.ts';
import { ofRelease, variables } from './variables.ts';

const rows: readonly (readonly [string, readonly Builder<Panel>[]])[] = [
  ['Overview', overview],
  ['Limits and backpressure', limits],
  ['Rollout and capacity', capacity],
];

/** The text of helm/sluice/files/dashboards/sluice.json. */
export function dashboardText(): string {
  const dashboard = new DashboardBuilder('Sluice')
    .uid('sluice')
    .description('WebSocket gateway: connections, limits, backpressure, rollout and capacity.')
    .tags(['sluice', 'websocket'])
    .timezone('browser')
    .tooltip(DashboardCursorSync.Crosshair)
    .time({ from: 'now-3h', to: 'now' })
    .refresh('30s')
    .annotation(
      new AnnotationQueryBuilder()
        .name('Configuration loaded')
        .datasource(datasource)
        .enable(true)
        .iconColor('blue')
        .expr(
          `max by (cluster, namespace, job, pod, instance) (sluice_config_last_reload_success_timestamp_seconds{${ofRelease}}) * 1000`,
        )
        .useValueForTime(true)
        .titleFormat('Configuration loaded')
        .textFormat('{{pod}} {{instance}} {{cluster}}'),
    );
  for (const variable of variables) dashboard.withVariable(variable);
  let id = 1;
  for (const [title, panels] of rows) {
    dashboard.withRow(new RowBuilder(title).id(id++));
    for (const panel of panels) dashboard.withPanel(numbered(panel, id++));
  }
  return `${JSON.stringify(dashboard.build(), null, 2)}\n`;
}

/** Grafana links to a panel by its number. */
function numbered(panel: Builder<Panel>, id: number): Builder<Panel> {
  return { build: () => ({ ...panel.build(), id }) };
}
