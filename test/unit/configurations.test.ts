import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { formatConfigError } from '../../src/config/language/errors.ts';
import { loadConfig } from '../../src/config/model/load.ts';
import { findWarnings } from '../../src/config/model/warnings.ts';

const docs = new URL('../../docs/', import.meta.url);

/** What stands between fences of YAML and has routes: values of the chart have them below `config`. */
const whole = readdirSync(docs)
  .filter((name) => name.endsWith('.md'))
  .flatMap((name) =>
    [...readFileSync(new URL(name, docs), 'utf8').matchAll(/^```yaml\n(.*?)^```/gms)].map(
      ([, text], i): [where: string, text: string] => [`${name}, the block ${i + 1}`, text!],
    ),
  )
  .filter(([, text]) => /^routes:$/m.test(text) && !text.includes('…'));

test('the docs have whole configurations', () => {
  expect(whole.length).toBeGreaterThan(10);
});

test.each(whole)('the configuration of %s is one that Sluice takes', (_, text) => {
  const loaded = loadConfig('sluice.yaml', text);
  expect('errors' in loaded ? loaded.errors.map(formatConfigError) : []).toEqual([]);
});

test.each(whole.filter(([where]) => !/^(?:limits-across-layers|presets)\.md/.test(where)))(
  'check warns of nothing in %s',
  (_, text) => {
    const loaded = loadConfig('sluice.yaml', text);
    if ('errors' in loaded) throw new Error(loaded.errors.map(formatConfigError).join());
    // Where clients connect directly there is no proxy to trust.
    const warnings = findWarnings(loaded.resolved).filter(({ subject }) => subject !== 'listen.trusted_proxies');
    expect(warnings).toEqual([]);
  },
);
