import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { limits, senderLimits, sharedLimits } from '../../../src/catalogue/limits.ts';
import { connectionOutcomes, reasonOf } from '../../../src/catalogue/outcomes.ts';
import type { ContentRuleRow, SenderLimitRow, SharedLimitRow } from '../../../src/catalogue/row.ts';
import { routeSettings } from '../../../src/config/model/route-settings.ts';
import { topSettings } from '../../../src/config/model/top-settings.ts';
import { liveFamilies } from '../../../src/observe/metrics/live-families.ts';
import { routeFamilies } from '../../../src/observe/metrics/route-families.ts';

const rows = Object.entries(limits as Readonly<Record<string, SenderLimitRow | SharedLimitRow | ContentRuleRow>>);

test('every limit that ends a connection has words for its close frame, with what holds', () => {
  for (const [key, { isViolation, closes, exceeded }] of rows) {
    if (isViolation && closes) expect(exceeded, key).toMatch(/\{(limit|detail)\}/);
  }
});

test('a limit that only pauses its sender is no violation, and every other has an ending', () => {
  for (const [key, { isViolation, closes, refuses, fails, table }] of rows) {
    if (closes ?? refuses ?? fails) continue;
    expect(isViolation, key).toBe(false);
    expect(table.first, key).toContain('paused');
  }
});

test('every counter that the table of limits names is a metric with these labels', () => {
  const families = new Map([...liveFamilies, ...routeFamilies].map(({ name, labels }) => [name, labels]));
  for (const [key, { table }] of rows) {
    for (const counter of table.counted ?? []) {
      const [, name = '', label] = /^(\w+)(?:\{(\w+)="\w+"\})?$/.exec(counter)!;
      expect(families.has(name), `${key}: ${counter}`).toBe(true);
      if (label !== undefined) expect(families.get(name), `${key}: ${counter}`).toContain(label);
    }
  }
});

test('a limit that is exceeded ends a connection as its own row says', () => {
  expect(connectionOutcomes[reasonOf('max_pause')]).toBe(limits.max_pause.closes);
  expect(connectionOutcomes[reasonOf('memory.max_buffered')].client).toBe(1013);
});

test('a row is a setting, endings, a line of README.md and one of the flags', () => {
  const [readme, operations] = ['README.md', 'docs/operations.md'].map((path) =>
    readFileSync(new URL(`../../../${path}`, import.meta.url), 'utf8'),
  );
  for (const key of Object.keys(senderLimits)) {
    for (const sender of ['client', 'upstream']) expect(routeSettings).toHaveProperty([`limits.${sender}.${key}`]);
  }
  for (const { path } of Object.values(sharedLimits))
    expect({ ...topSettings, ...routeSettings }).toHaveProperty([path]);
  for (const [key, { closes, refuses, fails }] of rows) {
    expect(readme).toContain(`\n| \`${key}\` | `);
    for (const ending of [closes, refuses, fails]) {
      if (ending) expect(operations).toContain(`\n| ${ending.flag} | \`${ending.as}\` | `);
    }
  }
});
