import type { Socket } from 'node:net';
import { describe, expect, test } from 'vitest';
import { KernelTable } from '../../../../src/relay/transport/kernel-tables.ts';

/** As Linux 6.12 writes them. */
const tcp = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 31337 1 0000000000000000 100 0 0 10 0
   1: 0100007F:1F90 0100007F:C001 01 0002A51C:00000000 01:00000014 00000000  1000        0 31340 2 0000000000000000 20 4 30 10 -1
   2: 0100007F:1F90 0100007F:C002 06 00000000:00000000 03:00001703 00000000     0        0 0 3 0000000000000000
   3: 0100007F:1F90 0100007F:C005 08 00000009:00001000 00:00000000 00000000  1000        0 31340 2 0000000000000000 20 4 30 10 -1
   4: 0100007F:1F90 0100007F:C006 09 00000000:00001000 00:00000000 00000000  1000        0 31340 2 0000000000000000 20 4 30 10 -1
  10: 0500A8C0:1F90 0900A8C0:C001 01 00000007:00000000 00:00000000 00000000  1000        0 31341 1 0000000000000000 20 4 30 10 -1
`;
const tcp6 = `  sl  local_address                         remote_address                        st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 00000000000000000000000001000000:1F90 00000000000000000000000001000000:C001 01 00000011:00000000 00:00000000 00000000     0        0 1 1 0 20 0 0 10 -1
   1: B80D0120000000000000000001000000:1F90 B80D0120000000000000000002000000:C003 01 00000012:00000000 00:00000000 00000000     0        0 2 1 0 20 0 0 10 -1
   2: 0000000000000000FFFF00000100007F:1F91 0000000000000000FFFF00000100007F:C004 01 00000013:00000000 00:00000000 00000000     0        0 3 1 0 20 0 0 10 -1
`;

/** The table of both texts, read `piece` bytes at a time. */
function tableOf(piece = Number.POSITIVE_INFINITY) {
  const read = new KernelTable();
  for (const [text, words] of [
    [tcp, 1],
    [tcp6, 4],
  ] as const) {
    let kept = '';
    for (let at = 0; at < text.length; at += piece) {
      kept += text.slice(at, at + piece);
      kept = kept.slice(read.add(Buffer.from(kept), words));
    }
  }
  return read;
}
const table = tableOf();

function socketOf(localPort: number | undefined, remoteAddress?: string, remotePort?: number): Socket {
  return { localPort, remoteAddress, remotePort } as Socket;
}

describe('the queue of a connection', () => {
  test.each([
    ['of IPv4', socketOf(8080, '127.0.0.1', 0xc001), 0x2a51c],
    ['of another address', socketOf(8080, '192.168.0.9', 0xc001), 7],
    ['of IPv6', socketOf(8080, '::1', 0xc001), 0x11],
    ['of IPv6 with a zone', socketOf(8080, '2001:db8::2%eth0', 0xc003), 0x12],
    ['of IPv4 on a socket of IPv6, under either name', socketOf(8081, '::ffff:127.0.0.1', 0xc004), 0x13],
    ['of IPv4 on a socket of IPv6', socketOf(8081, '127.0.0.1', 0xc004), 0x13],
  ])('%s', (_name, socket, bytes) => {
    expect(table.queueOf(socket)).toBe(bytes);
  });

  test.each([
    ['whose socket is gone', socketOf(8080, '127.0.0.1', 0xc002)],
    ['of another port here', socketOf(8082, '127.0.0.1', 0xc001)],
    ['of another port there', socketOf(8080, '127.0.0.1', 0xc009)],
    ['that has no peer', socketOf(undefined)],
  ])('%s is not known', (_name, socket) => {
    expect(table.queueOf(socket)).toBeNull();
  });

  test('is not known without tables', () => {
    expect(new KernelTable().queueOf(socketOf(8080, '127.0.0.1', 0xc001))).toBeNull();
  });
});

test.each([
  ['that is open has not', 0xc001, false],
  ['that is still written to has', 0xc005, true],
  ['that has been ended here too has', 0xc006, true],
  ['that is gone is not known', 0xc002, null],
] as const)('the peer of a connection %s ended', (_, port, ended) => {
  expect(table.hasEnded(socketOf(8080, '127.0.0.1', port))).toBe(ended);
});

test.each([1, 7, 150, 151])('a table that is read %i bytes at a time is the same', (piece) => {
  const pieces = tableOf(piece);
  expect(pieces.queueOf(socketOf(8080, '192.168.0.9', 0xc001))).toBe(7);
  expect(pieces.queueOf(socketOf(8080, '2001:db8::2', 0xc003))).toBe(0x12);
});

test('lines that are no rows add none', () => {
  const read = new KernelTable();
  expect(
    read.add(
      Buffer.from(
        '\n:\n   0: 0100007F:1F90 0100007F\nno row: at all, however long this line may be: of zeros and of ones, 0 1 0 1 0 1\n',
      ),
      1,
    ),
  ).toBe(113);
  expect(read.queueOf(socketOf(0x1f90, '127.0.0.1', 0))).toBeNull();
});

test('each of ten thousand rows is found', () => {
  const read = new KernelTable();
  const hex = (value: number, digits: number) => value.toString(16).toUpperCase().padStart(digits, '0');
  const portOf = (i: number) => (i * 7919) % 65_536;
  for (let i = 0; i < 10_000; i++) {
    read.add(
      Buffer.from(`${i}: 0100007F:1F90 ${hex(i % 3, 2)}00007F:${hex(portOf(i), 4)} 01 ${hex(i, 8)}:00000000\n`),
      1,
    );
  }
  for (let i = 0; i < 10_000; i++) expect(read.queueOf(socketOf(8080, `127.0.0.${i % 3}`, portOf(i)))).toBe(i);
  expect(read.queueOf(socketOf(8080, '127.0.0.3', portOf(3)))).toBeNull();
});
