import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { verbatim } from '../../../../src/relay/core/stage.ts';
import { type Keeper, owned } from '../../../../src/relay/memory/read-buffers.ts';
import type { LegWriter } from '../../../../src/relay/transport/leg-writer.ts';
import { Event, FrameParser } from '../../../../src/websocket/frame-parser.ts';
import { frames, type KnownFrame } from '../../../helpers/arbitrary-frames.ts';
import { BlockingSocket } from '../../../helpers/blocking-socket.ts';
import { type Frame, parseFrame } from '../../../helpers/frames.ts';
import { legWriter } from '../../../helpers/leg-writer.ts';
import { budgetOf } from '../../../helpers/memory.ts';
import { expectEqual, expectSame } from '../../../helpers/often.ts';

/** Counts the pins of one leased buffer. */
class CountingKeeper implements Keeper {
  readonly lent = true;
  readonly view = owned.view;
  pins = 0;
  pin(): void {
    this.pins++;
  }
  unpin(): void {
    this.pins--;
    expectSame(this.pins >= 0, true);
  }
}

/** What Sluice itself may do between two events of the parser. */
type Act = 'pong' | 'ping' | 'close';
type Step =
  /** A read of so many bytes, into a leased buffer or the shared one; `acts` happen at these events of it. */
  | { readonly read: number; readonly leased: boolean; readonly acts: readonly [number, Act][] }
  | { readonly accept: number }
  | { readonly act: Act };

const act = fc.oneof({ weight: 8, arbitrary: fc.constant('pong' as const) }, fc.constantFrom('ping', 'close'));
const amount = fc.oneof(fc.integer({ min: 1, max: 30 }), fc.integer({ min: 1, max: 90_000 }));
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      read: amount,
      leased: fc.boolean(),
      acts: fc.array(fc.tuple(fc.nat(6), act), { maxLength: 1 }),
    }),
  },
  { weight: 4, arbitrary: fc.record({ accept: amount }) },
  { weight: 1, arbitrary: fc.record({ act: act }) },
);

const reason = Buffer.from('going');

/** Relays a stream of frames through a writer, step by step, and keeps account of what must come out. */
class Run {
  readonly socket: BlockingSocket;
  readonly writer: LegWriter;
  readonly pongs: string[] = [];
  drains = 0;
  /** The frames that must come out whole, in order. */
  readonly data: Buffer[] = [];
  closed = false;
  readonly #parser: FrameParser;
  readonly #stream: Buffer;
  readonly #lease = Buffer.alloc(256 * 1024);
  readonly #shared = Buffer.alloc(256 * 1024);
  readonly keeper = new CountingKeeper();
  readonly #known: KnownFrame[];
  #at = 0;
  #begun = 0;
  #written = 0;

  constructor(known: KnownFrame[], masks: boolean, room: number) {
    this.socket = new BlockingSocket(room);
    this.writer = legWriter(this.socket.asSocket, masks, budgetOf(), () => this.drains++);
    this.#parser = new FrameParser(masks);
    this.#stream = Buffer.concat(known.map(({ bytes }) => bytes));
    this.#known = known.filter(({ opcode }) => opcode < 8);
  }

  get finished(): boolean {
    return this.#at === this.#stream.length;
  }

  step(step: Step): void {
    if ('read' in step) this.read(step.read, step.leased, step.acts);
    else if ('accept' in step) this.socket.accept(step.accept);
    else this.act(step.act);
    this.#check();
  }

