/** TCP sockets as the kernel sees them, and a port that accepts nothing. */
import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import type { Socket } from 'node:net';
import { Worker } from 'node:worker_threads';
import { rawConnect } from './raw-client.ts';

/** A listener: its port at 127.0.0.1, or its address too. Others may have the same port at another address. */
export type Listener = number | { readonly host: string; readonly port: number };

/** Both ports of one connection: one alone may be that of another process's connection, too. */
export type Ends = readonly [number, number];

/** A socket as the kernel's tables show it: addresses in hex, with their ports. */
interface Row {
  readonly local: string;
  readonly remote: string;
  readonly state: string;
  readonly timer: string;
}

/**
 * The sockets of those tables, each once, but for listeners and for those in TIME_WAIT: there may be tens of thousands
 * of them, which other tests have left. A table is read in pieces: while sockets come and go the kernel shows some
 * twice, and now and then leaves one out (seen in 8 and in 1 of some hundred readings). So a number that is not 0 is
 * waited for.
 */
export async function kernelSockets(): Promise<Row[]> {
  const tables = await Promise.all(['tcp', 'tcp6'].map((name) => readFile(`/proc/self/net/${name}`, 'latin1')));
  const found = new Map<string, Row>();
  for (const [, local, remote, state, timer] of tables.join('').matchAll(row)) {
    found.set(`${local} ${remote}`, { local: plain(local!), remote: plain(remote!), state: state!, timer: timer! });
  }
  return [...found.values()];
}

/** 06 is TIME_WAIT, 0A a listener. */
const row = /^ *\d+: (\w+:\w{4}) (\w+:\w{4}) (?!06|0A)(\w\w) \S+ (\w\w):/gm;

/** An address of IPv4 that stands in the table of IPv6, as the other table has it. */
function plain(address: string): string {
  return address.replace(/^0{16}FFFF0000/, '');
}

/** How many TCP sockets are of such listeners or connections, on either side, but for TIME_WAIT and the listeners. */
export async function socketsOn(all: readonly (Listener | Ends)[]): Promise<number> {
  const sockets = await kernelSockets();
  const isOne = all.map(matcherOf);
  return sockets.filter((socket) => isOne.some((matches) => matches(socket))).length;
}

/** Whether a socket is of that listener, its clients', or of that connection. */
export function matcherOf(one: Listener | Ends): (socket: Row) => boolean {
  if (typeof one === 'number') return matcherOf({ host: '127.0.0.1', port: one });
  if ('host' in one) {
    const bytes = one.host.split('.').map((byte) => hex(Number(byte), 2));
    const address = `${bytes.reverse().join('')}:${hex(one.port, 4)}`;
    return ({ local, remote }) => local === address || remote === address;
  }
  const [first, second] = one.map((port) => `:${hex(port, 4)}`) as [string, string];
  return ({ local, remote }) =>
    (local.endsWith(first) && remote.endsWith(second)) || (local.endsWith(second) && remote.endsWith(first));
}

function hex(value: number, digits: number): string {
  return value.toString(16).toUpperCase().padStart(digits, '0');
}

/** Both ports of a connection that is open. */
export function endsOf({ localPort, remotePort }: Socket): Ends {
  if (localPort === undefined || remotePort === undefined) throw new Error('this socket is not open');
  return [localPort, remotePort];
}

/** The bytes that the kernel holds for the peer of a socket of IPv4 at this moment; 0 where it has no such socket. */
export function unacknowledged({ localPort, remotePort }: Socket): number {
  if (localPort === undefined || remotePort === undefined) return 0;
  const table = readFileSync('/proc/self/net/tcp', 'latin1');
  const [local, remote] = [hex(localPort, 4), hex(remotePort, 4)];
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
  /** How many sockets are of it already (`socketsOn`): what fills its backlog. */
  readonly sockets: number;
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
    sockets: 2 * fillers.length,
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
