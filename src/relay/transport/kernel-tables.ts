/**
 * Linux's tables of all TCP sockets as rows of one width, sorted, so that they go from one thread to another without a
 * copy and a row is found in a few steps. Rows of the kernel are `sl: local:port remote:port state tx:rx …`, addresses
 * and numbers in hex (Linux, Documentation/networking/proc_net_tcp).
 */
import type { Socket } from 'node:net';

/**
 * A row is a key, which is the local port, the remote address and the remote port, and what waits to be acknowledged.
 */
const addressDigits = 32;
const keyDigits = 4 + addressDigits + 4;
const queueDigits = 8;
const rowDigits = keyDigits + queueDigits;

/** What is left of a connection when its socket is gone; there may be very many. */
const timeWait = '06';

/** The rows of the tables of IPv4 and of IPv6. An empty text is a table without rows. */
export function rowsOf(tcp: string, tcp6: string): Buffer {
  const rows: string[] = [];
  addRows(rows, tcp, 8);
  addRows(rows, tcp6, addressDigits);
  // Not from the pool of small buffers: that cannot be handed to another thread.
  const sorted = Buffer.allocUnsafeSlow(rows.length * rowDigits);
  sorted.write(rows.sort().join(''), 'latin1');
  return sorted;
}

/** What the kernel holds for a socket's peer; `null` where it is in no row. */
export function queueOf(socket: Socket, rows: Buffer): number | null {
  const key = Buffer.from(keyOf(socket), 'latin1');
  let from = 0;
  let to = rows.length / rowDigits;
  while (from < to) {
    const middle = (from + to) >>> 1;
    const at = middle * rowDigits;
    const order = rows.compare(key, 0, keyDigits, at, at + keyDigits);
    if (order === 0) return Number.parseInt(rows.toString('latin1', at + keyDigits, at + rowDigits), 16);
    if (order < 0) from = middle + 1;
    else to = middle;
  }
  return null;
}

/** Addresses have `width` digits. They are found by their columns: a pattern takes four times as long. */
function addRows(rows: string[], text: string, width: number): void {
  for (let at = text.indexOf('\n') + 1; at > 0 && at < text.length; at = text.indexOf('\n', at) + 1) {
    const localPort = text.indexOf(':', at) + 3 + width;
    const remote = localPort + 5;
    const remotePort = remote + width + 1;
    const state = remotePort + 5;
    if (text.startsWith(timeWait, state)) continue;
    const address = wide(foldMapped(text.slice(remote, remote + width)));
    const key = text.slice(localPort, localPort + 4) + address + text.slice(remotePort, remotePort + 4);
    rows.push(key + text.slice(state + 3, state + 3 + queueDigits));
  }
}

function keyOf({ localPort, remoteAddress, remotePort }: Socket): string {
  return hexPort(localPort) + wide(hexAddress(remoteAddress)) + hexPort(remotePort);
}

/** All addresses have one width; none of IPv4 is taken for one of IPv6. */
function wide(address: string): string {
  return address.padStart(addressDigits, '-');
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
