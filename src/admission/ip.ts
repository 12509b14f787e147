/** IP addresses by their value. One address has many spellings, and one subscriber of IPv6 has many addresses. */
import { isIPv4, isIPv6 } from 'node:net';

/**
 * Returns an IP address as the rest of Sluice writes and compares it: IPv6 as RFC 5952 says, and an IPv4 address within
 * IPv6 as IPv4. What some proxies add (brackets, a port, a zone) is cut off. Returns `null` for anything else. The text
 * shares no memory with its input, because it may live as long as a connection, and the input may be a header of many
 * kilobytes.
 */
export function plainAddress(text: string): string | null {
  const usual = plainIPv4(text);
  if (usual !== null) return usual;
  const bare = /^\[([^\]]+)\](?::\d+)?$/.exec(text)?.[1] ?? /^([\d.]+):\d+$/.exec(text)?.[1] ?? text;
  if (isIPv4(bare)) return bare.split('.').map(Number).join('.');
  const address = bare.split('%', 1)[0]!;
  if (!isIPv6(address)) return null;
  const groups = groupsOf(address);
  const mapped = groups.slice(0, 5).every((group) => group === 0) && groups[5] === 0xffff;
  if (!mapped) return format(groups);
  return groups
    .slice(6)
    .flatMap((group) => [group >> 8, group & 255])
    .join('.');
}

/** An IPv4 address as most are written, read without patterns; `null` for anything else. */
function plainIPv4(text: string): string | null {
  const { length } = text;
  if (length > 15) return null;
  const octets = [0, 0, 0, 0];
  let dots = 0;
  let digits = 0;
  for (let i = 0; i < length; i++) {
    const code = text.charCodeAt(i);
    if (code === 0x2e) {
      if (digits === 0 || ++dots > 3) return null;
      digits = 0;
    } else {
      const digit = code - 0x30;
      if (digit < 0 || digit > 9 || (digits > 0 && octets[dots] === 0)) return null;
      octets[dots] = octets[dots]! * 10 + digit;
      if (octets[dots]! > 255) return null;
      digits++;
    }
  }
  return dots === 3 && digits > 0 ? `${octets[0]}.${octets[1]}.${octets[2]}.${octets[3]}` : null;
}

/** Behind these stands an IPv4 address, where a translator has made one of IPv6 of it (RFC 6052 §2.1). */
const translated = '64:ff9b::';

/** Returns whom an address counts for. An IPv4 address counts for itself, an IPv6 address for its first `ipv6Bits`. */
export function subscriberOf(address: string, ipv6Bits: number): string {
  if (ipv6Bits >= 128 || !address.includes(':')) return address;
  // Such addresses are as many subscribers.
  if (
    address.startsWith(translated) &&
    groupsOf(address)
      .slice(2, 6)
      .every((group) => group === 0)
  )
    return address;
  const groups = groupsOf(address).map((group, i) => {
    const bits = Math.min(16, Math.max(0, ipv6Bits - 16 * i));
    return group & ((0xffff << (16 - bits)) & 0xffff);
  });
  return `${format(groups)}/${ipv6Bits}`;
}

/** The eight groups of a valid IPv6 address. */
function groupsOf(address: string): number[] {
  const [left, right] = address.split('::') as [string, string | undefined];
  const head = partsOf(left);
  if (right === undefined) return head;
  const tail = partsOf(right);
  return [...head, ...new Array<number>(8 - head.length - tail.length).fill(0), ...tail];
}

function partsOf(text: string): number[] {
  if (text === '') return [];
  return text.split(':').flatMap((part) => {
    if (!part.includes('.')) return [Number.parseInt(part, 16)];
    const [a, b, c, d] = part.split('.').map(Number) as [number, number, number, number];
    return [(a << 8) | b, (c << 8) | d];
  });
}

/** Lower-case hexadecimal, with `::` for the first of the longest runs of zeros (RFC 5952 §4). */
function format(groups: readonly number[]): string {
  let start = -1;
  let length = 1;
  for (let i = 0; i < 8; i++) {
    let end = i;
    while (end < 8 && groups[end] === 0) end++;
    if (end - i > length) {
      start = i;
      length = end - i;
    }
    i = end;
  }
  const hex = groups.map((group) => group.toString(16));
  if (start < 0) return hex.join(':');
  return `${hex.slice(0, start).join(':')}::${hex.slice(start + length).join(':')}`;
}
