/** A table with a row for each pod: what runs there, with which configuration, and since when. */
import type { Builder } from '@grafana/grafana-foundation-sdk/cog';
import { type DynamicConfigValue, MappingType, type Panel } from '@grafana/grafana-foundation-sdk/dashboard';
import { DataqueryBuilder, PromQueryFormat } from '@grafana/grafana-foundation-sdk/prometheus';
import { PanelBuilder as TableBuilder } from '@grafana/grafana-foundation-sdk/table';
import { DateTimeFromNow } from '@grafana/grafana-foundation-sdk/units';
import { datasource, refId } from './panels.ts';
import { ofRelease } from './variables.ts';

interface Column {
  readonly title: string;
  readonly expr: string;
  readonly properties?: readonly DynamicConfigValue[];
}

const pod = 'cluster, namespace, job, pod, instance';
const fromNow: readonly DynamicConfigValue[] = [{ id: 'unit', value: DateTimeFromNow }];

/** `{"0": {text, color}, …}` for a column of two states. */
function states(zero: [string, string], one: [string, string]): readonly DynamicConfigValue[] {
  const result = ([text, color]: [string, string], index: number) => ({ text, color, index });
  return [
    { id: 'mappings', value: [{ type: MappingType.ValueToText, options: { 0: result(zero, 0), 1: result(one, 1) } }] },
    { id: 'custom.cellOptions', value: { type: 'color-text' } },
  ];
}

const columns: readonly Column[] = [
  {
    title: 'Build',
    expr: `max by (${pod}, version, revision, node_version) (sluice_build_info{${ofRelease}})`,
    properties: [{ id: 'custom.hidden', value: true }],
  },
  { title: 'Config hash', expr: `max by (${pod}) (sluice_config_hash{${ofRelease}})` },
  {
    title: 'Config loaded',
    expr: `max by (${pod}) (sluice_config_last_reload_success_timestamp_seconds{${ofRelease}}) * 1000`,
    properties: fromNow,
  },
  {
    title: 'Last reload',
    expr: `min by (${pod}) (sluice_config_last_reload_successful{${ofRelease}})`,
    properties: states(['failed', 'red'], ['ok', 'green']),
  },
  {
    title: 'State',
    expr: `max by (${pod}) (sluice_draining{${ofRelease}})`,
    properties: states(['serving', 'green'], ['draining', 'orange']),
  },
  { title: 'Connections', expr: `sum by (${pod}) (sluice_connections_active{${ofRelease}})` },
  {
    title: 'Started',
    expr: `max by (${pod}) (process_start_time_seconds and on (cluster, namespace, job, instance) sluice_build_info{${ofRelease}}) * 1000`,
    properties: fromNow,
  },
];

/** The panel. */
export function podTable(): Builder<Panel> {
  const panel = new TableBuilder()
    .title('Pods')
    .description(
      'What runs on each pod. Equal config hashes are equal files; pods that differ for long are stuck in a rollout or refused a change.',
    )
    .datasource(datasource)
    .span(24)
    .height(8)
    .filterable(true)
    .targets(
      columns.map(({ expr }, i) =>
        new DataqueryBuilder().refId(refId(i)).expr(expr).format(PromQueryFormat.Table).instant(),
      ),
    )
    .withTransformation({ id: 'merge', options: {} })
    .withTransformation({
      id: 'organize',
      options: {
        excludeByName: { Time: true },
        renameByName: Object.fromEntries(columns.map(({ title }, i) => [`Value #${refId(i)}`, title])),
      },
    });
  for (const { title, properties = [] } of columns) {
    if (properties.length > 0) panel.overrideByName(title, [...properties]);
  }
  return panel;
}
