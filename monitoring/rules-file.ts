/** Writes the rules as Prometheus reads them; the chart puts the same text into a PrometheusRule. */
import { stringify } from 'yaml';
import { type Alert, type AlertGroup, clusterOfRelease, releaseLabels } from './alert.ts';
import { alertGroups } from './alerts/index.ts';
import { recordingRules } from './recording-rules.ts';
import { repositoryUrl } from './repository.ts';

const header = `# Recording rules and alerts for Sluice. Generated from monitoring/ by \`npm run docs\`; docs/alerts.md explains each alert.
# Prometheus reads this file as it is (rule_files).
`;

/** The page of the alerts; each is an anchor. */
const runbooksUrl = `${repositoryUrl}/blob/main/docs/alerts.md`;

/** The text of helm/sluice/files/rules/alerts.yaml. */
export function rulesText(): string {
  const recording = {
    name: 'sluice.recording',
    rules: recordingRules.map(({ record, expr }) => ({ record, expr })),
  };
  const groups = [recording, ...alertGroups.map(groupOf)];
  return header + stringify({ groups }, { lineWidth: 0, blockQuote: 'literal', aliasDuplicateObjects: false });
}

function groupOf({ name, alerts }: AlertGroup): object {
  return { name, rules: alerts.flatMap(rulesOf) };
}

function rulesOf(alert: Alert): object[] {
  const annotations = {
    summary: alert.summary,
    description: alert.description,
    runbook: runbook(alert),
    runbook_url: `${runbooksUrl}#${alert.name.toLowerCase()}`,
  };
  return alert.levels.map(({ severity, expr, for: held }) => ({
    alert: alert.name,
    expr,
    for: held,
    labels: { severity },
    annotations,
  }));
}

/** Whoever is called reads what to do in the message itself; the page has more. */
function runbook({ name, look, change }: Alert): string {
  return `Look: ${look.join(' ')} Change: ${change.join(' ')} More: docs/alerts.md, ${name}.`;
}

/**
 * The text of helm/sluice/files/rules/adjustable.json: what of the rules the chart's values change, as it stands in the
 * rules.
 */
export function adjustableText(): string {
  const thresholds = Object.fromEntries(
    alertGroups
      .flatMap(({ alerts }) => alerts)
      .map(({ name, levels }) => [
        name,
        Object.fromEntries(levels.map(({ severity, threshold = '' }) => [severity, threshold])),
      ]),
  );
  return `${JSON.stringify({ releaseLabels, clusterOfRelease, runbooksUrl, thresholds }, null, 2)}\n`;
}
