/** Commands with which a hub may start its proxy, with the same flags: `sluice hub-proxy`, and what it stands for. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { type IncomingMessage, type RequestOptions, request } from 'node:http';
import { request as requestSecure } from 'node:https';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { pathToFileURL } from 'node:url';
import { onTestFinished } from 'vitest';
import type { PlaceTold } from './any-port.ts';
import { token } from './hub.ts';
import { program, small } from './program.ts';
import { scratchFolder } from './scratch-folder.ts';
import { until } from './until.ts';

const root = join(import.meta.dirname, '../..');
const anyPort = pathToFileURL(join(import.meta.dirname, 'any-port.ts')).href;

/** By their names. */
export const commands = {
  'configurable-http-proxy': [join(root, 'node_modules/configurable-http-proxy/bin/configurable-http-proxy')],
  'sluice hub-proxy': [...small.flags, program, 'hub-proxy'],
} as const;

export type CommandName = keyof typeof commands;
export const commandNames = Object.keys(commands) as CommandName[];

export interface HubCommand {
  readonly child: ChildProcess;
  /** The port that stands for one of the flags, or for a usual one. */
  port(wanted: number): number;
  readonly exited: Promise<{ readonly code: number | null; readonly output: string }>;
}

export interface HubCommandOptions {
  /** Ports, and paths of unix sockets, at which it must listen before it counts as started. */
  readonly places?: readonly (number | string)[];
  /** Whether flags keep it from saying that it has started. */
  readonly isQuiet?: boolean;
  readonly environment?: Readonly<Record<string, string>>;
}

/** The ports where both listen unless a flag says otherwise: the public one, and that of the API. */
export const usualPorts = [8000, 8001] as const;

/** Starts one; it is killed when the test is over. */
export async function startHubCommand(
  name: CommandName,
  flags: readonly string[],
  { places = usualPorts, isQuiet = false, environment = {} }: HubCommandOptions = {},
): Promise<HubCommand> {
  const file = join(scratchFolder(), 'places');
  writeFileSync(file, '');
  const child = spawn(process.execPath, ['--no-deprecation', `--import=${anyPort}`, ...commands[name], ...flags], {
    env: { ...process.env, ...small.env, CONFIGPROXY_AUTH_TOKEN: token, ANY_PORT_FILE: file, ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  const ports = new Map<number | string, number>();
  let output = '';
  for (const stream of [child.stdout!, child.stderr!]) stream.on('data', (chunk) => (output += chunk));
  // What it has said may still be in the pipes at its exit.
  const exited = once(child, 'close').then(([code]) => ({ code: code as number | null, output }));
  // Sluice sets the route of --default-target when it listens already, and says then that it does.
  const says = name === 'sluice hub-proxy' && !isQuiet ? '"event":"listening"' : '';
  await until(() => {
    if (child.exitCode !== null) throw new Error(`${name} has ended: ${output}`);
    for (const line of readFileSync(file, 'utf8').split('\n').slice(0, -1)) {
      const { wanted, port } = JSON.parse(line) as PlaceTold;
      ports.set(wanted, port);
    }
    return places.every((place) => ports.has(place)) && output.includes(says);
  });
  return { child, port: (wanted) => ports.get(wanted)!, exited };
}

export interface Answered {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

/** Asks by TCP, by a unix socket or by TLS. */
export async function askAt(
  options: RequestOptions & { readonly tls?: object; readonly body?: string },
): Promise<Answered> {
  const { tls, body, ...rest } = options;
  const whole = { host: '127.0.0.1', agent: false, ...rest } as const;
  const req = tls === undefined ? request(whole) : requestSecure({ ...whole, ...tls });
  req.end(body);
  const [res] = (await once(req, 'response')) as [IncomingMessage];
  return { status: res.statusCode!, headers: res.headers, body: await text(res) };
}

/** What the hub shows. */
export const ofHub = { authorization: `token ${token}` };

/** Sets a route, as the hub does. */
export function setRouteAt(apiPort: number, path: string, target: string): Promise<Answered> {
  const options = { port: apiPort, path: `/api/routes${path}`, method: 'POST', headers: ofHub };
  return askAt({ ...options, body: JSON.stringify({ target }) });
}
