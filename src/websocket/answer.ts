/** Header blocks for the client: the upstream's answer, mirrored. */

import { endToEnd, type RawHeaders } from '../http/raw-fields.ts';
import { acceptOf } from './accept.ts';

/** An upstream's status line and headers. */
export interface UpstreamAnswer {
  readonly status: number;
  readonly reason: string;
  readonly headers: RawHeaders;
}

/** How the body of a refusal is framed for the client: as long as it says, in chunks, or absent. */
export type BodyFraming = 'length' | 'chunked' | 'none';

/** The 101 for the client: the upstream's end-to-end headers (cookies, the chosen subprotocol) and our own proof. */
export function switchingBytes(headers: RawHeaders, key: string): Buffer {
  const passed = endToEnd(headers).filter(
    ([name]) => !/^(?:sec-websocket-(?:accept|extensions)|content-length)$/i.test(name),
  );
  const ours = [
    ['Upgrade', 'websocket'],
    ['Connection', 'Upgrade'],
    ['Sec-WebSocket-Accept', acceptOf(key)],
  ];
  return block('HTTP/1.1 101 Switching Protocols', [...ours, ...passed]);
}

/** The header block of any other answer, and the framing of the body that follows it; the connection ends with it. */
export function refusalHead({ status, reason, headers }: UpstreamAnswer): { head: Buffer; framing: BodyFraming } {
  const pairs = endToEnd(headers);
  const framing = framingOf(status, pairs);
  const ours = framing === 'chunked' ? [['Transfer-Encoding', 'chunked']] : [];
  return { head: block(`HTTP/1.1 ${status} ${reason}`, [...pairs, ...ours, ['Connection', 'close']]), framing };
}

function framingOf(status: number, pairs: readonly (readonly string[])[]): BodyFraming {
  if (status === 204 || status === 304) return 'none';
  return pairs.some(([name]) => name!.toLowerCase() === 'content-length') ? 'length' : 'chunked';
}

function block(firstLine: string, pairs: readonly (readonly string[])[]): Buffer {
  const lines = pairs.map(([name, value]) => `${name}: ${value}\r\n`);
  return Buffer.from(`${firstLine}\r\n${lines.join('')}\r\n`, 'latin1');
}
