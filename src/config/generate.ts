/** Writes docs/configuration.md and docs/sluice.schema.json: `npm run docs:config`. */
import { writeFileSync } from 'node:fs';
import { referenceText, schemaText } from './reference.ts';

const docs = new URL('../../docs/', import.meta.url);
writeFileSync(new URL('configuration.md', docs), referenceText());
writeFileSync(new URL('sluice.schema.json', docs), schemaText());
