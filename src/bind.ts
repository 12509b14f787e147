/** Listening on a TCP port or a unix socket, for the public port and the admin port alike. */
import { once } from 'node:events';
import { lstat, unlink } from 'node:fs/promises';
import { type AddressInfo, connect, type Server } from 'node:net';
import type { ListenAddress } from './config/types.ts';

/** Who may connect to a unix socket beside the process's own user; `umask`: whoever that of the process lets. */
export type SocketAccess = 'owner' | 'group' | 'umask';

/** What a unix socket's file lacks of 0777; connecting takes the right to write. */
const umasks = { owner: 0o177, group: 0o117 } as const;

/** Listens; rejects with the system's error where it cannot. Returns the port, 0 for a unix socket. */
export async function bind(server: Server, address: ListenAddress, access: SocketAccess): Promise<number> {
  if (address.kind === 'unix') {
    await bindPath(server, address.path, access);
    return 0;
  }
  server.listen(address.port, address.host);
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

/** A process that was killed leaves its socket's file behind, and nobody else may listen there until it is removed. */
async function bindPath(server: Server, path: string, access: SocketAccess): Promise<void> {
  listenGuarded(server, path, access);
  try {
    await once(server, 'listening');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE' || !(await isAbandoned(path))) throw error;
    await unlink(path);
    listenGuarded(server, path, access);
    await once(server, 'listening');
  }
}

/** The file is made with its mode: a mode that is set afterwards leaves a moment in which anybody may connect. */
function listenGuarded(server: Server, path: string, access: SocketAccess): void {
  if (access === 'umask') {
    server.listen(path);
    return;
  }
  const before = process.umask(umasks[access]);
  try {
    // Node makes the file before this returns.
    server.listen(path);
  } finally {
    process.umask(before);
  }
}

/**
 * Whether the file is a socket where nobody listens. A full backlog or a missing right to connect is no proof of
 * that.
 */
async function isAbandoned(path: string): Promise<boolean> {
  // Connecting to an ordinary file is refused too.
  const file = await lstat(path).catch(() => null);
  if (!file?.isSocket()) return false;
  const probe = connect(path);
  try {
    await once(probe, 'connect');
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ECONNREFUSED';
  } finally {
    probe.destroy();
  }
}

/** An address that was listened on, with the port that it really has. */
export function withPort(address: ListenAddress, port: number): ListenAddress {
  return address.kind === 'unix' ? address : { ...address, port };
}