  read(bytes: number, leased: boolean, acts: readonly [number, Act][] = []): void {
    // As the socket reader does: a buffer that a write still reads from is not read into.
    const keeper = leased && this.keeper.pins === 0 ? this.keeper : null;
    const chunk = keeper === null ? this.#shared : this.#lease;
    const end = this.#stream.copy(chunk, 0, this.#at, this.#at + bytes);
    this.#at += end;
    const parser = this.#parser;
    parser.feed(chunk, 0, end);
    for (let i = 0, event = parser.next(); event !== Event.starved; i++, event = parser.next()) {
      for (const [at, act] of acts) if (at === i) this.act(act);
      if (event === Event.frame) {
        // After our close frame the direction passes on nothing that begins.
        if (!this.closed) this.data.push(this.#known[this.#begun]!.bytes);
        this.#begun++;
        if (this.closed) continue;
        verbatim.begin(parser, keeper, this.writer);
      } else if (this.data.length < this.#begun) {
        // A frame that is not passed on.
      } else if (event === Event.payload) verbatim.payload(parser, keeper, this.writer);
      else if (event === Event.end) verbatim.end(parser, this.writer);
      else expectSame(event, Event.control);
    }
    this.writer.flush();
    if (keeper === null) this.#shared.fill(0xee);
    else if (this.keeper.pins === 0) this.#lease.fill(0xee);
  }

  act(act: Act): void {
    if (act === 'pong') {
      const payload = Buffer.from(`pong ${this.pongs.length}`);
      // A pong still goes in front of a close frame that waits for the frame's end.
      if (!this.writer.closed) this.pongs.push(payload.toString());
      this.writer.pong(payload);
      payload.fill(0);
    } else if (act === 'ping') {
      this.writer.ping(Buffer.from('ping'));
    } else {
      this.closed = true;
      this.writer.close({ code: 4000, reason });
    }
  }

  #check(): void {
    const { writer, socket } = this;
    expectSame(this.keeper.pins <= 1, true);
    expectSame(writer.blocked, socket.writableLength > 0);
    expectSame(writer.bufferedBytes >= socket.writableLength, true);
    // A write in flight is counted whole until all of it has been taken.
    expectSame(writer.bufferedBytes > 0, writer.blocked);
    if (!writer.blocked) expectSame(writer.queuedMessages, 0);
    expectSame(writer.drainedBytes >= this.#written, true);
    this.#written = writer.drainedBytes;
    if (writer.closeFlushed) expectSame(writer.closeSent, true);
    if (this.closed && writer.betweenFrames) expectSame(writer.closed, true);
  }
}

/** All frames of the output; it must consist of whole frames. */
function framesOf(output: Buffer): { frame: Frame; bytes: Buffer }[] {
  const found = [];
  for (let at = 0; at < output.length; ) {
    const frame = parseFrame(output.subarray(at));
    if (frame === null) throw new Error(`no whole frame at ${at} of ${output.length}`);
    found.push({ frame, bytes: output.subarray(at, at + frame.size) });
    at += frame.size;
  }
  return found;
}

describe.each([
  ['an upstream', true],
  ['a client', false],
])('towards %s, whenever the kernel takes how much', (_, masks) => {
  test('every frame comes out whole, in order, and Sluice’s own stand between them', () => {
    const room = fc.oneof(fc.nat(30), fc.nat(100_000));
    fc.assert(
      fc.property(frames(masks), room, fc.array(step, { maxLength: 60 }), (known, room, steps) => {
        const run = new Run(known, masks, room);
        for (const step of steps) run.step(step);
        while (!run.finished) run.step({ read: 50_000, leased: true, acts: [] });
        run.socket.accept(Number.MAX_SAFE_INTEGER);
        const { writer, socket } = run;
        expect([writer.bufferedBytes, writer.queuedMessages, writer.blocked, run.keeper.pins]).toEqual([
          0,
          0,
          false,
          0,
        ]);
        expectSame(writer.pingFlushed || run.closed, true);

        const out = framesOf(socket.output);
        const data = out.filter(({ frame }) => frame.opcode < 8).map(({ bytes }) => bytes);
        expectSame(Buffer.concat(data).equals(Buffer.concat(run.data)), true);
        for (const { frame } of out) if (frame.opcode >= 8) expectSame(frame.masked, masks);

        const pongs = out.filter(({ frame }) => frame.opcode === 10).map(({ frame }) => frame.payload.toString());
        // In order, each at most once; the latest is among them, unless a close frame has made it pointless.
        const order = pongs.map((pong) => run.pongs.indexOf(pong));
        expectEqual(
          order,
          [...new Set(order)].sort((a, b) => a - b),
        );
        expect(order).not.toContain(-1);
        if (!run.closed) expectSame(pongs.at(-1), run.pongs.at(-1));

        const closes = out.filter(({ frame }) => frame.opcode === 8);
        expectSame(closes.length, run.closed ? 1 : 0);
        if (run.closed) {
          expectSame(out.at(-1), closes[0]);
          expectEqual(closes[0]!.frame.payload, Buffer.concat([Buffer.from([0x0f, 0xa0]), reason]));
        }
        expectEqual([writer.closeSent, writer.closeFlushed], [run.closed, run.closed]);
      }),
      { numRuns: 400 },
    );
  });
});

test('a receiver that is gone unpins what was pinned, and what waited is summed up, whenever it goes', () => {
  fc.assert(
    fc.property(frames(false), fc.nat(5000), fc.array(step, { maxLength: 20 }), (known, room, steps) => {
      const run = new Run(known, false, room);
      for (const step of steps) run.step(step);
      const waited = run.writer.bufferedBytes;
      run.socket.destroy();
      expectSame(run.keeper.pins, 0);
      run.writer.abandon();
      expectEqual([run.writer.undeliveredBytes, run.writer.bufferedBytes], [waited, 0]);
      while (!run.finished) run.read(10_000, true);
      expectEqual([run.keeper.pins, run.writer.bufferedBytes], [0, 0]);
    }),
    { numRuns: 200 },
  );
});
