import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { repositoryUrl } from '../../monitoring/repository.ts';
import { factsText } from '../../scripts/chart-facts.ts';
import { withLinks } from '../../scripts/chart-file.ts';
import { valuesSchemaText } from '../../scripts/chart-schema.ts';
import { schemaText } from '../../src/config/model/reference.ts';

test("the schema of the chart's values is the one that is generated", () => {
  const path = new URL('../../helm/sluice/values.schema.json', import.meta.url);
  expect(readFileSync(path, 'utf8'), 'npm run docs').toBe(valuesSchemaText());
});

test('what its templates know of Sluice and of its defaults is what is generated', () => {
  const path = new URL('../../helm/sluice/files/facts.json', import.meta.url);
  expect(readFileSync(path, 'utf8'), 'npm run docs').toBe(factsText());
  expect(JSON.parse(factsText()).fileSettings).toEqual(expect.arrayContaining(['listen.tls.cert', 'admin.token_file']));
});

test("the chart has the proxy class of the hub's side too", () => {
  const text = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');
  expect(text('helm/sluice/files/sluice_proxy.py'), 'npm run docs').toBe(text('config/jupyterhub/sluice_proxy.py'));
});

test('below config it is the schema of the configuration, whole', () => {
  const values = JSON.parse(valuesSchemaText());
  const own = JSON.parse(schemaText());
  expect(values.properties.config).toEqual({
    type: 'object',
    properties: own.properties,
    anyOf: own.anyOf,
    additionalProperties: false,
  });
  expect(values.$defs).toEqual(own.$defs);
});

test('no mapping of the chart itself takes a key that it does not read', () => {
  const open = (schema: Record<string, unknown>, path: string): string[] => {
    const properties = Object.entries((schema.properties ?? {}) as Record<string, Record<string, unknown>>);
    const here = properties.length > 0 && schema.additionalProperties !== false ? [path] : [];
    return [...here, ...properties.flatMap(([name, property]) => open(property, `${path}.${name}`))];
  };
  expect(open(JSON.parse(valuesSchemaText()), 'values')).toEqual([]);
});

test("every pattern is one that Go's regular expressions take too", () => {
  // RE2 has no \u escapes, no look-around and no back references; Helm refuses the whole schema because of one.
  const patterns = [...valuesSchemaText().matchAll(/"pattern": (".*"),?$/gm)].map(([, text]) => JSON.parse(text!));
  expect(patterns.length).toBeGreaterThan(10);
  expect(patterns.filter((pattern) => /\\u|\(\?[=!<]|\\[1-9]/.test(pattern))).toEqual([]);
});

test('the chart installs the version of this checkout', () => {
  const text = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');
  expect(parse(text('helm/sluice/Chart.yaml')).appVersion).toBe(JSON.parse(text('package.json')).version);
});

test('the chart says where the project is, as package.json does', () => {
  const text = readFileSync(new URL('../../helm/sluice/Chart.yaml', import.meta.url), 'utf8');
  expect(text, 'npm run docs').toBe(withLinks(text));
  expect(parse(text)).toMatchObject({
    home: repositoryUrl,
    sources: [repositoryUrl],
    maintainers: [{ url: repositoryUrl }],
  });
});
