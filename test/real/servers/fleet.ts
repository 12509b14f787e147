/** The three servers, one client, and the ways to reach a server: directly, or by a route of one Sluice. */
import { Sluice } from '../harness/sluice.ts';
import { type PythonApp, startApp } from './python-app.ts';
import { PythonClient } from './python-client.ts';

/** A backend under test, with its own limit for what a client may send (inclusive). */
export interface Backend {
  readonly name: 'tornado' | 'fastapi' | 'websockets';
  readonly maxMessageBytes: number;
}

const MiB = 1024 * 1024;

/** The backends and their documented defaults, which the direct control cases prove. */
export const backends: readonly Backend[] = [
  { name: 'tornado', maxMessageBytes: 10 * MiB },
  { name: 'fastapi', maxMessageBytes: 16 * MiB },
  { name: 'websockets', maxMessageBytes: MiB },
];

/** Servers and client of one test file. */
export interface Fleet extends AsyncDisposable {
  readonly apps: Readonly<Record<Backend['name'], PythonApp>>;
  readonly client: PythonClient;
}

/** Starts everything but Sluice. */
export async function startFleet(): Promise<Fleet> {
  const [tornado, fastapi, websockets] = await Promise.all(backends.map(({ name }) => startApp(name)));
  const client = new PythonClient();
  return {
    apps: { tornado: tornado!, fastapi: fastapi!, websockets: websockets! },
    client,
    async [Symbol.asyncDispose]() {
      await Promise.all([tornado!, fastapi!, websockets!, client].map((each) => each[Symbol.asyncDispose]()));
    },
  };
}

/** A fleet, and a Sluice before it: each backend by a route of its own name, with the preset of that name. */
export interface RelayedFleet extends Fleet {
  readonly sluice: Sluice;
}

export async function startRelayedFleet(): Promise<RelayedFleet> {
  await using started = new AsyncDisposableStack();
  const fleet = started.use(await startFleet());
  const sluice = await Sluice.start({
    routes: backends.map(({ name }) => route(name, fleet.apps[name].ports.default!, { preset: name })),
  });
  started.defer(() => sluice.stop());
  const all = started.move();
  return { ...fleet, sluice, [Symbol.asyncDispose]: () => all.disposeAsync() };
}

/** A route that matches the host `<name>.test`, for a listener on loopback. */
export function route(
  name: string,
  port: number,
  settings: Readonly<Record<string, unknown>> = {},
): Readonly<Record<string, unknown>> {
  return { name, match: { hosts: [`${name}.test`], path: '/' }, upstream: `http://127.0.0.1:${port}`, ...settings };
}

/** The base URI of a route of `route()` in a running Sluice. */
export function through(sluice: Sluice, name: string): string {
  return `ws://${name}.test:${sluice.port}`;
}
