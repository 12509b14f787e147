/** Writes docs/alerts.md from the same alerts as the rules file. */

import { code, paragraph, table } from '../src/markdown.ts';
import type { Alert, AlertGroup, Level } from './alert.ts';
import { alertGroups } from './alerts/index.ts';
import { recordingRules } from './recording-rules.ts';

/** The text of docs/alerts.md. */
export function alertsText(): string {
  return `# Alerts

<!-- Generated from monitoring/ by \`npm run docs\`. -->

The rules are in \`helm/sluice/files/rules/alerts.yaml\`. The chart installs them as a PrometheusRule; a Prometheus
without the operator reads the file as it is (\`rule_files\`). Each alert below says what it means, where to look and what
to change; its message carries the same in short (annotations \`summary\`, \`description\` and \`runbook\`;
\`runbook_url\` leads here).

- \`critical\`: users are hurt now, call somebody. \`warning\`: look within the working day.
- There is one alert per release, or per release and route, however many pods and connections are concerned. A single
  user who hits a limit raises none: the log and the dashboard show that.
- An alert with both severities keeps its name, so that one rule of Alertmanager mutes the lower by the higher:

  \`\`\`yaml
  inhibit_rules:
    - source_matchers: [severity="critical"]
      target_matchers: [severity="warning"]
      equal: [alertname, cluster, namespace, job, route]
  \`\`\`

- Messages refused in \`mode: report\` raise no alert.
- Releases are told apart by \`cluster\`, \`namespace\` and \`job\`. A Prometheus of one cluster has no label \`cluster\`, and
  nothing changes for it; where a ruler sees several clusters under another name, say so:
  \`metrics.rules.keepLabels: [region, cluster]\`. Without the chart replace \`cluster, namespace, job\` in the file.
- The chart changes single alerts by its values, each below its name:

  \`\`\`yaml
  metrics:
    rules:
      enabled: true
      keepLabels: [cluster]
      alertLabels: {team: data}                                        # on every alert, for Alertmanager's routes
      runbookUrl: https://wiki.example.org/sluice-alerts               # this page elsewhere; each alert adds its anchor
      alerts:
        SluiceHandshakesSlow: {enabled: false}
        SluiceMemoryPressure: {warning: {threshold: 0.7, for: 20m}, critical: {enabled: false}}
  \`\`\`

${table(
  ['alert', 'severity', 'when'],
  alertGroups.flatMap(({ alerts }) => alerts.map(overview)),
)}

${alertGroups.map(section).join('\n')}
## Recording rules

The alerts read these, and so may autoscalers and reports over long ranges. The dashboard reads Sluice's own metrics
only, so it works without them.

${table(
  ['series', 'meaning'],
  recordingRules.map(({ record, means }) => [code(record), means]),
)}

## The dashboard

\`helm/sluice/files/dashboards/sluice.json\` is for Grafana: the chart puts it into a ConfigMap that Grafana's sidecar
loads (\`metrics.dashboards.enabled\`), or import the file by hand. Choose data source, cluster, namespace, job and route
at its top; each panel says what it shows. Its rows:

- **Overview**: connections, messages, bytes, how handshakes and connections end, upstream errors, times, plain HTTP.
- **Limits and backpressure**: how large messages are, by sender, and how far from \`max_message_size\`; limits that were
  exceeded; who waits for whom. Grafana's heatmaps can draw no line, so the limit stands beside the heatmap, with
  percentiles on the same logarithmic scale.
- **Rollout and capacity**: each pod's version, configuration and state; connections, memory and files against their
  limits; CPU; reloads, drains and restarts.
`;
}

function overview({ name, levels, when }: Alert): string[] {
  return [`[${name}](#${name.toLowerCase()})`, levels.map(({ severity }) => severity).join(', '), when];
}

function section({ title, alerts }: AlertGroup): string {
  return `## ${title}\n\n${alerts.map(chapter).join('\n')}`;
}

function chapter({ name, levels, means, look, change }: Alert): string {
  const conditions = levels.map(
    (level) =>
      `\`${level.severity}\`${level.for === '0m' ? '' : `, held for ${level.for}`}${ofThreshold(level)}:\n\n${indent(level.expr)}\n`,
  );
  return `### ${name}

${paragraph(means)}

${conditions.join('\n')}
Look at:

${list(look)}

Change:

${list(change)}
`;
}

/** Which number of the expression the chart's values may replace. */
function ofThreshold({ threshold }: Level): string {
  return threshold === undefined ? '' : `; the threshold is \`${threshold}\``;
}

function indent(expr: string): string {
  return `\`\`\`promql\n${expr}\n\`\`\``;
}

function list(items: readonly string[]): string {
  return items.map((item) => paragraph(`- ${item}`, '  ')).join('\n');
}
