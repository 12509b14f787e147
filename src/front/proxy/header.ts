/**
 * The PROXY protocol: what a load balancer says of its client before the client's first byte. Versions 1 and 2, as
 * haproxy.org's proxy-protocol.txt describes them. Pure: bytes in, a reading out.
 */
import { isIPv4, isIPv6 } from 'node:net';

/** What the first bytes of a connection are. */
export type ProxyReading =
  /** They may become a header. */
  | { readonly is: 'partial' }
  /** The bytes are something else, and none of them belongs to a header. */
  | { readonly is: 'absent' }
  /** The bytes begin like a header and are none. `problem` is for the log. */
  | { readonly is: 'broken'; readonly problem: string }
  /**
   * A header of `bytes` bytes. `address` is the client's; `null` where the peer speaks for itself, or for a client
   * without one.
   */
  | { readonly is: 'whole'; readonly bytes: number; readonly address: string | null };

const partial = { is: 'partial' } as const;
const absent = { is: 'absent' } as const;

/** Of version 1, its line end included (§2.1). */
const longestLine = 107;
/**
 * The most bytes of a block of version 2. What load balancers add to the addresses (TLS, a name, an id of a cloud)
 * takes some hundred.
 */
const longestBlock = 4096;

const word = Buffer.from('PROXY ');
const signature = Buffer.from('\r\n\r\n\0\r\nQUIT\n', 'latin1');
/** Signature, version and command, family, length (§2.2). */
const fixedBytes = 16;
const port = /^(0|[1-9]\d{0,4})$/;

/** The longest that a header can be, in bytes. */
export const longestHeader = fixedBytes + longestBlock;

/** Reads the first bytes of a connection. */
export function readProxyHeader(bytes: Buffer): ProxyReading {
  if (beginsLike(bytes, word)) return bytes.length < word.length ? partial : readLine(bytes);
  if (beginsLike(bytes, signature)) return bytes.length < fixedBytes ? partial : readBlock(bytes);
  return absent;
}

function beginsLike(bytes: Buffer, wanted: Buffer): boolean {
  const length = Math.min(bytes.length, wanted.length);
  return bytes.compare(wanted, 0, length, 0, length) === 0;
}

function readLine(bytes: Buffer): ProxyReading {
  const end = bytes.subarray(0, longestLine).indexOf('\r\n');
  if (end < 0) {
    return bytes.length < longestLine ? partial : broken(`a line of version 1 has at most ${longestLine} bytes`);
  }
  const length = end + 2;
  const [, family, source = '', destination = '', sourcePort = '', destinationPort = '', ...more] = bytes
    .toString('latin1', 0, end)
    .split(' ');
  if (family === 'UNKNOWN') return { is: 'whole', bytes: length, address: null };
  const isAddress = family === 'TCP4' ? isIPv4 : family === 'TCP6' ? isIPv6 : null;
  if (isAddress === null) return broken('a line of version 1 names TCP4, TCP6 or UNKNOWN');
  const isWhole =
    more.length === 0 && [source, destination].every(isAddress) && [sourcePort, destinationPort].every(isPort);
  // `isIPv6` takes a zone, which means something on one machine only.
  if (!isWhole || source.includes('%')) return broken(`a line of version 1 has no addresses of ${family}, or no ports`);
  return { is: 'whole', bytes: length, address: source };
}

function isPort(text: string): boolean {
  return port.test(text) && Number(text) <= 65_535;
}

const versions = { local: 0x20, proxy: 0x21 };

/** A family of stream sockets: how long its addresses are, and whose the first is. */
interface Family {
  readonly length: number;
  readonly address: (bytes: Buffer) => string | null;
}

/** §2.2. */
const families: ReadonlyMap<number, Family> = new Map<number, Family>([
  [0x00, { length: 0, address: () => null }],
  [0x11, { length: 12, address: (bytes) => bytes.subarray(0, 4).join('.') }],
  [0x21, { length: 36, address: (bytes) => groupsOf(bytes.subarray(0, 16)) }],
  [0x31, { length: 216, address: () => null }],
]);

function readBlock(bytes: Buffer): ProxyReading {
  const [command, family] = [bytes[12]!, bytes[13]!];
  const length = bytes.readUInt16BE(14);
  if (command !== versions.local && command !== versions.proxy) {
    return broken(`version and command 0x${command.toString(16)} are unknown`);
  }
  if (length > longestBlock)
    return broken(`a header of version 2 says ${length} bytes, and at most ${longestBlock} are read`);
  const known = families.get(family);
  if (command === versions.proxy) {
    if (known === undefined) return broken(`family 0x${family.toString(16)} carries no HTTP`);
    if (length < known.length) return broken('a header of version 2 is shorter than its addresses');
  }
  const end = fixedBytes + length;
  if (bytes.length < end) return partial;
  // Everything behind the addresses is skipped, and so is all that a peer says of itself.
  const address = command === versions.local ? null : known!.address(bytes.subarray(fixedBytes, end));
  return { is: 'whole', bytes: end, address };
}

function groupsOf(bytes: Buffer): string {
  return Array.from({ length: 8 }, (_, i) => bytes.readUInt16BE(2 * i).toString(16)).join(':');
}

function broken(problem: string): ProxyReading {
  return { is: 'broken', problem };
}
