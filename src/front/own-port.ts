/**
 * Whether the public port still lets a connection in, asked as a client would. A listener that somebody else has closed
 * (a debugger, `ss -K`), or whose socket file is gone, stays open in Node's books: the process looks well and nobody
 * reaches it.
 */
import { connect, type NetConnectOpts } from 'node:net';
import type { ListenAddress } from '../config/types.ts';

/** A port that neither lets in nor refuses for so long has a full queue, which is no reason to send clients away. */
const patienceMs = 500;
/** What the kernel says where nobody listens. Any other failure is of the asking, not of the port. */
const lostBy: readonly (string | undefined)[] = ['ECONNREFUSED', 'ENOENT', 'ENOTSOCK'];

export class OwnPort {
  readonly #to: NetConnectOpts;
  #asked: Promise<boolean> | null = null;

  /** `address` has the port that it really has. */
  constructor(address: ListenAddress) {
    this.#to = reached(address);
  }

  /** Returns whether a connection is refused. Those who ask at the same time share one. */
  refuses(): Promise<boolean> {
    this.#asked ??= isRefused(this.#to).finally(() => {
      this.#asked = null;
    });
    return this.#asked;
  }
}

/** A connection that is closed at once, as a load balancer's check is. */
function isRefused(to: NetConnectOpts): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const socket = connect(to);
  socket.setTimeout(patienceMs, () => socket.destroy());
  socket.once('connect', () => socket.destroy());
  socket.on('error', ({ code }: NodeJS.ErrnoException) => resolve(lostBy.includes(code)));
  socket.once('close', () => resolve(false));
  return promise;
}

/** Who listens on every address is asked on loopback. */
function reached(address: ListenAddress): NetConnectOpts {
  if (address.kind === 'unix') return { path: address.path };
  const { host, port } = address;
  return { port, host: host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '::1' : host };
}
