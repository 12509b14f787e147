import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import { formatConfigError } from '../../../../src/config/language/errors.ts';
import { readConfig } from '../../../../src/config/live/read.ts';
import { presetGuide } from '../../../../src/config/model/preset-guide.ts';
import { presetNames } from '../../../../src/config/model/presets.ts';
import { referenceText, schemaText } from '../../../../src/config/model/reference.ts';
import { settingKeys } from '../../../../src/config/model/route-settings.ts';

const root = new URL('../../../../', import.meta.url);
const read = (path: string) => readFileSync(new URL(path, root), 'utf8');
const files = [
  'sluice.yaml',
  'demo.yaml',
  ...readdirSync(new URL('config/examples/', root)).map((name) => `examples/${name}`),
].map((name) => `config/${name}`);

test('docs/configuration.md is what the schema generates (npm run docs)', () => {
  expect(read('docs/configuration.md')).toBe(referenceText());
});

test('docs/presets.md is what the presets generate (npm run docs)', () => {
  expect(read('docs/presets.md')).toBe(presetGuide());
});

test('docs/sluice.schema.json is what the schema generates (npm run docs)', () => {
  expect(read('docs/sluice.schema.json')).toBe(schemaText());
});

test('the reference names every setting and every preset', () => {
  const text = referenceText();
  for (const key of settingKeys) expect(text).toContain(`| \`${key.split('.').at(-1)}\` |`);
  for (const name of presetNames) expect(text).toContain(`| \`${name}\` |`);
});

describe('every file in config/', () => {
  // The published schema as another program reads it: made into a validator again from its JSON.
  const published = z.fromJSONSchema(JSON.parse(schemaText()));

  test.each(files)('%s is valid', async (file) => {
    const loaded = await readConfig([new URL(file, root).pathname]);
    expect('errors' in loaded ? loaded.errors.map(formatConfigError) : []).toEqual([]);
  });

  test.each(files)('%s is valid by the published schema', (file) => {
    expect(published.safeParse(parse(read(file))).error?.issues ?? []).toEqual([]);
  });

  test.each([
    'panel',
    'bokeh',
    'jupyterlab',
    'notebook-classic',
    'jupyterhub',
    'tornado',
    'fastapi',
    'websockets',
    'data-apps',
    'dask',
  ])('there is one for %s', (name) => {
    expect(files).toContain(`config/examples/${name}.yaml`);
  });

  test.each([
    { routes: [{ name: 'a', upstream: 'http://h', limits: { client: { max_message_size: '20 MiBs' } } }] },
    {
      routes: [
        { name: 'a', upstream: 'http://h', limits: { client: { max_message_rate: { rate: '1/s', brust: 2 } } } },
      ],
    },
    { routes: [{ name: 'a', upstream: 'http://h/path' }] },
    { routes: [{ name: 'a', upstream: 'http://h', preset: 'pannel' }] },
    { routes: [{ name: 'a' }] },
    { routes: [] },
    { timeouts: { close: 'off' }, routes: [{ name: 'a', upstream: 'http://h' }] },
  ])('the published schema refuses %j', (value) => {
    expect(published.safeParse(value).success).toBe(false);
  });
});
