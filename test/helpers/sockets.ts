/** TCP sockets as the kernel sees them, and a port that accepts nothing. */
import { readFile } from 'node:fs/promises';
import { Worker } from 'node:worker_threads';
import { rawConnect } from './raw-client.ts';

const timeWait = '06';
const listening = '0A';

/** How many TCP sockets have one of these ports on either side; those in TIME_WAIT and those that listen do not count. */
export async function socketsOn(ports: readonly number[]): Promise<number> {
  const tables = await Promise.all(['tcp', 'tcp6'].map((name) => readFile(`/proc/self/net/${name}`, 'utf8')));
  const lines = tables.flatMap((table) => table.trim().split('\n').slice(1));
  return lines.filter((line) => {
    const [, local, remote, state] = line.trim().split(/\s+/);
    if (state === timeWait || state === listening) return false;
    return [local!, remote!].some((end) => ports.includes(Number.parseInt(end.split(':')[1]!, 16)));
  }).length;
}

/** A port of loopback where a connection stays in SYN_SENT: somebody listens, accepts nothing, and the backlog is full. */
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
