/** Whether a connection relays. */
import { expect } from 'vitest';
import { clientFrame, frame } from './frames.ts';
import type { Peer } from './peer.ts';

/** Sends a binary message of so many bytes each way at once, and expects either byte for byte. */
export async function expectBothWays(client: Peer, upstream: Peer, bytes: number): Promise<void> {
  const up = clientFrame(Buffer.alloc(bytes, 'up'), { opcode: 2 });
  const down = frame(Buffer.alloc(bytes, 'down'), { opcode: 2 });
  client.send(up);
  upstream.send(down);
  const [gotUp, gotDown] = await Promise.all([upstream.bytes(up.length), client.bytes(down.length)]);
  expect(gotUp.equals(up)).toBe(true);
  expect(gotDown.equals(down)).toBe(true);
}
