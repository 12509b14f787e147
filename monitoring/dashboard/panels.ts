/** The kinds of panels that the dashboard is made of, so that all of one kind look the same. */
import type { Builder, Dataquery } from '@grafana/grafana-foundation-sdk/cog';
import {
  BigValueColorMode,
  BigValueGraphMode,
  GraphDrawStyle,
  GraphThresholdsStyleConfigBuilder,
  GraphThresholdsStyleMode,
  LegendDisplayMode,
  LegendPlacement,
  ReduceDataOptionsBuilder,
  ScaleDistribution,
  ScaleDistributionConfigBuilder,
  SortOrder,
  StackingConfigBuilder,
  StackingMode,
  TooltipDisplayMode,
  VisibilityMode,
  VizLegendOptionsBuilder,
  VizTooltipOptionsBuilder,
} from '@grafana/grafana-foundation-sdk/common';
import {
  type Panel,
  type Threshold,
  ThresholdsConfigBuilder,
  ThresholdsMode,
} from '@grafana/grafana-foundation-sdk/dashboard';
import {
  PanelBuilder as HeatmapBuilder,
  HeatmapColorMode,
  HeatmapColorOptionsBuilder,
  HeatmapColorScale,
  HeatmapTooltipBuilder,
  YAxisConfigBuilder,
} from '@grafana/grafana-foundation-sdk/heatmap';
import { DataqueryBuilder, PromQueryFormat } from '@grafana/grafana-foundation-sdk/prometheus';
import { PanelBuilder as StatBuilder } from '@grafana/grafana-foundation-sdk/stat';
import { PanelBuilder as TimeSeriesBuilder } from '@grafana/grafana-foundation-sdk/timeseries';
import { BytesIEC } from '@grafana/grafana-foundation-sdk/units';

/** The Prometheus that the variable `datasource` names. */
export const datasource = { type: 'prometheus', uid: `\${datasource}` };

/** A query and the words of its legend. */
export interface Query {
  readonly expr: string;
  readonly legend: string;
  /** Asked once for now rather than for each moment: for sums over the whole time shown. */
  readonly instant?: boolean;
}

interface Words {
  readonly title: string;
  readonly description: string;
  readonly unit: string;
  readonly queries: readonly Query[];
}

/** From where on a value is worth a look, and from where on it hurts. */
export interface Marks {
  readonly warning: number;
  readonly critical?: number;
}

export interface StatOptions extends Words {
  readonly marks?: Marks;
}

/** One number. */
export function stat({ title, description, unit, queries, marks }: StatOptions): Builder<Panel> {
  return new StatBuilder()
    .title(title)
    .description(description)
    .datasource(datasource)
    .span(4)
    .height(4)
    .unit(unit)
    .min(0)
    .noValue('0')
    .thresholds(thresholds(marks))
    .colorMode(BigValueColorMode.Value)
    .graphMode(BigValueGraphMode.Area)
    .reduceOptions(new ReduceDataOptionsBuilder().calcs(['lastNotNull']))
    .targets(dataQueries(queries));
}

export interface GraphOptions extends Words {
  /** Columns of 24; a third of the width unless given. */
  readonly span?: number;
  readonly height?: number;
  /** Bars on top of each other, for events that add up. */
  readonly stacked?: boolean;
  readonly max?: number;
  /** Lines across the graph. */
  readonly marks?: Marks;
  /** A logarithmic axis, for sizes. */
  readonly log?: boolean;
  /** Legends of lines that are limits: dashed and red. */
  readonly limits?: string;
}

/** Values over time. */
export function graph(options: GraphOptions): Builder<Panel> {
  const {
    title,
    description,
    unit,
    queries,
    span = 8,
    height = 8,
    stacked = false,
    max,
    marks,
    log = false,
    limits,
  } = options;
  const panel = new TimeSeriesBuilder()
    .title(title)
    .description(description)
    .datasource(datasource)
    .span(span)
    .height(height)
    .unit(unit)
    .drawStyle(stacked ? GraphDrawStyle.Bars : GraphDrawStyle.Line)
    .fillOpacity(stacked ? 80 : 10)
    .lineWidth(stacked ? 0 : 1)
    // A lone value between two gaps would not be seen without a point.
    .showPoints(stacked ? VisibilityMode.Never : VisibilityMode.Auto)
    .thresholds(thresholds(marks))
    .legend(
      new VizLegendOptionsBuilder()
        .displayMode(LegendDisplayMode.List)
        .placement(LegendPlacement.Bottom)
        .showLegend(true)
        .calcs([]),
    )
    .tooltip(
      new VizTooltipOptionsBuilder().mode(TooltipDisplayMode.Multi).sort(SortOrder.Descending).hideZeros(stacked),
    )
    .targets(dataQueries(queries));
  if (log) panel.scaleDistribution(new ScaleDistributionConfigBuilder().type(ScaleDistribution.Log).log(2));
  else panel.min(0);
  if (stacked) panel.stacking(new StackingConfigBuilder().mode(StackingMode.Normal).group('A'));
  if (max !== undefined) panel.max(max);
  if (marks) panel.thresholdsStyle(new GraphThresholdsStyleConfigBuilder().mode(GraphThresholdsStyleMode.Dashed));
  if (limits !== undefined) {
    panel.overrideByRegexp(limits, [
      { id: 'color', value: { mode: 'fixed', fixedColor: 'red' } },
      { id: 'custom.lineStyle', value: { fill: 'dash', dash: [10, 6] } },
      { id: 'custom.lineWidth', value: 2 },
      { id: 'custom.fillOpacity', value: 0 },
    ]);
  }
  return panel;
}

/** The buckets of a histogram of sizes over time. */
export function sizeHeatmap({
  title,
  description,
  expr,
}: {
  title: string;
  description: string;
  expr: string;
}): Builder<Panel> {
  return (
    new HeatmapBuilder()
      .title(title)
      .description(description)
      .datasource(datasource)
      .span(12)
      .height(9)
      .calculate(false)
      .cellGap(1)
      .color(
        new HeatmapColorOptionsBuilder()
          .mode(HeatmapColorMode.Scheme)
          .scheme('Oranges')
          .scale(HeatmapColorScale.Exponential)
          .exponent(0.5)
          .steps(64),
      )
      // Empty cells are not drawn, so that a single large message is seen.
      .filterValues({ build: () => ({ le: 1e-9 }) })
      .yAxis(new YAxisConfigBuilder().unit(BytesIEC).decimals(0))
      .tooltip(new HeatmapTooltipBuilder().mode(TooltipDisplayMode.Single).yHistogram(true))
      .withTarget(
        new DataqueryBuilder().refId('A').expr(expr).format(PromQueryFormat.Heatmap).legendFormat('{{le}}').range(),
      )
  );
}

function dataQueries(queries: readonly Query[]): Builder<Dataquery>[] {
  return queries.map(({ expr, legend, instant = false }, i) => {
    const query = new DataqueryBuilder().refId(refId(i)).expr(expr).legendFormat(legend);
    return instant ? query.instant() : query.range();
  });
}

/** A, B, C … as Grafana names queries. */
export function refId(index: number): string {
  return String.fromCharCode('A'.charCodeAt(0) + index);
}

function thresholds(marks: Marks | undefined): ThresholdsConfigBuilder {
  const steps: Threshold[] = [{ value: null, color: marks ? 'green' : 'text' }];
  if (marks) steps.push({ value: marks.warning, color: 'orange' });
  if (marks?.critical !== undefined) steps.push({ value: marks.critical, color: 'red' });
  return new ThresholdsConfigBuilder().mode(ThresholdsMode.Absolute).steps(steps);
}
