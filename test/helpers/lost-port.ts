/** The public port of another process is taken from it, as a debugger or `ss -K` would, and that process goes on. */
import { readdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ServeOptions } from './serve.ts';

/**
 * What a process that is started with these options does at SIGUSR2: it closes the descriptor that the file names. Its
 * number is taken at once, because libuv would find a connection where it still looks for its listener.
 */
export function losable(folder: string): Pick<ServeOptions, 'env'> {
  const order = JSON.stringify(join(folder, 'descriptor'));
  const script = `
    import { closeSync, openSync, readFileSync } from 'node:fs';
    process.on('SIGUSR2', () => {
      const descriptor = Number(readFileSync(${order}, 'utf8'));
      closeSync(descriptor);
      while (openSync('/dev/null') < descriptor);
    });`;
  return { env: { NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(script)}` } };
}

/** Makes the process lose the listener of a port of IPv4. */
export function losePort(folder: string, pid: number, port: number): void {
  writeFileSync(join(folder, 'descriptor'), String(listenerOf(pid, port)));
  process.kill(pid, 'SIGUSR2');
}

function listenerOf(pid: number, port: number): string {
  const hex = port.toString(16).toUpperCase().padStart(4, '0');
  const row = new RegExp(`^ *\\d+: \\w+:${hex} \\w+:0000 0A (?:\\S+ +){5}(\\d+)`, 'm');
  const inode = row.exec(readFileSync(`/proc/${pid}/net/tcp`, 'latin1'))?.[1];
  const isIt = (descriptor: string) => {
    try {
      return readlinkSync(`/proc/${pid}/fd/${descriptor}`) === `socket:[${inode}]`;
    } catch {
      // It has been closed meanwhile.
      return false;
    }
  };
  const found = readdirSync(`/proc/${pid}/fd`).find(isIt);
  if (found === undefined) throw new Error(`process ${pid} does not listen on ${port}`);
  return found;
}
