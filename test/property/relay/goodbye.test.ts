/**
 * Two peers that keep to the RFC, whatever they say and whenever they close: nothing is lost, nothing comes in another
 * order.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { SenderLimits } from '../../../src/config/types.ts';
import { frames } from '../../helpers/arbitrary-frames.ts';
import { closeFrame, type Frame, parseFrame } from '../../helpers/frames.ts';
import type { Peer } from '../../helpers/peer.ts';
import { openRelay, type Relay, RelayHub } from '../../helpers/relay.ts';

type Side = 'client' | 'upstream';
const sides = ['client', 'upstream'] as const;

/**
 * What a side says, in pieces, and whether it closes when it has said it or only when it has heard the other's close.
 */
interface Script {
  /** The data frames of whole messages, and pings between them. */
  readonly bytes: Buffer;
  readonly data: Buffer;
  readonly cuts: readonly number[];
  readonly closes: 'itself' | 'when told';
  readonly code: number;
}

const pausing = (perSecond: number, burst: number) => ({ perSecond, burst, action: 'pause' }) as const;
const limits: fc.Arbitrary<Partial<SenderLimits>> = fc.record({
  messageRate: fc.constantFrom(null, null, pausing(500, 3)),
  maxBufferBytes: fc.constantFrom(1024, 256 * 1024),
  maxQueue: fc.constantFrom(1, 64),
});

function script(side: Side): fc.Arbitrary<Script> {
  return fc
    .record({
      known: frames(side === 'client', 6),
      cuts: fc.array(fc.integer({ min: 1, max: 300 }), { minLength: 1, maxLength: 8 }),
      closes: fc.constantFrom('itself' as const, 'when told' as const),
      code: fc.integer({ min: 3000, max: 4999 }),
    })
    .map(({ known, ...rest }) => ({
      ...rest,
      bytes: Buffer.concat(known.filter(({ opcode }) => opcode !== 8).map(({ bytes }) => bytes)),
      data: Buffer.concat(known.filter(({ opcode }) => opcode < 8).map(({ bytes }) => bytes)),
    }));
}

/** One peer of a relay: says its script piece by piece when the run lets it, reads all the time. */
class Actor {
  readonly side: Side;
  readonly script: Script;
  readonly heard: Buffer[] = [];
  heardClose: Frame | null = null;
  hasClosed = false;
  readonly #peer: Peer;
  #said = 0;
  #turns = 0;

  constructor(side: Side, script: Script, peer: Peer) {
    this.side = side;
    this.script = script;
    this.#peer = peer;
  }

  /** Whether there is something to say now. */
  get canSpeak(): boolean {
    if (this.hasClosed) return false;
    return this.#said < this.script.bytes.length || this.script.closes === 'itself' || this.heardClose !== null;
  }

  speak(): void {
    const { bytes, cuts, code } = this.script;
    if (this.#said < bytes.length) {
      const end = this.#said + cuts[this.#turns++ % cuts.length]!;
      this.#peer.send(bytes.subarray(this.#said, end));
      this.#said = Math.min(end, bytes.length);
    } else {
      this.#peer.send(closeFrame(code, this.side, { mask: this.side === 'client' }));
      this.hasClosed = true;
    }
  }

  /** Takes what has come: data frames as they are, and the close frame, behind which nothing may come. */
  async listen(): Promise<void> {
    let at = 0;
    const { received } = this.#peer;
    for (let next = parseFrame(received); next !== null; next = parseFrame(received.subarray(at))) {
      expect(this.heardClose).toBe(null);
      if (next.opcode < 8) this.heard.push(received.subarray(at, at + next.size));
      if (next.opcode === 8) this.heardClose = next;
      at += next.size;
    }
    await this.#peer.bytes(at);
  }
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

/** Plays two scripts against each other; `order` says who speaks next. */
async function play(relay: Relay, scripts: Readonly<Record<Side, Script>>, order: readonly boolean[]): Promise<void> {
  const actors = sides.map((side) => new Actor(side, scripts[side], relay[side]));
  for (let i = 0; actors.some(({ hasClosed, heardClose }) => !hasClosed || heardClose === null); i++) {
    const ready = actors.filter(({ canSpeak }) => canSpeak);
    const chosen = ready[order[i % order.length] ? 0 : ready.length - 1];
    chosen?.speak();
    // Sometimes both speak before anything is read.
    if (chosen === undefined || i % 3 !== 0) await turn();
    for (const actor of actors) await actor.listen();
  }
  relay.client.end();
  relay.upstream.end();
  const report = await relay.ended;
  const [client, upstream] = actors as [Actor, Actor];
  for (const [one, other] of [
    [client, upstream],
    [upstream, client],
  ] as const) {
    expect(Buffer.concat(one.heard).equals(other.script.data)).toBe(true);
    expect(one.heardClose?.payload.toString('utf8', 2)).toBe(other.side);
    expect(one.heardClose?.payload.readUInt16BE(0)).toBe(other.script.code);
  }
  expect(report).toMatchObject({ cut: [], undeliveredBytes: 0, violation: null });
  expect(report.reason).toBe(`${report.closedBy}_closed`);
  expect(report.codes).toEqual({
    sentToClient: upstream.script.code,
    receivedFromClient: client.script.code,
    sentToUpstream: client.script.code,
    receivedFromUpstream: upstream.script.code,
  });
}

test('nothing that a side says before its own close frame is lost, and each hears the other’s close', async () => {
  const hub = new RelayHub();
  const ends: number[] = [];
  const game = fc.record({
    client: script('client'),
    upstream: script('upstream'),
    order: fc.array(fc.boolean(), { minLength: 1, maxLength: 12 }),
    limits: fc.tuple(limits, limits),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(game, { minLength: 1, maxLength: 8 }), async (games) => {
      await Promise.all(
        games.map(async ({ client, upstream, order, limits: [clientLimits, upstreamLimits] }, i) => {
          // Somebody has to begin.
          const first = client.closes === 'when told' && upstream.closes === 'when told' ? 'itself' : client.closes;
          await using relay = await openRelay({ registry: hub, client: clientLimits, upstreamLimits });
          void relay.ended.then(() => ends.push(i));
          await play(relay, { client: { ...client, closes: first }, upstream }, order);
        }),
      );
      expect(hub.registry.sessions.size).toBe(0);
    }),
    { numRuns: 40, endOnFailure: true },
  );
  expect(ends.length).toBeGreaterThan(40);
}, 120_000);
