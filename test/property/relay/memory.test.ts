import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { SenderLimits } from '../../../src/config/types.ts';
import { clientFrame, frame } from '../../helpers/frames.ts';
import type { Peer } from '../../helpers/peer.ts';
import { openRelay, type Relay, RelayHub, type RouteOverrides, testRoute } from '../../helpers/relay.ts';

const KiB = 1024;
const timeouts = { connectMs: 1, headersMs: 1, handshakeMs: 1, closeMs: 200 };

const pausing = (perSecond: number, burst: number) => ({ perSecond, burst, action: 'pause' }) as const;
const limits: fc.Arbitrary<Partial<SenderLimits>> = fc.record({
  messageRate: fc.constantFrom(null, pausing(2000, 100)),
  byteRate: fc.constantFrom(null, pausing(20e6, 200_000)),
  maxBufferBytes: fc.constantFrom(16 * KiB, 256 * KiB, 1024 * KiB),
  maxQueue: fc.constantFrom(2, 64, 1e6),
});
const route: fc.Arbitrary<RouteOverrides> = fc.record({ client: limits, upstreamLimits: limits });

/** What may happen to a connection: to one of its peers, who sends as `side` says, or to the session itself. */
type Step = (relay: Relay, hub: RelayHub) => unknown;

function send(peer: Peer, bytes: Buffer): void {
  // Whoever is not read keeps what it would send; so much is enough.
  if (peer.socket.writableLength < 8e6 && peer.socket.writable) peer.send(bytes);
}

const side = fc.constantFrom('client' as const, 'upstream' as const);
const frameOf = { client: clientFrame, upstream: frame };
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.tuple(side, fc.constantFrom(1000, 50_000, 8e6)).map(
      ([of, size]): Step =>
        (relay) => {
          send(relay[of], frameOf[of](Buffer.alloc(size), { opcode: 2 }));
        },
    ),
  },
  {
    weight: 4,
    arbitrary: fc.tuple(side, fc.nat(1000)).map(
      ([of, count]): Step =>
        (relay) => {
          send(relay[of], Buffer.concat(new Array(count).fill(frameOf[of](Buffer.alloc(5), { opcode: 2 }))));
        },
    ),
  },
  {
    weight: 3,
    arbitrary: side.map(
      (of): Step =>
        (relay) =>
          relay[of].pause(),
    ),
  },
  {
    weight: 3,
    arbitrary: side.map(
      (of): Step =>
        (relay) =>
          relay[of].resume(),
    ),
  },
  {
    weight: 2,
    arbitrary: route.map(
      (to): Step =>
        (relay) =>
          relay.session.reconfigure(testRoute({ timeouts, ...to })),
    ),
  },
  {
    weight: 1,
    arbitrary: fc.constantFrom(50 * KiB, 1024 * KiB, 8192 * KiB).map(
      (to): Step =>
        (_, hub) => {
          hub.registry.memory.budget.limitBytes = to;
        },
    ),
  },
  {
    weight: 1,
    arbitrary: fc.constantFrom<Step>(
      ({ session }) => session.drain('drain'),
      ({ client }) => client.reset(),
      ({ upstream }) => upstream.end(),
      ({ client }) => send(client, clientFrame(Buffer.from('03e8', 'hex'), { opcode: 8 })),
    ),
  },
  { weight: 6, arbitrary: fc.constant<Step>(() => new Promise((resolve) => setTimeout(resolve, 5))) },
);
const connections = 8;

test('whatever happens to connections, nobody stays paused whose receiver reads, and all memory is given back', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(route, { minLength: connections, maxLength: connections }),
      fc.array(fc.tuple(fc.nat(connections - 1), step), { minLength: 100, maxLength: 300 }),
      async (routes, steps) => {
        const hub = new RelayHub(3072 * KiB);
        const { budget, buffers } = hub.registry.memory;
        const relays = await Promise.all(routes.map((to) => openRelay({ registry: hub, timeouts, ...to })));
        for (const [index, happens] of steps) await happens(relays[index]!, hub);
        budget.limitBytes = 65_536 * KiB;
        for (const { client, upstream } of relays) {
          client.resume();
          upstream.resume();
        }
        const waits = ({ session }: Relay) =>
          session.outcome === null && (session.client.inbound.paused || session.upstream.inbound.paused);
        while (relays.some(waits)) await new Promise((resolve) => setTimeout(resolve, 5));
        for (const relay of relays) await relay[Symbol.asyncDispose]();
        expect([budget.usedBytes, buffers.lentBytes]).toEqual([0, 0]);
      },
    ),
    { numRuns: Number(process.env.SLUICE_SCHEDULES ?? 2), endOnFailure: true },
  );
}, 120_000);
