import { expect, onTestFinished, test } from 'vitest';
import type { ApiGuard } from '../../../src/admin/routes-api/guard.ts';
import { RoutesApiServer } from '../../../src/admin/routes-api/server.ts';
import { HubCounters } from '../../../src/observe/metrics/counters.ts';
import type { ApiRoutes } from '../../../src/routes/api-routes.ts';
import { ask } from '../../helpers/hub.ts';

/** A table of routes that notes which list each is written for. */
function watchedTable(size: number) {
  const written: number[] = [];
  let lists = 0;
  const all = () => {
    const list = lists++;
    return Array.from({ length: size }, (_, i) => ({
      key: `/user/${i}`,
      lastActivity: 0,
      json(at: string) {
        written.push(list);
        return JSON.stringify({ target: 'http://127.0.0.1:1', data: 'x'.repeat(200), last_activity: at });
      },
    }));
  };
  return { written, table: { all } as unknown as ApiRoutes };
}

async function start(routes: ApiRoutes): Promise<number> {
  const server = new RoutesApiServer({
    routes,
    guard: { refuses: () => false, async prepare() {}, close() {} } as unknown as ApiGuard,
    log: { tell() {} } as never,
    tls: null,
    now: () => 0,
    noteActivity() {},
    counters: new HubCounters(),
    heard() {},
    checked() {},
  });
  onTestFinished(() => server.close());
  return server.listen({ kind: 'tcp', host: '127.0.0.1', port: 0 });
}

test('lists are made one after the other, however many ask at once', async () => {
  const { written, table } = watchedTable(20_000);
  const port = await start(table);
  const answers = await Promise.all([1, 2, 3, 4].map(() => ask(port, '/api/routes')));
  for (const { status, body } of answers.filter((answer) => answer.status === 200)) {
    expect([status, Object.keys(JSON.parse(body)).length]).toEqual([200, 20_000]);
  }
  expect(answers.map(({ status }) => status)).toContain(200);
  // All of one before the first of the next.
  expect(written.findIndex((list, i) => list < (written[i - 1] ?? 0))).toBe(-1);
});
