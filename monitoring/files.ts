/** The files that are written from here. */
import { alertsText } from './alerts-document.ts';
import { dashboardText } from './dashboard/index.ts';
import { adjustableText, rulesText } from './rules-file.ts';

/** Each file's path from the root of the project, and what it must hold. */
export const files: Readonly<Record<string, () => string>> = {
  'helm/sluice/files/rules/alerts.yaml': rulesText,
  'helm/sluice/files/rules/adjustable.json': adjustableText,
  'helm/sluice/files/dashboards/sluice.json': dashboardText,
  'docs/alerts.md': alertsText,
};
