/** What holds from the start of the process to its end. */
import { isDeepStrictEqual } from 'node:util';
import type { Config } from '../types.ts';

const fixed: readonly (readonly [key: string, read: (config: Config) => unknown])[] = [
  ['listen.address', ({ listen }) => listen.address],
  ['listen.tls', ({ listen }) => listen.tls !== null],
  ['admin.address', ({ admin }) => admin.address],
  ['admin.token_file', ({ admin }) => admin.tokenFile],
];

/** `next` with what cannot change while the process runs as it is in `current`, and the keys where they differ. */
export function keepFixed(current: Config, next: Config): { readonly config: Config; readonly differs: string[] } {
  const differs = fixed.filter(([, read]) => !isDeepStrictEqual(read(current), read(next))).map(([key]) => key);
  const tls = differs.includes('listen.tls') ? current.listen.tls : next.listen.tls;
  const listen = { ...next.listen, address: current.listen.address, tls };
  return { config: { ...next, listen, admin: current.admin }, differs };
}
