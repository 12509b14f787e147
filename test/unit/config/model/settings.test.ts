import { expect, test } from 'vitest';
import { loadConfig } from '../../../../src/config/model/load.ts';
import { ownSettings } from '../../../../src/config/model/own-settings.ts';
import { routeSettings } from '../../../../src/config/model/route-settings.ts';
import { type SettingRows, valueAt } from '../../../../src/config/model/settings.ts';
import { topSettings } from '../../../../src/config/model/top-settings.ts';

const tables: readonly SettingRows[] = [topSettings, ownSettings, routeSettings];
const rows = tables.flatMap((table) => Object.entries(table));

/** With every section that may be left out as a whole, and in it what must be said. */
function resolved() {
  const tls = '{cert: c, key: k, client_certificates: {ca: a}}';
  const loaded = loadConfig('f', `listen: {tls: ${tls}}\nroutes: [{name: a, upstream: "http://h"}]`);
  if ('errors' in loaded) throw new Error(loaded.errors[0]!.message);
  return loaded.resolved;
}

test('what is built in is what the file would have to say for the same', () => {
  for (const [path, { kind, builtIn = null }] of rows) {
    if (builtIn === null && !kind.hasNull) continue;
    expect(kind.schema.parse(kind.written(builtIn)), path).toEqual(builtIn);
  }
});

test('a row has what is built in, or nothing, or must be said', () => {
  for (const [path, row] of rows) expect('builtIn' in row || row.isRequired, path).toBe(true);
});

test('what is built in stands at the field of its row', () => {
  const { routes, ...top } = resolved();
  for (const [path, { field, builtIn }] of Object.entries(routeSettings as SettingRows)) {
    expect(valueAt(routes[0]!.route, field!), path).toEqual(builtIn);
  }
  for (const [path, { field, builtIn, isRequired }] of Object.entries(topSettings as SettingRows)) {
    if (field !== undefined && !isRequired) expect(valueAt(top, field), path).toEqual(builtIn);
  }
});

test('only the top of the file can hold until a restart', () => {
  const restart = rows.filter(([, { reload }]) => reload === 'restart').map(([path]) => path);
  expect(restart.filter((path) => !path.startsWith('quotas.'))).toEqual([
    'listen.address',
    'admin.address',
    'admin.token_file',
  ]);
});
