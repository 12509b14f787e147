/** Why Sluice cannot listen somewhere, for whoever starts it: which key, where, what the system says, what to do. */
import { stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { formatListenAddress } from '../config/language/addresses.ts';
import type { ListenAddress } from '../config/types.ts';

/** An address that cannot be had. */
export class ListenFailure extends Error {
  /** The system's. */
  readonly code: string;
  /** Which key of the configuration names the address. */
  readonly key: string;
  /** `null` for a unix socket. */
  readonly port: number | null;

  constructor(words: string, code: string, key: string, port: number | null) {
    super(words);
    this.code = code;
    this.key = key;
    this.port = port;
  }
}

/** Listens on the address of a key; rejects with a `ListenFailure` where the system does not let it. */
export async function listenAt(key: string, address: ListenAddress, listen: () => Promise<number>): Promise<number> {
  try {
    return await listen();
  } catch (error) {
    const { code, syscall } = error as NodeJS.ErrnoException;
    if (code === undefined || syscall === undefined) throw error;
    const why = address.kind === 'unix' ? await ofSocket(code, address.path) : ofPort(code);
    throw new ListenFailure(
      `${formatListenAddress(address)} ${why ?? (error as Error).message}`,
      code,
      key,
      address.kind === 'tcp' ? address.port : null,
    );
  }
}

const whys: Readonly<Record<string, string>> = {
  EADDRINUSE:
    'is taken (EADDRINUSE): end the process that listens there, which `ss -ltnp` names, or write another port',
  EACCES:
    'may not be listened on (EACCES): a port below 1024 takes root or CAP_NET_BIND_SERVICE; write a higher one, such as 8080',
  EADDRNOTAVAIL:
    'is no address of this machine (EADDRNOTAVAIL): write one that `ip addr` shows, or 0.0.0.0 or [::] for all of them',
  EAFNOSUPPORT: 'is IPv6, which this machine does not speak (EAFNOSUPPORT): write an IPv4 address, or 0.0.0.0',
  ENOTFOUND: 'is a name that has no address (ENOTFOUND): write an IP address',
};

function ofPort(code: string): string | null {
  return whys[code] ?? null;
}

async function ofSocket(code: string, path: string): Promise<string | null> {
  const folder = dirname(path);
  switch (code) {
    case 'EADDRINUSE':
      return 'is there already, and somebody listens on it, or it is no socket (EADDRINUSE): write another path';
    case 'EROFS':
      return 'is on a read-only file system (EROFS): write a path in a folder that can be written to, such as /run';
    // libuv says this for a folder that is missing, too.
    case 'EACCES': {
      const isThere = await stat(folder).then(
        (found) => found.isDirectory(),
        (error: NodeJS.ErrnoException) => error.code !== 'ENOENT' && error.code !== 'ENOTDIR',
      );
      if (!isThere) return `cannot be made: there is no folder ${folder}; make it, or write another path`;
      return `cannot be made (EACCES): let user ${process.getuid?.()} write to ${folder}, or write another path`;
    }
    default:
      return null;
  }
}
