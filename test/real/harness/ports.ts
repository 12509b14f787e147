/**
 * Ports for programs that cannot be told to take any free one and say which. Between the moment a port is chosen and
 * the moment its program listens, nobody else may take it: so they lie below those that the kernel gives to
 * connections, and each worker has its own share.
 */
import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';

const lowest = 10_000;
const highest = firstEphemeralPort() - 1;
/** More than there are ever workers at once. */
const shares = 32;
const perShare = Math.floor((highest - lowest) / shares);
const start = lowest + (Number(process.env.VITEST_POOL_ID ?? 0) % shares) * perShare;
/** Somewhere in the share: what an earlier file of this worker used may not be gone yet. */
let next = Math.floor(Math.random() * perShare);

/** A loopback port that is free, and that is given to nobody else. */
export async function freePort(): Promise<number> {
  for (let tried = 0; tried < perShare; tried++) {
    const port = start + (next++ % perShare);
    if (await isFree(port)) return port;
  }
  throw new Error(`no port from ${start} to ${start + perShare - 1} of 127.0.0.1 is free`);
}

function isFree(port: number): Promise<boolean> {
  const server = createServer();
  return new Promise((resolve) => {
    server.once('error', () => resolve(false)).listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}

function firstEphemeralPort(): number {
  return Number(readFileSync('/proc/sys/net/ipv4/ip_local_port_range', 'utf8').split(/\s+/)[0]);
}
