import { expect, test, vi } from 'vitest';
import type { Lease } from '../../../src/relay/memory/read-buffers.ts';
import { clientFrame, frame } from '../../helpers/frames.ts';
import { openRelay, RelayHub } from '../../helpers/relay.ts';
import { until } from '../../helpers/until.ts';

const MiB = 1024 * 1024;

test('sockets that have fallen silent give their read buffers back when others want some', async () => {
  // A quarter of it may be lent.
  const hub = new RelayHub(4 * MiB);
  const { buffers } = hub.registry.memory;
  const relays = await Promise.all(Array.from({ length: 12 }, () => openRelay({ registry: hub })));
  const output = frame(Buffer.alloc(20_000, 1), { opcode: 2 });
  for (const { upstream, client } of relays) {
    // No further: who is refused a buffer would begin to take those of the first, who are silent by now.
    if (buffers.lentBytes === MiB) break;
    upstream.send(output);
    await client.bytes(output.length);
  }
  expect(buffers.lentBytes).toBe(MiB);
  // Uploads on the other legs want buffers, and find all of them lent, until the silent ones have given way.
  const upload = clientFrame(Buffer.alloc(20_000, 2), { opcode: 2 });
  const first = relays[0]!;
  await vi.waitFor(
    async () => {
      first.client.send(upload);
      expect((await first.upstream.bytes(upload.length)).equals(upload)).toBe(true);
      expect(buffers.lentBytes).toBeLessThan(MiB / 2);
    },
    { timeout: 60_000, interval: 20 },
  );
  // They read on, into the shared buffer, and lose nothing.
  for (const [i, { upstream, client }] of relays.entries()) {
    const bytes = frame(Buffer.alloc(60_000, i), { opcode: 2 });
    upstream.send(bytes);
    expect((await client.bytes(bytes.length)).equals(bytes)).toBe(true);
  }
  for (const relay of relays) await relay[Symbol.asyncDispose]();
});

test('so does one that fell silent while its receiver lagged behind', async () => {
  const hub = new RelayHub(4 * MiB);
  const { buffers } = hub.registry.memory;
  await using relay = await openRelay({ registry: hub });
  const { inbound } = relay.session.upstream;
  const output = frame(Buffer.alloc(40_000, 1), { opcode: 2 });
  let sent = 0;
  const send = async () => {
    relay.upstream.send(output);
    sent += output.length;
    await until(() => inbound.wireBytes === sent);
  };
  relay.client.pause();
  while (inbound.bufferedBytes === 0) await send();
  // The write that waits reads from the buffer that was lent, so this is read into the one that all share.
  await send();
  expect(buffers.lentBytes).toBe(256 * 1024);
  relay.client.resume();
  await relay.client.bytes(sent);
  expect(inbound.bufferedBytes).toBe(0);
  const others: (Lease | null)[] = [];
  while (others.at(-1) !== null) others.push(buffers.lease());
  await vi.waitFor(
    () => {
      others.push(buffers.lease());
      expect(others.at(-1)).not.toBe(null);
    },
    { timeout: 60_000, interval: 100 },
  );
  for (const lease of others) lease?.giveBack();
});
