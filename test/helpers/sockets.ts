/** TCP sockets as the kernel sees them, and a port that accepts nothing. */
import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import type { Socket } from 'node:net';
import { Worker } from 'node:worker_threads';
import { rawConnect } from './raw-client.ts';

const timeWait = '06';
const listening = '0A';

/** A listener's port; or both ports of one connection: one alone may be that of another process's connection, too. */
export type Ends = number | readonly [number, number];

/** How many TCP sockets have such ends, on either side; those in TIME_WAIT and those that listen do not count. */
export async function socketsOn(all: readonly Ends[]): Promise<number> {
  const tables = await Promise.all(['tcp', 'tcp6'].map((name) => readFile(`/proc/self/net/${name}`, 'utf8')));
  let count = 0;
  for (const [, one, other, state] of tables.join('').matchAll(row)) {
    if (state === timeWait || state === listening) continue;
    const [local, remote] = [Number.parseInt(one!, 16), Number.parseInt(other!, 16)];
    if (all.some((ends) => isOf(ends, local, remote))) count++;
  }
  return count;
}

/** Local port, remote port and state. */
const row = /^ *\d+: [^:]+:(\w{4}) [^:]+:(\w{4}) (\w\w)/gm;

function isOf(ends: Ends, local: number, remote: number): boolean {
  if (typeof ends === 'number') return local === ends || remote === ends;
  return (local === ends[0] && remote === ends[1]) || (local === ends[1] && remote === ends[0]);
}

/** Both ports of a connection that is open. */
export function endsOf({ localPort, remotePort }: Socket): Ends {
  return [localPort!, remotePort!];
}

/** The bytes that the kernel holds for the peer of a socket of IPv4 at this moment; 0 where it has no such socket. */
export function unacknowledged({ localPort, remotePort }: Socket): number {
  if (localPort === undefined || remotePort === undefined) return 0;
  const table = readFileSync('/proc/self/net/tcp', 'latin1');
  const [local, remote] = [localPort, remotePort].map((port) => port.toString(16).toUpperCase().padStart(4, '0'));
  // Tables may be long: this finds the row without looking at each.
  const found = new RegExp(`:${local} [^:]+:${remote} \\w\\w (\\w{8}):`).exec(table);
  return found === null ? 0 : Number.parseInt(found[1]!, 16);
}

/** Whether a plain socket is being read: its stream does not tell, where its handle is read. */
export function isRead(socket: Socket): boolean {
  return (socket as unknown as { _handle: { reading: boolean } })._handle.reading;
}

/**
 * A port of loopback where a connection stays in SYN_SENT: somebody listens, accepts nothing, and the backlog is
 * full.
 */
export interface DeafPort extends AsyncDisposable {
  readonly port: number;
  /** From now on it accepts. */
  listen(): void;
}

/** Opens one at 127.0.0.1. */
export async function deafPort(): Promise<DeafPort> {
  const code = `
    const { parentPort, workerData } = require('node:worker_threads');
    const server = require('node:net').createServer();
    server.listen(0, '127.0.0.1', 1, () => {
      parentPort.postMessage(server.address().port);
      Atomics.wait(workerData, 0, 0);
    });`;
  const waits = new Int32Array(new SharedArrayBuffer(4));
  const worker = new Worker(code, { eval: true, workerData: waits });
  const port = await new Promise<number>((resolve) => worker.once('message', resolve));
  // Linux admits one more than the backlog says.
  const fillers = [await rawConnect(port), await rawConnect(port)];
  return {
    port,
    listen() {
      Atomics.store(waits, 0, 1);
      Atomics.notify(waits, 0);
    },
    async [Symbol.asyncDispose]() {
      for (const filler of fillers) filler.socket.destroy();
      await worker.terminate();
    },
  };
}
