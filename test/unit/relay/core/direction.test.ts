import { expect, onTestFinished, test } from 'vitest';
import { RouteCounters } from '../../../../src/metrics/counters.ts';
import { Direction } from '../../../../src/relay/core/direction.ts';
import { verbatim } from '../../../../src/relay/core/stage.ts';
import { MemoryBudget } from '../../../../src/relay/memory/memory-budget.ts';
import { ReadBuffers } from '../../../../src/relay/memory/read-buffers.ts';
import { LegWriter } from '../../../../src/relay/transport/leg-writer.ts';
import { streamBinding } from '../../../../src/relay/transport/stream-binding.ts';
import { clientFrame } from '../../../helpers/frames.ts';
import { socketPair, testRoute } from '../../../helpers/relay.ts';

const KiB = 1024;
const nobody = { control() {}, fault() {}, exceeded() {}, noted() {} };

test.skipIf(streamBinding === null)(
  'what a write reads from a lent buffer counts in its sender’s share of the memory',
  async () => {
    const memory = new MemoryBudget(64 * 1024 * KiB, () => {});
    const buffers = new ReadBuffers(memory);
    const [peer, socket] = await socketPair();
    onTestFinished(() => void [peer, socket].map((one) => one.destroy()));
    const writer = new LegWriter(socket, true, memory, () => {});
    const init = {
      id: 'test',
      sender: 'client',
      route: testRoute(),
      counters: new RouteCounters().client,
      stage: verbatim,
    } as const;
    const direction = new Direction({ ...init, memory }, nobody);
    direction.connect({ maxReadBytes: 0, pause() {}, resume() {} }, writer);
    const lease = buffers.lease()!;
    // 8 MiB are left: a share of 128 KiB. Beside 32 KiB for the next read, 100 KiB do not fit into it.
    memory.take(56 * 1024 * KiB - memory.usedBytes);
    const end = clientFrame(Buffer.alloc(100 * KiB), { opcode: 2 }).copy(lease.buffer);
    // The peer does not read: a few megabytes are the kernel's, then a write waits.
    while (!writer.blocked) direction.read(lease.buffer, 0, end, lease);
    expect([direction.capacity, direction.bufferedBytes]).toEqual([0, end]);
    expect([...direction.pauses.causes.keys()]).toEqual(['memory']);
  },
);
