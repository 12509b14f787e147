import { expect, test } from 'vitest';
import { authConfig, sluiceConfig, withoutLimits, withToken } from '../../../bench/peer-configs.ts';
import { workloads } from '../../../bench/workloads.ts';
import { loadConfig } from '../../../src/config/model/load.ts';
import type { Route } from '../../../src/config/types.ts';
import { RouteTable } from '../../../src/routes/table.ts';

const loaded = loadConfig('sluice.yaml', sluiceConfig({ listen: 1, backend: 2, admin: 3 }));
if ('errors' in loaded) throw new Error(JSON.stringify(loaded.errors));
const table = new RouteTable(loaded.config.routes);

function routeOf(path: string, from = table): Route {
  const found = from.find('127.0.0.1', path);
  if (found === null || 'between' in found) throw new Error(`no route for ${path}`);
  return found.route;
}

const paths = new Set(workloads.filter(({ program }) => program === 'load').map(({ path }) => path));

test.each([...paths])('%s has every limit, and below it a path that has none with an off', (path) => {
  const on = routeOf(path);
  const off = routeOf(path + withoutLimits);
  for (const sender of ['client', 'upstream'] as const) {
    const { maxMessageBytes, maxFrameBytes, messageTimeoutMs, messageRate, byteRate, maxPauseMs } = on.limits[sender];
    for (const number of [maxMessageBytes, maxFrameBytes, messageTimeoutMs, maxPauseMs]) {
      expect(number).toBeGreaterThan(0);
      expect(number).toBeLessThan(Number.POSITIVE_INFINITY);
    }
    expect([messageRate, byteRate]).not.toContain(null);
    expect(off.limits[sender]).toMatchObject({ messageTimeoutMs: 0, messageRate: null, byteRate: null, maxPauseMs: 0 });
    expect(off.limits[sender].maxMessageBytes).toBe(Number.POSITIVE_INFINITY);
    expect(off.limits[sender].maxFrameBytes).toBe(Number.POSITIVE_INFINITY);
    // What has no off is the same for both.
    expect(off.limits[sender].maxBufferBytes).toBe(on.limits[sender].maxBufferBytes);
    expect(off.limits[sender].maxQueue).toBe(on.limits[sender].maxQueue);
  }
});

test.each(['/echo', '/bytes/1000'])('%s asks nobody, and below it a path asks for a token where one does', (path) => {
  const routes = [null, '/keys.json'].map((file) => {
    const loaded = loadConfig('auth.yaml', authConfig({ listen: 1, backend: 2, admin: 3 }, file));
    if ('errors' in loaded) throw new Error(JSON.stringify(loaded.errors));
    return new RouteTable(loaded.config.routes);
  });
  const token = path + withToken.split('?')[0]!;
  expect(routes.map((one) => [routeOf(path, one).auth, routeOf(token, one).auth === null])).toEqual([
    [null, true],
    [null, false],
  ]);
});
