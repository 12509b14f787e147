/**
 * How much the kernel still holds for a peer. Node hears from a slow receiver only when a third of the kernel's send
 * buffer is free again: with 4 MiB and a reader of 20 KB/s every 65 s (measured). Linux shows the queue itself, in tables
 * of all sockets. With 45 000 rows reading them takes up to a second, so it is done beside the event loop, and one reading
 * serves all who ask at about the same time.
 */
import { readFile } from 'node:fs/promises';
import type { Socket } from 'node:net';

/** What the kernel has accepted for a socket and its peer has not acknowledged. */
export interface KernelReading {
  readonly bytes: number;
  /** When the table was read: two readings with the same time are one. */
  readonly at: number;
}

/** `pending`: ask again at the next tick; `null` where it cannot be known. */
export type KernelQueue = KernelReading | 'pending' | null;

/** Longer than a tick, so that whoever asks again finds what was read for it. */
const readingLastsMs = 400;
/** At most this share of the time goes into reading. */
const shareOfTime = 1 / 4;

/** A reading of the tables: the queues in hex by connection. */
interface Tables {
  readonly queues: ReadonlyMap<string, string>;
  readonly at: number;
  readonly lastsMs: number;
}

let tables: Tables | null = null;
let isReading = false;
let isUnreadable = false;

/** Looks for a socket's send queue in the last reading, and begins another where that is too old. */
export function kernelQueue(socket: Socket, now: number): KernelQueue {
  if (isUnreadable || socket.localPort === undefined) return null;
  if (tables === null || now - tables.at > tables.lastsMs) {
    if (!isReading) void readTables(now);
    return 'pending';
  }
  const key = `${hexPort(socket.localPort)}>${hexAddress(socket.remoteAddress)}:${hexPort(socket.remotePort)}`;
  const bytes = tables.queues.get(key);
  return bytes === undefined ? null : { bytes: Number.parseInt(bytes, 16), at: tables.at };
}

/** Lets go of a reading that is too old: with thousands of sockets it is large. */
export function forgetKernelQueues(now: number): void {
  if (tables !== null && now - tables.at > tables.lastsMs) tables = null;
}

async function readTables(now: number): Promise<void> {
  isReading = true;
  const started = performance.now();
  try {
    const queues = new Map<string, string>();
    for (const path of ['/proc/self/net/tcp', '/proc/self/net/tcp6']) addRows(queues, await readFile(path, 'latin1'));
    const lastsMs = Math.max(readingLastsMs, (performance.now() - started) / shareOfTime);
    tables = { queues, at: now, lastsMs };
  } catch {
    isUnreadable = true;
  } finally {
    isReading = false;
  }
}

/** `sl local remote state tx:rx …`, addresses and numbers in hex (Linux, Documentation/networking/proc_net_tcp). */
const row = /^ *\d+: [0-9A-F]+:([0-9A-F]{4}) ([0-9A-F]+):([0-9A-F]{4}) ([0-9A-F]{2}) ([0-9A-F]{8}):/gm;
/** What is left of a connection when its socket is gone; there may be very many. */
const timeWait = '06';

function addRows(queues: Map<string, string>, text: string): void {
  for (const [, localPort, address, remotePort, state, bytes] of text.matchAll(row)) {
    if (state !== timeWait) queues.set(`${localPort}>${foldMapped(address!)}:${remotePort}`, bytes!);
  }
}

function hexPort(port: number | undefined): string {
  return (port ?? 0).toString(16).toUpperCase().padStart(4, '0');
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
