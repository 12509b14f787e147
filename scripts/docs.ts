/**
 * Writes the generated references into docs/, and rules and dashboard into the chart: `npm run docs`. A test fails
 * where they differ.
 */
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { files } from '../monitoring/files.ts';
import { openApiText } from '../src/admin/api/openapi.ts';
import { withLimitTable } from '../src/config/model/limit-table.ts';
import { presetGuide } from '../src/config/model/preset-guide.ts';
import { referenceText, schemaText } from '../src/config/model/reference.ts';
import { describeMetrics } from '../src/observe/metrics/document.ts';
import { withFlags } from '../src/observe/metrics/flags.ts';
import { factsText } from './chart-facts.ts';
import { withLinks } from './chart-file.ts';
import { valuesSchemaText } from './chart-schema.ts';

const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string };

writeFileSync('docs/openapi.json', openApiText(version));
writeFileSync('docs/configuration.md', referenceText());
writeFileSync('docs/presets.md', presetGuide());
writeFileSync('docs/sluice.schema.json', schemaText());
writeFileSync('docs/metrics.md', await describeMetrics());
writeFileSync('helm/sluice/values.schema.json', valuesSchemaText());
writeFileSync('helm/sluice/Chart.yaml', withLinks(readFileSync('helm/sluice/Chart.yaml', 'utf8')));
writeFileSync('helm/sluice/files/facts.json', factsText());
copyFileSync('config/jupyterhub/sluice_proxy.py', 'helm/sluice/files/sluice_proxy.py');
for (const [path, text] of Object.entries(files)) writeFileSync(path, text());
writeFileSync('README.md', withLimitTable(readFileSync('README.md', 'utf8')));
writeFileSync('docs/operations.md', withFlags(readFileSync('docs/operations.md', 'utf8')));
