/** What an alert is made of. The rules file and docs/alerts.md are both written from it. */

/** `critical`: somebody is called, users are hurt now. `warning`: somebody looks within the working day. */
export type Severity = 'warning' | 'critical';

/** One threshold of an alert. */
export interface Level {
  readonly severity: Severity;
  /** PromQL; what it returns is a row per alert. */
  readonly expr: string;
  /** The part of `expr` that the chart's values may replace: `> 0.6`. It stands there once. */
  readonly threshold?: string;
  /** How long it must hold, so that a passing state calls nobody. */
  readonly for: string;
}

/** An alert; with two levels it keeps its name, so that Alertmanager can mute the lower one by the higher. */
export interface Alert {
  readonly name: string;
  /** The condition in words, with a threshold and a time for each level. */
  readonly when: string;
  readonly levels: readonly Level[];
  /** One line, with Prometheus's templates. */
  readonly summary: string;
  /** What is so, with the numbers. */
  readonly description: string;
  /** What it means for users. */
  readonly means: string;
  /** Where to look, one thing each. */
  readonly look: readonly string[];
  /** What to change, one remedy each. */
  readonly change: readonly string[];
}

/** Alerts of one topic; Prometheus evaluates a group as one. */
export interface AlertGroup {
  readonly name: string;
  readonly title: string;
  readonly alerts: readonly Alert[];
}

/**
 * By what releases are told apart. The chart's values may name other labels than `cluster`, which a single Prometheus
 * has not.
 */
export const releaseLabels = 'cluster, namespace, job';

/** The cluster's part of a release's name; other labels stand there where the values name them. */
export const clusterOfRelease = '{{ with $labels.cluster }}{{ . }}/{{ end }}';

/** `cluster/namespace/job` as people read it, with what there is of it. */
export const release = `${clusterOfRelease}{{ with $labels.namespace }}{{ . }}/{{ end }}{{ $labels.job }}`;

/** `cluster/namespace/job, route NAME`. */
export const releaseRoute = `${release}, route {{ $labels.route }}`;
