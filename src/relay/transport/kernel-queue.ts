/**
 * How much the kernel still holds for a peer. Node hears from a slow receiver only when a third of the kernel's send
 * buffer is free again: with 4 MiB and a reader of 20 KB/s every 65 s (measured). Linux shows the queue itself, in tables
 * of all sockets. With 45 000 rows reading them takes up to a second, so it is done beside the event loop, and one reading
 * serves all who ask at about the same time.
 */
import { readFile } from 'node:fs/promises';
import type { Socket } from 'node:net';
import type { KernelQueue } from '../core/stall.ts';

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

/** Looks for a socket's send queue in the last reading, and begins another where that is too old. */
export function kernelQueue(socket: Socket, now: number): KernelQueue {
  if (socket.localPort === undefined) return null;
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
  const queues = new Map<string, string>();
  addRows(queues, await textOf('/proc/self/net/tcp'), 8);
  addRows(queues, await textOf('/proc/self/net/tcp6'), 32);
  tables = { queues, at: now, lastsMs: Math.max(readingLastsMs, (performance.now() - started) / shareOfTime) };
  isReading = false;
}

/** Empty on other systems, without IPv6, and while no file can be opened. */
function textOf(path: string): Promise<string> {
  return readFile(path, 'latin1').catch(() => '');
}

/** What is left of a connection when its socket is gone; there may be very many. */
const timeWait = '06';

/**
 * Rows are `sl: local:port remote:port state tx:rx …`, addresses (of `width` digits) and numbers in hex (Linux,
 * Documentation/networking/proc_net_tcp). Found by their columns: a pattern takes four times as long.
 */
function addRows(queues: Map<string, string>, text: string, width: number): void {
  for (let at = text.indexOf('\n') + 1; at > 0 && at < text.length; at = text.indexOf('\n', at) + 1) {
    const localPort = text.indexOf(':', at) + 3 + width;
    const remote = localPort + 5;
    const remotePort = remote + width + 1;
    const state = remotePort + 5;
    if (text.startsWith(timeWait, state)) continue;
    const address = foldMapped(text.slice(remote, remote + width));
    const key = `${text.slice(localPort, localPort + 4)}>${address}:${text.slice(remotePort, remotePort + 4)}`;
    queues.set(key, text.slice(state + 3, state + 11));
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
  const [left, right = ''] = v4.split('%')[0]!.split('::');
  const parse = (part: string) => (part === '' ? [] : part.split(':').map((group) => Number.parseInt(group, 16)));
  const head = parse(left!);
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
