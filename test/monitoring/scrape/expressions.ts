/** Every expression that is shipped, ready to be asked. */
import type { Manifest } from '../harness/chart.ts';

export interface Expression {
  readonly where: string;
  readonly expr: string;
  readonly instant: boolean;
}

/** `label_values(series, label)`, as variables ask. */
export interface LabelQuery {
  readonly where: string;
  readonly match: string;
  readonly label: string;
}

interface Choice {
  readonly namespace: string;
  readonly job: string;
  readonly route: string;
}

/** Everything chosen, as a dashboard opens. */
export const everything: Choice = { namespace: '.*', job: '.*', route: '.*' };

/** The queries of a dashboard's panels and annotations, with a person's choice put in. */
export function dashboardExpressions(dashboard: Manifest, choice: Choice): Expression[] {
  const panels = dashboard.panels.flatMap(({ title, targets = [] }: Manifest) =>
    targets.map(({ expr, instant, refId }: Manifest) => ({ where: `${title}, ${refId}`, expr, instant })),
  );
  const annotations = dashboard.annotations.list.map(({ name, expr }: Manifest) => ({
    where: `annotation ${name}`,
    expr,
    instant: false,
  }));
  return [...panels, ...annotations].map((one) => ({ ...one, expr: filledIn(one.expr, choice) }));
}

/** The queries of a dashboard's variables. */
export function variableQueries(dashboard: Manifest, choice: Choice): LabelQuery[] {
  return dashboard.templating.list
    .filter(({ type }: Manifest) => type === 'query')
    .map(({ name, query }: Manifest) => {
      const [, match, label] = /^label_values\((.*), (\w+)\)$/.exec(filledIn(query, choice))!;
      return { where: name, match, label };
    });
}

/** A rule's expression without its thresholds: what they are compared with must be there. */
export function withoutThresholds(expr: string): string {
  return expr.replaceAll(/(==|!=|>=|<=|>|<)\s*[\d.]+/g, '');
}

function filledIn(expr: string, { namespace, job, route }: Choice): string {
  const filled = expr
    .replaceAll('$namespace', namespace)
    .replaceAll('$job', job)
    .replaceAll('$route', route)
    .replaceAll('$__rate_interval', '1m')
    .replaceAll('$__range', '5m');
  if (filled.includes('$')) throw new Error(`a variable is left: ${filled}`);
  return filled;
}
