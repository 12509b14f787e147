/** The proxies that are compared, and the Sluices that are compared with one another. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { node, root } from './paths.ts';
import {
  authConfig,
  haproxyConfig,
  keySet,
  nginxConfig,
  type Ports,
  sluiceConfig,
  withoutLimits,
  withToken,
  writeConfig,
} from './peer-configs.ts';

/** A proxy to measure. */
export interface Peer {
  /** What `--only` and the JSON call it. */
  readonly name: string;
  /** The head of its column. */
  readonly title: string;
  /**
   * The command that listens on `ports.listen` and relays to `ports.backend`; `null` is no proxy at all. Peers of the
   * same command that take turns share a process: two of one program differ by more than what is to be seen.
   */
  readonly command: ((ports: Ports) => readonly string[]) | null;
  /** What it adds to a workload's path, if anything. */
  readonly path?: string;
  /** It knows no plain HTTP. */
  readonly webSocketsOnly?: true;
  /** Why it cannot run here, or `null`. */
  readonly missing: () => string | null;
}

const always = (): null => null;

function installed(program: string, ...args: string[]): () => string | null {
  return () => (spawnSync(program, args).error ? `${program} is not installed: run bench/install-peers.sh` : null);
}

const program = (name: string): string => join(root, 'bench', 'programs', name);
const chp = join(root, 'node_modules', 'configurable-http-proxy', 'bin', 'configurable-http-proxy');

function nginx(name: string, bufferKib: number | null): Peer['command'] {
  return (ports) => ['nginx', '-c', writeConfig(`${name}.conf`, nginxConfig(name, ports, bufferKib))];
}

const sluice: Peer['command'] = (ports) => {
  const file = writeConfig('sluice.yaml', sluiceConfig(ports));
  return [node, join(root, 'src', 'main.ts'), 'serve', '--config', file];
};

/** In the order of the table. Each runs on one thread. */
export const peers: readonly Peer[] = [
  { name: 'direct', title: 'direct', command: null, missing: always },
  { name: 'sluice', title: 'Sluice', command: sluice, missing: always },
  {
    name: 'http-proxy',
    title: 'http-proxy',
    command: ({ listen, backend }) => [node, program('plain-proxy.ts'), String(listen), String(backend)],
    missing: always,
  },
  {
    name: 'chp',
    title: 'CHP',
    command: ({ listen, backend, admin }) => [
      ...[node, chp, '--log-level=warn', `--default-target=http://127.0.0.1:${backend}`],
      ...['--ip=127.0.0.1', `--port=${listen}`, '--api-ip=127.0.0.1', `--api-port=${admin}`],
    ],
    missing: always,
  },
  {
    name: 'ws-ws',
    title: 'ws↔ws',
    command: ({ listen, backend }) => [node, program('ws-ws.ts'), String(listen), String(backend)],
    webSocketsOnly: true,
    missing: always,
  },
  { name: 'nginx', title: 'nginx', command: nginx('nginx', null), missing: installed('nginx', '-v') },
  { name: 'nginx-64k', title: 'nginx 64k', command: nginx('nginx-64k', 64), missing: installed('nginx', '-v') },
  {
    name: 'haproxy',
    title: 'HAProxy',
    command: (ports) => ['haproxy', '-db', '-f', writeConfig('haproxy.cfg', haproxyConfig(ports))],
    missing: installed('haproxy', '-v'),
  },
];

/** One Sluice, by a route with every limit and by one without any that has an off: what limits cost. */
export const limits = {
  on: { name: 'limits-on', title: 'limits on', command: sluice, missing: always },
  off: { name: 'limits-off', title: 'limits off', command: sluice, path: withoutLimits, missing: always },
} as const satisfies Record<string, Peer>;

/** A Sluice in whose configuration a route asks for tokens, or none does. Each call is a process of its own. */
function authSluice(name: string, asks: boolean): NonNullable<Peer['command']> {
  return (ports) => {
    const keySetFile = asks ? writeConfig('keys.json', keySet) : null;
    const file = writeConfig(`${name}.yaml`, authConfig(ports, keySetFile));
    return [node, join(root, 'src', 'main.ts'), 'serve', '--config', file];
  };
}

const elsewhere = authSluice('auth-elsewhere', true);

/**
 * What authentication costs those whom nobody asks: one Sluice without any, and one in which another route asks. By how
 * much two processes of one program differ, a second one without any tells.
 */
export const auth = {
  nowhere: { name: 'auth-nowhere', title: 'no auth', command: authSluice('auth-nowhere', false), missing: always },
  again: { name: 'auth-nowhere-2', title: 'again', command: authSluice('auth-nowhere-2', false), missing: always },
  elsewhere: { name: 'auth-elsewhere', title: 'auth elsewhere', command: elsewhere, missing: always },
  token: { name: 'auth-token', title: 'a token', command: elsewhere, path: withToken, missing: always },
} as const satisfies Record<string, Peer>;
