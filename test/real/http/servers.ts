/**
 * Servers of plain HTTP, each as its users start it, and one Sluice before all of them: a route is told by its host.
 */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { venvProgram } from '../harness/paths.ts';
import { freePort } from '../harness/ports.ts';
import { answers, type ServerCommand, ServerProcess } from '../harness/server-process.ts';
import { Sluice } from '../harness/sluice.ts';

export type ServerName = 'hypercorn' | 'uvicorn' | 'gunicorn' | 'tornado' | 'tornado-small' | 'aiohttp';

type Ports = Readonly<Partial<Record<ServerName, number>>>;

const apps = fileURLToPath(new URL('apps', import.meta.url));

/** The command of a server that is told its port. */
const commands: Readonly<Record<'hypercorn' | 'uvicorn' | 'gunicorn', (port: number) => readonly string[]>> = {
  hypercorn: (port) => ['--bind', `127.0.0.1:${port}`, 'asgi_app:app'],
  uvicorn: (port) => ['--port', String(port), '--log-level', 'warning', 'asgi_app:app'],
  // Its other worker, `sync`, keeps no connection. Its control socket would stand in the home directory.
  gunicorn: (port) => [
    ...['--worker-class', 'gthread', '--threads', '32', '--no-control-socket'],
    ...['--bind', `127.0.0.1:${port}`, 'wsgi_app:app'],
  ],
};

/** Running servers, and Sluice. */
export interface Servers extends AsyncDisposable {
  readonly sluice: Sluice;
  /** Where the servers listen. */
  readonly ports: Ports;
  /** The two ways to a server: what a test says of one must be true of the other. */
  ways(name: ServerName): readonly Way[];
  /** The way through Sluice that requests take which are not of the strict form, such as one behind an empty line. */
  careful(name: ServerName): Way;
}

/** A way to a server, and the name it is asked under. */
export interface Way {
  readonly name: 'direct' | 'through Sluice' | 'through the careful lane';
  readonly port: number;
  readonly host: string;
  /** What stands before a request. */
  readonly preface?: string;
}

/** Starts the servers of these programs; Tornado and aiohttp have their listeners in one. */
export async function startServers(
  ...programs: readonly (keyof typeof commands | 'tornado' | 'aiohttp')[]
): Promise<Servers> {
  const stack = new AsyncDisposableStack();
  const started = await Promise.all(
    programs.map((program) => (program in commands ? startCommand(program as keyof typeof commands) : script(program))),
  );
  for (const { server } of started) stack.defer(() => server.stop());
  const ports = Object.assign({}, ...started.map((one) => one.ports)) as Ports;
  const sluice = await Sluice.start({
    routes: Object.entries(ports).map(([name, port]) => ({
      name,
      match: { hosts: [`${name}.test`], path: '/' },
      upstream: `http://127.0.0.1:${port}`,
    })),
  });
  stack.use(sluice);
  return {
    sluice,
    ports,
    ways: (name) => [
      { name: 'direct', port: ports[name]!, host: `${name}.test` },
      { name: 'through Sluice', port: sluice.port, host: `${name}.test` },
    ],
    careful: (name) => ({ name: 'through the careful lane', port: sluice.port, host: `${name}.test`, preface: '\r\n' }),
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

interface Started {
  readonly server: ServerProcess;
  readonly ports: Ports;
}

async function startCommand(name: keyof typeof commands): Promise<Started> {
  const port = await freePort();
  const server = await start(name, {
    command: venvProgram('http', name),
    args: commands[name](port),
    cwd: apps,
    ready: answers(`http://127.0.0.1:${port}/seen?id=ready`),
  });
  return { server, ports: { [name]: port } };
}

/** A script tells its ports when it listens. */
async function script(name: string): Promise<Started> {
  let ports: Ports | null = null;
  const server = await start(name, {
    command: venvProgram('http', 'python'),
    args: [join(apps, `${name}_app.py`)],
    ready: async () => ports !== null,
    onLine: (line) => {
      if (line.startsWith('{')) ports = JSON.parse(line) as Ports;
    },
  });
  return { server, ports: ports! };
}

function start(name: string, command: Omit<ServerCommand, 'name'>): Promise<ServerProcess> {
  // What Python compiles would stand in the checkout.
  return ServerProcess.start({ name, env: { PYTHONDONTWRITEBYTECODE: '1', PYTHONUNBUFFERED: '1' }, ...command });
}
