/** Every expression that is shipped, ready to be asked. */
export interface Expression {
  readonly where: string;
  readonly expr: string;
  readonly instant: boolean;
  /** What names a series in a graph, as `{{label}}`; left out where there is none. */
  readonly legend?: string | undefined;
}

/** `label_values(series, label)`, as variables ask. */
export interface LabelQuery {
  readonly where: string;
  readonly match: string;
  readonly label: string;
}

/** A dashboard, as far as it asks something. */
export interface Dashboard {
  readonly panels: readonly {
    readonly title: string;
    readonly targets?: readonly {
      readonly refId: string;
      readonly expr: string;
      readonly instant: boolean;
      readonly legendFormat?: string;
    }[];
  }[];
  readonly annotations: { readonly list: readonly { readonly name: string; readonly expr: string }[] };
  readonly templating: {
    readonly list: readonly { readonly type: string; readonly name: string; readonly query: string }[];
  };
}

interface Choice {
  readonly cluster?: string;
  readonly namespace: string;
  readonly job: string;
  readonly route: string;
}

/** Everything chosen, as a dashboard opens. */
export const everything: Choice = { namespace: '.*', job: '.*', route: '.*' };

/** The queries of a dashboard's panels and annotations, with a person's choice put in. */
export function dashboardExpressions(dashboard: Dashboard, choice: Choice): Expression[] {
  const panels = dashboard.panels.flatMap(({ title, targets = [] }) =>
    targets.map(({ expr, instant, refId, legendFormat: legend }) => ({
      where: `${title}, ${refId}`,
      expr,
      instant,
      legend,
    })),
  );
  const annotations = dashboard.annotations.list.map(({ name, expr }) => ({
    where: `annotation ${name}`,
    expr,
    instant: false,
  }));
  return [...panels, ...annotations].map((one) => ({ ...one, expr: filledIn(one.expr, choice) }));
}

/** The queries of a dashboard's variables. */
export function variableQueries(dashboard: Dashboard, choice: Choice): LabelQuery[] {
  return dashboard.templating.list
    .filter(({ type }) => type === 'query')
    .map(({ name, query }) => {
      const [, match, label] = /^label_values\((.*), (\w+)\)$/.exec(filledIn(query, choice))!;
      return { where: name, match: match!, label: label! };
    });
}

/** The name of a series in a graph, as Grafana writes it: a label that is not there is nothing. */
export function legendOf(legend: string, metric: Readonly<Record<string, string>>): string {
  return legend.replaceAll(/{{\s*(\w+)\s*}}/g, (_, label: string) => metric[label] ?? '');
}

/** A rule's expression without its thresholds: what they are compared with must be there. */
export function withoutThresholds(expr: string): string {
  return expr.replaceAll(/(==|!=|>=|<=|>|<)\s*[\d.]+/g, '');
}

function filledIn(expr: string, { cluster = '.*', namespace, job, route }: Choice): string {
  const filled = expr
    .replaceAll('$cluster', cluster)
    .replaceAll('$namespace', namespace)
    .replaceAll('$job', job)
    .replaceAll('$route', route)
    .replaceAll('$__rate_interval', '1m')
    .replaceAll('$__range', '5m');
  if (filled.includes('$')) throw new Error(`a variable is left: ${filled}`);
  return filled;
}
