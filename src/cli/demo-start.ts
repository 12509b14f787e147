/** Puts the demo together: the backend, and the gateway of `config/demo.yaml` on the ports that are wanted. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { loadConfig } from '../config/model/load.ts';
import type { Config, ListenAddress, Route } from '../config/types.ts';
import { startBackend } from '../demo/backend.ts';
import { createGateway } from '../gateway.ts';
import { createLog } from '../observe/log/log.ts';

/** A running demo, with its addresses as `http://host:port`. */
export interface Demo {
  readonly gateway: string;
  readonly backend: string;
  readonly admin: string;
  /** Sends every client away with 1012 and stops; at once when `signal` is aborted. */
  stop(signal?: AbortSignal): Promise<void>;
}

const file = fileURLToPath(new URL('../../config/demo.yaml', import.meta.url));

/**
 * Starts it. `port` is Sluice's, the two after it are the server's and the metrics'; 0 takes free ones, `null` those of
 * the file. Each line of Sluice's log also goes to `onLogLine`. Rejects with `EADDRINUSE` where a port is taken.
 */
export async function startDemo(port: number | null, onLogLine: (line: string) => void): Promise<Demo> {
  const text = readFileSync(file, 'utf8');
  const loaded = loadConfig(file, text);
  if ('errors' in loaded)
    throw new Error(loaded.errors.map(({ line, message }) => `${file}:${line} ${message}`).join());
  const base = loaded.config;
  const at = (offset: number, written: number) => (port === null ? written : port === 0 ? 0 : port + offset);

  const backend = await startBackend(at(1, base.routes[0]!.upstream.port), pageSetup(base.routes, text));
  const config = moved(base, backend.port, at(0, portOf(base.listen.address)), at(2, portOf(base.admin.address)));
  const log = createLog({
    write(line) {
      onLogLine(line);
      backend.showLogLine(line);
    },
  });
  const sluice = createGateway(config, { log });
  try {
    const { address, adminAddress } = await sluice.start();
    const addresses = { gateway: urlOf(address), admin: urlOf(adminAddress!) };
    backend.attach(addresses);
    return {
      ...addresses,
      backend: config.routes[0]!.upstream.href,
      async stop(signal) {
        backend.endStreams();
        await sluice.stop(signal);
        await backend.stop();
      },
    };
  } catch (error) {
    await backend.stop();
    throw error;
  }
}

function urlOf(address: ListenAddress): string {
  return `http://127.0.0.1:${portOf(address)}`;
}

/** The same configuration on other ports. */
function moved(config: Config, backendPort: number, port: number, adminPort: number): Config {
  const upstream = { ...config.routes[0]!.upstream, port: backendPort, href: `http://127.0.0.1:${backendPort}` };
  return {
    ...config,
    listen: { ...config.listen, address: { kind: 'tcp', host: '127.0.0.1', port } },
    admin: { ...config.admin, address: { kind: 'tcp', host: '127.0.0.1', port: adminPort } },
    routes: config.routes.map((route) => ({ ...route, upstream })),
  };
}

function portOf(address: ListenAddress): number {
  if (address.kind === 'unix') throw new Error('config/demo.yaml must listen on ports');
  return address.port;
}

/** What the page shows of the configuration, and the numbers that its experiments need. */
function pageSetup(routes: readonly Route[], text: string): Record<string, unknown> {
  const limits = (name: string) => routes.find((route) => route.name === name)!.limits;
  return {
    limits: {
      message: limits('messages').client.maxMessageBytes,
      chunk: limits('files').client.maxMessageBytes,
      floodBuffer: limits('flood').upstream.maxBufferBytes,
      floodPauseMs: limits('flood').upstream.maxPauseMs,
    },
    yaml: Object.fromEntries(routes.map(({ name }) => [name, writtenRoute(text, name)])),
  };
}

/** A route as it stands in the file, without the indentation of the list. */
function writtenRoute(text: string, name: string): string {
  const [, block = ''] =
    new RegExp(`^( {2}- name: ${name}\\b[^]*?)(?=\\n\\s*\\n|\\n {2}- |$(?![^]))`, 'm').exec(text) ?? [];
  return block.replace(/^ {2}/gm, '');
}
