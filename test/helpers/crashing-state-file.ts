/**
 * A program that takes a table from a file of routes, sets a route more, and is killed at a step of writing the table:
 * `node crashing-state-file.ts FILE STEP`. A step is `before` or `after`, and the name of a call.
 */
import { promises } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import type { Log } from '../../src/observe/log/log.ts';

const [, , file = '', step = ''] = process.argv;

const die = (): Promise<never> => {
  process.kill(process.pid, 'SIGKILL');
  return new Promise(() => {});
};

type Call = (this: unknown, ...args: never[]) => Promise<unknown>;

/** Has the call die where the step says so. */
function makeDeadly<Name extends string>(owner: Record<Name, Call>, name: Name): void {
  const call = owner[name];
  owner[name] = async function (...args) {
    if (step === `before ${name}`) await die();
    const result = await call.apply(this, args);
    if (step === `after ${name}`) await die();
    return result;
  };
}

const handle = await promises.open('/dev/null');
await handle.close();
makeDeadly(Object.getPrototypeOf(handle), 'writeFile');
makeDeadly(Object.getPrototypeOf(handle), 'sync');
makeDeadly(promises as never, 'rename' as never);
syncBuiltinESMExports();

// Only now: it takes the calls as they are.
const { StateFile } = await import('../../src/admin/routes-api/state-file.ts');
const { ApiRoutes } = await import('../../src/routes/api-routes.ts');
const routes = new ApiRoutes(false);
const state = new StateFile(file, routes, { tell() {} } as unknown as Log);
await state.load(0);
routes.set('/new', JSON.stringify({ target: 'http://127.0.0.1:1', data: 'x'.repeat(10_000) }), 0);
state.changed();
await state.close();
