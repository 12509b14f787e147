/**
 * How much the kernel still holds for a peer. Node hears from a slow receiver only when a third of the kernel's send
 * buffer is free again: with 4 MiB and a reader of 20 KB/s every 65 s (measured). Linux shows the queue itself.
 */
import { readFileSync } from 'node:fs';
import type { Socket } from 'node:net';

/** Reading the tables costs milliseconds with thousands of sockets: one reading serves all who ask at about the same time. */
const readingLastsMs = 200;

let readAt = Number.NEGATIVE_INFINITY;
let queues = new Map<string, number>();

/** Bytes that the kernel has accepted for this socket and its peer has not acknowledged; `null` where that cannot be known. */
export function kernelQueueBytes(socket: Socket, now: number): number | null {
  if (now - readAt > readingLastsMs) {
    queues = new Map([...readTable('/proc/self/net/tcp'), ...readTable('/proc/self/net/tcp6')]);
    readAt = now;
  }
  return queues.get(`${socket.localPort}>${socket.remotePort}>${hexAddress(socket.remoteAddress)}`) ?? null;
}

/** Lets go of the last reading: with thousands of sockets it is large. */
export function forgetKernelQueues(): void {
  if (queues.size > 0) queues = new Map();
  readAt = Number.NEGATIVE_INFINITY;
}

/** Rows are `sl local remote st tx:rx …`, addresses in hex (Linux, Documentation/networking/proc_net_tcp). */
function readTable(path: string): [string, number][] {
  let text: string;
  try {
    text = readFileSync(path, 'latin1');
  } catch {
    return [];
  }
  return text
    .split('\n')
    .slice(1)
    .map((line) => line.trim().split(/\s+/))
    .filter((fields) => fields.length > 4)
    .map(([, local, remote, , queue]) => {
      const [address, port] = remote.split(':');
      const key = `${Number.parseInt(local.split(':')[1], 16)}>${Number.parseInt(port, 16)}>${foldMapped(address)}`;
      return [key, Number.parseInt(queue, 16)];
    });
}

/** An IPv4 address in an IPv6 table (`::ffff:a.b.c.d`) is that IPv4 address. */
function foldMapped(hex: string): string {
  return hex.startsWith('0000000000000000FFFF0000') ? hex.slice(24) : hex;
}

/** The address as the tables write it: 32-bit words, each in the byte order of this machine (little-endian). */
function hexAddress(address: string | undefined): string {
  if (address === undefined) return '';
  const v4 = address.startsWith('::ffff:') ? address.slice(7) : address;
  if (!v4.includes(':')) return hexWord(v4.split('.').map(Number));
  const [left, right = ''] = v4.split('%')[0].split('::');
  const parse = (part: string) => (part === '' ? [] : part.split(':').map((group) => Number.parseInt(group, 16)));
  const head = parse(left);
  const tail = parse(right);
  const groups = [...head, ...new Array(8 - head.length - tail.length).fill(0), ...tail];
  let hex = '';
  for (let i = 0; i < 8; i += 2) {
    hex += hexWord([groups[i] >> 8, groups[i] & 255, groups[i + 1] >> 8, groups[i + 1] & 255]);
  }
  return hex;
}

function hexWord(bytes: number[]): string {
  return bytes
    .toReversed()
    .map((byte) => byte.toString(16).padStart(2, '0'))
    .join('')
    .toUpperCase();
}
