/** Headers of the PROXY protocol, version 2, byte by byte. */

const signature = '0d0a0d0a000d0a515549540a';

export interface ProxyBlock {
  /** 0x21 (PROXY) unless given. */
  readonly command?: number;
  readonly family: number;
  /** What stands behind the fixed part, in hex. */
  readonly body: string;
  /** The length that it says; the body's unless given. */
  readonly length?: number;
}

/** The bytes of a header. */
export function proxyBlock({ command = 0x21, family, body, length }: ProxyBlock): Buffer {
  const bytes = Buffer.from(body.replaceAll(' ', ''), 'hex');
  const fixed = Buffer.from(`${signature}${hex(command)}${hex(family)}0000`, 'hex');
  fixed.writeUInt16BE(length ?? bytes.length, 14);
  return Buffer.concat([fixed, bytes]);
}

/** From 203.0.113.7 port 1000 to 192.0.2.1 port 443, with `more` behind it, in hex. */
export function proxyTcp4(more = ''): Buffer {
  return proxyBlock({ family: 0x11, body: `cb007107 c0000201 03e8 01bb ${more}` });
}

/** From 2001:db8::7 port 1000 to 2001:db8::1 port 443. */
export function proxyTcp6(): Buffer {
  const zeros = '00'.repeat(11);
  return proxyBlock({ family: 0x21, body: `20010db8 ${zeros} 07 20010db8 ${zeros} 01 03e8 01bb` });
}

function hex(byte: number): string {
  return byte.toString(16).padStart(2, '0');
}
