/** When the table is written, and what a crash leaves of it. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, promises, readdirSync, readFileSync } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { dirname, join } from 'node:path';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { StateFile } from '../../../src/admin/routes-api/state-file.ts';
import type { Log } from '../../../src/observe/log/log.ts';
import { ApiRoutes } from '../../../src/routes/api-routes.ts';
import { scratchFolder } from '../../helpers/scratch-folder.ts';

const crashing = join(import.meta.dirname, '../../helpers/crashing-state-file.ts');
const body = JSON.stringify({ target: 'http://127.0.0.1:1', data: 'x'.repeat(10_000) });

/** A table in a file, and what is told of it. */
function tableIn(file: string) {
  const told: string[] = [];
  const routes = new ApiRoutes(false);
  const state = new StateFile(file, routes, { tell: (event: string) => told.push(event) } as unknown as Log);
  routes.listener = { added() {}, removed() {}, changed: () => state.changed() };
  return { routes, state, told };
}

const pathsIn = (file: string): string[] =>
  JSON.parse(readFileSync(file, 'utf8')).routes.map(([path]: [string]) => path);

describe('a crash leaves the table before, or the one after, and nothing between', () => {
  const before = Array.from({ length: 20 }, (_, i) => `/user/${i}`);
  const steps: readonly (readonly [step: string, paths: readonly string[]])[] = [
    // The first of several pieces.
    ['before writeFile', before],
    ['after writeFile', before],
    ['before sync', before],
    ['after sync', before],
    ['before rename', before],
    ['after rename', [...before, '/new']],
    ['never', [...before, '/new']],
  ];

  test.each(steps)('%s', async (step, paths) => {
    const file = join(scratchFolder(), 'routes.json');
    const first = tableIn(file);
    for (const path of before) first.routes.set(path, body, 0);
    await first.state.close();
    const child = spawn(process.execPath, [crashing, file, step]);
    const [code, signal] = await once(child, 'exit');
    expect([code, signal]).toEqual(step === 'never' ? [0, null] : [null, 'SIGKILL']);
    expect(pathsIn(file)).toEqual(paths);
    // Whoever starts next goes on from there, and leaves nothing of it.
    const next = tableIn(file);
    await next.state.load(0);
    expect([...next.routes.all()].map(({ path }) => path)).toEqual(paths);
    expect(next.told).toEqual(['routes_loaded']);
    next.routes.set('/next', body, 0);
    await next.state.close();
    expect(pathsIn(file)).toEqual([...paths, '/next']);
    expect(readdirSync(dirname(file))).toEqual(['routes.json']);
  });
});

test('of two processes that begin at once with one file one writes it, and the other says so', async () => {
  const file = join(scratchFolder(), 'routes.json');
  const both = [tableIn(file), tableIn(file)] as const;
  for (const { state } of both) await state.load(0);
  for (const round of ['first', 'second']) {
    for (const [i, { routes, state }] of both.entries()) {
      routes.set(`/${i}/${round}`, body, 0);
      await state.close();
    }
  }
  const told = both.map((one) => one.told);
  expect(told.toSorted()).toEqual([[], ['routes_not_saved']]);
  const winner = told.findIndex(({ length }) => length === 0);
  expect(pathsIn(file)).toEqual([`/${winner}/first`, `/${winner}/second`]);
});

describe('by a clock that the test sets', () => {
  /** Only the clocks of this thread stand still: the file system goes on. */
  function clocked() {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    onTestFinished(() => void vi.useRealTimers());
    const pass = (ms: number) => void vi.advanceTimersByTime(ms);
    const when = async (condition: () => boolean) => {
      while (!condition()) await new Promise(setImmediate);
    };
    // Nothing is being written, nor is it going to be.
    const isAtRest = () => vi.getTimerCount() === 0;
    return { pass, when, isAtRest };
  }

  test('changes of a second are written together, a second after the first of them', async () => {
    const { pass, when, isAtRest } = clocked();
    const file = join(scratchFolder(), 'routes.json');
    const { routes, state } = tableIn(file);
    const writes = vi.spyOn(routes, 'all');
    for (let i = 0; i < 50; i++) {
      routes.set(`/${i}`, body, 0);
      pass(19);
    }
    expect(writes).toHaveBeenCalledTimes(0);
    pass(50);
    await when(() => existsSync(file) && isAtRest());
    expect(writes).toHaveBeenCalledTimes(1);
    expect(pathsIn(file)).toHaveLength(50);
    for (let i = 0; i < 10; i++) {
      routes.set('/again', JSON.stringify({ target: `http://127.0.0.1:${i + 1}` }), 0);
      pass(90);
    }
    expect(writes).toHaveBeenCalledTimes(1);
    pass(100);
    await when(() => pathsIn(file).length === 51 && isAtRest());
    expect(writes).toHaveBeenCalledTimes(2);
    // Nothing has changed since.
    pass(10_000);
    expect(writes).toHaveBeenCalledTimes(2);
    await state.close();
  });

  test('a file system that does not answer holds up the end for five seconds and no longer', async () => {
    const { pass, when } = clocked();
    const { routes, state, told } = tableIn(join(scratchFolder(), 'routes.json'));
    const answer = Promise.withResolvers<void>();
    const asked = vi.spyOn(promises, 'rm').mockReturnValue(answer.promise);
    syncBuiltinESMExports();
    onTestFinished(() => {
      answer.reject(new Error('the file system is gone'));
      asked.mockRestore();
      syncBuiltinESMExports();
    });
    routes.set('/a', body, 0);
    const closing = state.close();
    await when(() => asked.mock.calls.length > 0);
    pass(5000);
    await closing;
    expect(told).toEqual(['routes_not_saved']);
    expect(asked).toHaveBeenCalledTimes(1);
  });

  test('a folder that is not there is told of once, tried again every ten seconds, and written to when it is', async () => {
    const { pass, when } = clocked();
    const file = join(scratchFolder(), 'later', 'routes.json');
    const { routes, state, told } = tableIn(file);
    const writes = vi.spyOn(routes, 'all');
    await state.load(0);
    routes.set('/a', body, 0);
    pass(1000);
    await when(() => told.includes('routes_not_saved'));
    routes.set('/b', body, 0);
    mkdirSync(dirname(file));
    pass(9999);
    expect(writes).toHaveBeenCalledTimes(1);
    pass(1);
    await when(() => told.includes('routes_saved'));
    expect(told).toEqual(['routes_not_saved', 'routes_saved']);
    expect(pathsIn(file)).toEqual(['/a', '/b']);
    await state.close();
  });
});
