import { expect, test } from 'vitest';
import { clientFrame, frame } from '../helpers/frames.ts';
import { flood, type Pair, Stage } from './load.ts';

const neighbours = 50;
const forMs = 60_000;

/** Small ones go through the shared read buffer, larger ones through leased buffers. */
const sizes = [40, 900, 3000, 12_000, 70_000];

test('a stuck receiver beside 50 busy neighbours: no byte of one arrives in another', async () => {
  await using stage = await Stage.start({
    limits: { upstream: { max_pause: '5m', max_buffer_size: '1MiB' } },
    ping: { client: 'off' },
  });
  const stuck = await stage.open();
  stuck.client.pause();
  const stopFlood = flood(stuck.upstream, 20_000, false, 0xee);
  const pairs = await stage.openMany(neighbours);
  const deadline = performance.now() + forMs;
  const rounds = await Promise.all(pairs.map((pair, i) => converse(pair, i + 1, deadline)));
  expect(Math.min(...rounds)).toBeGreaterThan(10);
  console.log(`neighbours: ${rounds.reduce((sum, count) => sum + count, 0)} echoes, every byte compared`);
  stopFlood();
  stuck.client.resume();
  const expected = frame(Buffer.alloc(20_000, 0xee), { opcode: 2 });
  for (let i = 0; i < 50; i++) expect((await stuck.client.bytes(expected.length)).equals(expected)).toBe(true);
});

/** Sends messages of one's own byte pattern both ways, and compares what arrives. Returns how many. */
async function converse({ client, upstream }: Pair, pattern: number, deadline: number): Promise<number> {
  let count = 0;
  while (performance.now() < deadline) {
    const size = sizes[(count + pattern) % sizes.length];
    const up = clientFrame(Buffer.alloc(size!, pattern), { opcode: 2 });
    client.send(up);
    if (!(await upstream.bytes(up.length)).equals(up))
      throw new Error(`foreign bytes in message ${count} of ${pattern}`);
    const down = frame(Buffer.alloc(size!, 0xff - pattern), { opcode: 2 });
    upstream.send(down);
    if (!(await client.bytes(down.length)).equals(down))
      throw new Error(`foreign bytes in answer ${count} of ${pattern}`);
    count++;
  }
  return count;
}
