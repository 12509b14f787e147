import { readFileSync } from 'node:fs';
import { Validator } from '@seriousme/openapi-schema-validator';
import { expect, test } from 'vitest';
import { openApiDocument } from '../../../../src/admin/api/openapi.ts';
import { breaches } from '../../../helpers/admin-client.ts';

const document = openApiDocument('1.2.3');

test('is a valid OpenAPI document, and every reference leads somewhere', async () => {
  const validator = new Validator();
  expect(await validator.validate(structuredClone(document))).toEqual({ valid: true });
  expect(validator.version).toBe('3.1');
  const text = JSON.stringify(document);
  const { schemas } = document.components as { schemas: object };
  const used = new Set([...text.matchAll(/"\$ref":"#\/components\/schemas\/([^"]+)"/g)].map(([, name]) => name));
  expect([...used].sort()).toEqual(Object.keys(schemas).sort());
  expect(text).not.toContain('$defs');
});

test('a broken document would be told', async () => {
  const broken = { ...structuredClone(document), openapi: '3.1.1', paths: { '/x': { get: { responses: 7 } } } };
  expect(await new Validator().validate(broken)).toMatchObject({ valid: false });
});

test('every operation has a name of its own, words, and the answers of the guard', () => {
  const operations = Object.values(document.paths as Record<string, object>).flatMap((item) => Object.values(item));
  expect(operations).toHaveLength(11);
  expect(new Set(operations.map(({ operationId }) => operationId)).size).toBe(11);
  for (const { summary, responses } of operations) {
    expect(summary).toMatch(/^[A-Z]/);
    expect(Object.keys(responses)).toEqual(expect.arrayContaining(['401', '403', '503']));
  }
});

test('docs/admin-api.md names every operation', () => {
  const guide = readFileSync(new URL('../../../../docs/admin-api.md', import.meta.url), 'utf8');
  for (const [path, item] of Object.entries(document.paths as Record<string, object>)) {
    for (const method of Object.keys(item)) {
      if (path === '/api/openapi.json') expect(guide).toContain(`\`${path}\``);
      else
        expect(guide).toContain(`\`${method.toUpperCase()} ${path.replace('{id}', 'ID').replace('{name}', 'NAME')}\``);
    }
  }
});

test('an answer that is not as documented would be told', () => {
  const build = { version: '1', revision: '', node: '24', pid: 1, started_at: '2026-01-01T00:00:00Z', uptime_s: 1 };
  expect(breaches('GET', '/api/build', 200, build)).toEqual([]);
  expect(breaches('GET', '/api/build', 200, { ...build, more: 1 })).toHaveLength(1);
  expect(breaches('GET', '/api/build', 200, { ...build, pid: '1' })).toHaveLength(1);
  expect(breaches('GET', '/api/build', 204, build)).toEqual(['GET /api/build: 204 is not documented']);
  expect(breaches('GET', '/api/builds', 200, build)).toEqual(['GET /api/builds is not documented']);
});
