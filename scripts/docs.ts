/** Writes the generated references into docs/: `npm run docs`. A test fails where they differ from the code. */
import { writeFileSync } from 'node:fs';
import { referenceText, schemaText } from '../src/config/reference.ts';
import { describeMetrics } from '../src/metrics/document.ts';

writeFileSync('docs/configuration.md', referenceText());
writeFileSync('docs/sluice.schema.json', schemaText());
writeFileSync('docs/metrics.md', await describeMetrics());
