import { describe, expect, test } from 'vitest';
import { longestHeader, readProxyHeader } from '../../../../src/front/proxy/header.ts';
import { proxyBlock, proxyTcp4, proxyTcp6 } from '../../../helpers/proxy-header.ts';

const read = (bytes: Buffer | string) => readProxyHeader(typeof bytes === 'string' ? Buffer.from(bytes) : bytes);
const whole = (address: string | null, bytes: number) => ({ is: 'whole', address, bytes });
const broken = { is: 'broken', problem: expect.any(String) };

describe('version 1', () => {
  test.each([
    ['PROXY TCP4 203.0.113.7 192.0.2.1 1000 443\r\n', '203.0.113.7'],
    ['PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n', '255.255.255.255'],
    ['PROXY TCP4 203.0.113.7 192.0.2.1 0 0\r\n', '203.0.113.7'],
    ['PROXY TCP6 2001:db8::7 2001:db8::1 1000 443\r\n', '2001:db8::7'],
    [`PROXY TCP6 ${'ffff:'.repeat(7)}ffff ${'ffff:'.repeat(7)}ffff 65535 65535\r\n`, `${'ffff:'.repeat(7)}ffff`],
    ['PROXY UNKNOWN\r\n', null],
    ['PROXY UNKNOWN ffff::1 anything at all\r\n', null],
  ])('%j', (line, address) => {
    expect(read(`${line}GET / HTTP/1.1\r\n`)).toEqual(whole(address, line.length));
  });

  test.each([
    'PROXY TCP5 203.0.113.7 192.0.2.1 1000 443\r\n',
    'PROXY  TCP4 203.0.113.7 192.0.2.1 1000 443\r\n',
    'PROXY TCP4 203.0.113.7 192.0.2.1 1000\r\n',
    'PROXY TCP4 203.0.113.7 192.0.2.1 1000 443 1\r\n',
    'PROXY TCP4 203.0.113.7 192.0.2.1 1000 65536\r\n',
    'PROXY TCP4 203.0.113.7 192.0.2.1 01000 443\r\n',
    'PROXY TCP4 203.0.113.7 192.0.2.1 1000 443 \r\n',
    'PROXY TCP4 203.0.113.256 192.0.2.1 1000 443\r\n',
    'PROXY TCP4 203.0.113.07 192.0.2.1 1000 443\r\n',
    'PROXY TCP4 2001:db8::7 192.0.2.1 1000 443\r\n',
    'PROXY TCP6 203.0.113.7 2001:db8::1 1000 443\r\n',
    'PROXY TCP6 fe80::1%eth0 2001:db8::1 1000 443\r\n',
    'PROXY tcp4 203.0.113.7 192.0.2.1 1000 443\r\n',
    'PROXY \r\n',
    `PROXY UNKNOWN ${'x'.repeat(107)}`,
  ])('refuses %j', (line) => {
    expect(read(line)).toEqual(broken);
  });

  test('a line without its end is waited for, as long as it can become one', () => {
    expect(read('PROXY UNKNOWN\r').is).toBe('partial');
    expect(read(`PROXY ${'x'.repeat(100)}`).is).toBe('partial');
    expect(read(`PROXY ${'x'.repeat(101)}`)).toEqual(broken);
    expect(read(`PROXY UNKNOWN ${'x'.repeat(91)}\r\n`)).toEqual(whole(null, 107));
  });
});

describe('version 2', () => {
  test.each<[string, Buffer, string | null]>([
    ['IPv4', proxyTcp4(), '203.0.113.7'],
    ['IPv6', proxyTcp6(), '2001:db8:0:0:0:0:0:7'],
    ['what stands behind the addresses is skipped', proxyTcp4('04 0003 000000'), '203.0.113.7'],
    ['a unix socket has no address', proxyBlock({ family: 0x31, body: '00'.repeat(216) }), null],
    ['nor has what is not said', proxyBlock({ family: 0x00, body: '' }), null],
    ['nor has what is not said, with more behind it', proxyBlock({ family: 0x00, body: '010203' }), null],
    ['a peer that speaks for itself', proxyBlock({ command: 0x20, family: 0x00, body: '' }), null],
    ['and whatever it adds', proxyBlock({ command: 0x20, family: 0x11, body: 'cb007107' }), null],
    ['and in whatever family', proxyBlock({ command: 0x20, family: 0xff, body: '' }), null],
  ])('%s', (_, bytes, address) => {
    expect(read(Buffer.concat([bytes, Buffer.from('GET /')]))).toEqual(whole(address, bytes.length));
  });

  test.each<[string, Buffer]>([
    ['another version', proxyBlock({ command: 0x11, family: 0x11, body: '00'.repeat(12) })],
    ['another command', proxyBlock({ command: 0x22, family: 0x11, body: '00'.repeat(12) })],
    ['UDP', proxyBlock({ family: 0x12, body: '00'.repeat(12) })],
    ['an unknown family', proxyBlock({ family: 0x41, body: '00'.repeat(12) })],
    ['addresses that are cut off', proxyBlock({ family: 0x11, body: '00'.repeat(11) })],
    ['addresses of IPv6 that are cut off', proxyBlock({ family: 0x21, body: '00'.repeat(35) })],
    ['more than is read, before it comes', proxyBlock({ family: 0x11, body: '', length: 4097 })],
    ['all that a length can say', proxyBlock({ command: 0x20, family: 0, body: '', length: 65_535 })],
  ])('refuses %s', (_, bytes) => {
    expect(read(bytes)).toEqual(broken);
  });

  test('takes as much as is allowed', () => {
    const longest = proxyTcp4('00'.repeat(4096 - 12));
    expect(longest.length).toBe(longestHeader);
    expect(read(longest)).toEqual(whole('203.0.113.7', longestHeader));
    expect(read(longest.subarray(0, -1)).is).toBe('partial');
  });
});

test.each(['GET / HTTP/1.1\r\n', 'PROXZ', 'proxy TCP4', '\r\n\r\nGET', '\0', '\x16\x03\x01\x02'])(
  'what begins in another way is none: %j',
  (text) => {
    expect(read(text)).toEqual({ is: 'absent' });
  },
);
