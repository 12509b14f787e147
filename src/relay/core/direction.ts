/**
 * One direction of a connection: what one sender sends. Each read goes
 *
 *   read ─► parser ─► gate (limits) ─► stage ─► the other leg's writer
 *
 * and afterwards the sender is paused if that writer's buffer has reached its high mark. Control frames, faults and
 * violations are told when the read is over (happenings.ts): nobody calls in here while its loop runs.
 */
import type { Route, Sender, SenderLimits } from '../../config/types.ts';
import type { SenderCounters } from '../../observe/metrics/counters.ts';
import type { SenderReport } from '../../observe/report.ts';
import { Event, FrameParser } from '../../websocket/frame-parser.ts';
import { holdsWholeMessage } from '../../websocket/look-ahead.ts';
import { Opcode } from '../../websocket/opcodes.ts';
import type { MemoryBudget } from '../memory/memory-budget.ts';
import { type Keeper, owned } from '../memory/read-buffers.ts';
import { Backlog } from './backlog.ts';
import type { Clock } from './clock.ts';
import { CloseSearch } from './close-search.ts';
import { Gate } from './gate.ts';
import { type Happening, Happenings } from './happenings.ts';
import { type HoldCause, Pauses } from './pauses.ts';
import type { RoundBudget, RoundLimits, RoundWaiter } from './round-budget.ts';
import { SenderRecord } from './sender-record.ts';
import type { Outlet, ReadSide } from './sides.ts';
import type { Finding, Stage } from './stage.ts';

export interface DirectionInit {
  /** The connection's. */
  readonly id: string;
  readonly sender: Sender;
  readonly route: Route;
  readonly counters: SenderCounters;
  readonly stage: Stage;
  /** What all connections' buffers hold together. */
  readonly memory: MemoryBudget;
  readonly clock: Clock;
  /** Of all connections. */
  readonly frameBudget: RoundBudget;
  /** Where the bytes come from, and where they go. */
  readonly source: ReadSide;
  readonly out: Outlet;
  /** Called when what had to wait for a rate may go on: see `rateOver`. */
  readonly onRate: () => void;
  /** Called when what stood behind answers may go on: see `answersOver`. */
  readonly onAnswers: () => void;
}

/**
 * What becomes of the bytes that are read. `relay` passes them on. `finish-frame` passes them on to the end of the
 * frame that has begun. `discard` only parses them, so that a close frame is seen. `ignore` does not look at them.
 */
type Mode = 'relay' | 'finish-frame' | 'discard' | 'ignore';

/** How many messages of a sender may be dropped before it has been sent the answers to them. */
const mostUnanswered = 16;

const controlNames: Readonly<Record<number, 'ping' | 'pong' | 'close'>> = {
  [Opcode.ping]: 'ping',
  [Opcode.pong]: 'pong',
  [Opcode.close]: 'close',
};

/**
 * Small frames, 4 to 5 ms of a core. Senders that go on bring a read of ten thousand or so. 256 in one read are no
 * flood.
 */
export const framesPerRound: RoundLimits = { work: 32_000, free: 256, waiters: 3 };

export class Direction implements RoundWaiter {
  readonly pauses: Pauses;
  /** Bytes read from this sender. A fraction first (see counters.ts). */
  wireBytes = Number.NaN;
  readonly record = new SenderRecord();

  readonly #id: string;
  readonly #sender: Sender;
  readonly #counters: SenderCounters;
  readonly #happenings = new Happenings();
  /** What waits of this sender, and the stage that its messages go through. */
  readonly #backlog: Backlog;
  /** The stage that takes over when the message under way is complete. */
  #nextStage: Stage | null = null;
  #unanswered = 0;
  readonly #parser: FrameParser;
  readonly #gate: Gate;
  readonly #clock: Clock;
  readonly #frameBudget: RoundBudget;
  readonly #onAnswers: () => void;
  readonly #source: ReadSide;
  readonly #out: Outlet;
  #mode: Mode = 'relay';
  /** Frames that have begun, of data and of control. */
  #frames = 0;
  readonly #search = new CloseSearch();
  #finished = false;
  #atBoundary: 'hold' | 'discard' | null = null;

  constructor(init: DirectionInit) {
    const { sender, route, counters, clock } = init;
    this.wireBytes = 0;
    this.#id = init.id;
    this.#sender = sender;
    this.#counters = counters;
    this.#backlog = new Backlog(init.stage, init.out, init.memory);
    this.#clock = clock;
    this.#frameBudget = init.frameBudget;
    this.#onAnswers = init.onAnswers;
    this.#source = init.source;
    this.#out = init.out;
    this.#parser = new FrameParser(sender === 'client');
    this.#gate = new Gate({ sender, route, clock, events: this.#happenings, onRate: init.onRate });
    this.pauses = new Pauses(counters);
    this.#source.maxReadBytes = this.#gate.rates.maxReadBytes;
  }

  /** What has happened since the last call; `null` for nothing. Every caller of this class asks afterwards. */
  happened(): readonly Happening[] | null {
    return this.#happenings.take();
  }

  /** The limits that the next message will have; buffer limits hold at once. */
  get limits(): SenderLimits {
    return this.#gate.limits;
  }

  /** Bytes read from this sender that the receiver's kernel has not accepted. */
  get bufferedBytes(): number {
    return this.#backlog.bytes;
  }

  get queuedMessages(): number {
    return this.#out.queuedMessages;
  }

  /** Whether the sender's socket is not being read. */
  get paused(): boolean {
    return this.pauses.any;
  }

  /** Bytes read that the receiver's kernel never took; known when the receiver's socket is gone. */
  get undeliveredBytes(): number {
    return this.#backlog.undeliveredBytes;
  }

  /** New limits: buffers at once, the others from the next message. */
  reconfigure(route: Route): void {
    this.#gate.reconfigure(route);
    this.#source.maxReadBytes = this.#gate.rates.maxReadBytes;
    this.resumeIfCaughtUp();
  }

  /** The stage that the next message goes through. */
  useStage(stage: Stage): void {
    const parser = this.#parser;
    this.#nextStage = stage;
    if (!this.#backlog.hasTail && parser.betweenFrames && !parser.inMessage) this.#changeStage();
  }

  /**
   * Whether this sender's receiver keeps something waiting: messages for it, or answers to its own. `back` is the
   * direction that the receiver sends on.
   */
  waitsFor(back: Direction): boolean {
    return this.pauses.waitsForReceiver || (back.pauses.has('answers') && this.#out.blocked);
  }

  /**
   * The answers to this sender have gone. What stood behind them goes on in a round of its own: a read may hold
   * thousands of messages that each want an answer, and the kernel takes those at once.
   */
  answered(): void {
    this.#unanswered = 0;
    if (this.pauses.has('answers')) this.#frameBudget.wait(this);
  }

  /** The round of what stood behind answers has come. */
  answersOver(): void {
    this.#proceed('answers', this.#clock.now());
  }

  /** Takes what was read, and says what came of it. `keeper` is `null` where the bytes must be copied to be kept. */
  read(chunk: Buffer, start: number, end: number, keeper: Keeper | null): readonly Happening[] | null {
    this.wireBytes += end - start;
    this.#counters.wireBytes += end - start;
    if (this.#mode === 'ignore') return null;
    const before = this.#frames;
    this.#parser.feed(chunk, start, end);
    this.#advance(end, keeper);
    const frames = this.#frames - before;
    if (!this.#frameBudget.spend(frames)) this.#awaitRound();
    return this.#happenings.take();
  }

  /** Stops reading until a round has room. That is no pause: the sender waits for the thread alone. */
  #awaitRound(): void {
    this.#source.pause();
    this.#frameBudget.wait(this);
  }

  onRound(): void {
    if (this.#finished) return;
    if (!this.pauses.any) this.#source.resume();
    else if (this.#unanswered === 0 && this.pauses.has('answers')) this.#onAnswers();
  }

  reset(): void {
    this.#source.reset();
  }

  /** Passes on the rest of the frame that has begun, so that a close frame can follow it, and nothing more. */
  finishFrame(): void {
    if (this.#mode !== 'relay') return;
    if (this.#out.betweenFrames) {
      this.discard();
      return;
    }
    this.#retire('finish-frame');
    this.#proceed('rate', this.#clock.now());
  }

  /** Passes on nothing more; goes on looking for the sender's close frame. */
  discard(): void {
    if (this.#mode !== 'ignore') this.#retire('discard');
    this.#endHolds();
  }

  /** Passes on nothing more and gives up parsing; only the end of the stream is waited for. */
  ignore(): void {
    this.#retire('ignore');
    this.#backlog.dropTail();
    this.#endHolds();
  }

  /** Reads on a sender that was held after its message, for its close frame. */
  endHold(): void {
    if (this.pauses.has('drain')) this.#endHolds();
  }

  /** Whether a close frame of the sender would be seen. */
  get listening(): boolean {
    return this.#mode !== 'ignore';
  }

  /**
   * Passes on nothing more from the next message boundary on, when every message that has been read whole is passed on.
   * With `hold` the sender is not read then, and what it still sends stays with it. With `discard` it is read for its
   * close frame. `boundary` happens then; `cancelStop` calls it off.
   */
  stopAfterMessage(then: 'hold' | 'discard'): void {
    this.#atBoundary = then;
    if (!this.#backlog.hasTail && this.#parser.betweenFrames && !this.#parser.inMessage) this.#stop();
  }

  cancelStop(): void {
    this.#atBoundary = null;
  }

  /** The rate's time is over. */
  rateOver(): void {
    this.#proceed('rate', this.#clock.now());
  }

  /** Reads on if the receiver has caught up. Called whenever it has taken bytes that waited. */
  resumeIfCaughtUp(): void {
    if (!this.pauses.waitsForReceiver || !this.#backlog.hasDrained(this.limits)) return;
    const now = this.#clock.now();
    this.pauses.remove('queue', now);
    this.pauses.remove('memory', now);
    this.#proceed('buffer', now);
  }

  /**
   * Stops reading a sender whose receiver lags behind, because all memory is spent. A sender with a tail is left alone:
   * it waits for its rate already, and its receiver, which keeps up, would never report that it has caught up.
   */
  yieldMemory(now: number): void {
    if (this.#passesOn() && this.#out.blocked) this.#pause('memory', now);
  }

  /** Bytes allocated for what this sender's receiver has not taken. */
  get capacity(): number {
    return this.#backlog.capacity;
  }

  /** Called every tick. */
  tick(now: number): void {
    this.#gate.tick(now);
  }

  /** Ends clocks and pauses when the connection is gone. */
  finish(): void {
    this.#finished = true;
    this.#backlog.dropTail();
    this.#backlog.dropHeld();
    this.#gate.rates.stop();
    this.pauses.clear(this.#clock.now());
  }

  report(): SenderReport {
    return this.record.report(this.pauses);
  }

  /** Works through what was fed, up to `end`. `inPlace`: the bytes are a tail already, and may stay where they are. */
  #advance(end: number, keeper: Keeper | null, inPlace = false): void {
    const parser = this.#parser;
    const before = this.record.payloadBytes;
    this.#gate.beginRead();
    for (let event = parser.next(); event !== Event.starved; event = parser.next()) {
      if (event === Event.frame) {
        this.#frames++;
        if (!this.#beginFrame(keeper)) {
          this.#holdTail(end, inPlace);
          break;
        }
      } else if (event === Event.payload) {
        if (this.#passesOn()) {
          this.record.payloadBytes += parser.spanEnd - parser.spanStart;
          this.#backlog.stage.payload(parser, keeper, this.#out);
        }
      } else if (event === Event.end) {
        this.#endFrame(end);
      } else if (event === Event.control) {
        this.#control();
      } else {
        this.#mode = 'ignore';
        this.#gate.end();
        this.#happenings.add({ what: 'fault', detail: parser.fault });
      }
      if (this.#mode === 'ignore') break;
    }
    if (this.#mode === 'discard' && this.#search.isInVain(this.#frames, this.wireBytes)) this.ignore();
    if (this.#gate.open) this.#gate.time(this.paused);
    this.#out.flush();
    this.#account(this.record.payloadBytes - before);
  }

  /** The header of a data frame is complete. `false`: it must wait for its rate. */
  #beginFrame(keeper: Keeper | null): boolean {
    if (this.#mode !== 'relay') return true;
    if (this.#unanswered >= mostUnanswered && this.#parser.opcode !== Opcode.continuation) {
      this.#pause('answers', this.#clock.now());
      this.#happenings.add({ what: 'unanswered' });
      return false;
    }
    const pass = this.#gate.frame(this.#parser);
    if (pass === 'wait') {
      this.#pause('rate', this.#clock.now());
      return false;
    }
    this.record.fragments++;
    if (pass === 'pass') {
      const found = this.#backlog.stage.begin(this.#parser, keeper, this.#out);
      if (found !== null) this.#report(found);
    } else {
      const { bytes, earlierBytes } = this.#gate.meter;
      this.#counters.messageSizes.observe(bytes, this.#id, earlierBytes);
      // What was refused is not passed on, whatever the session decides.
      this.discard();
    }
    return true;
  }

  #endFrame(end: number): void {
    const parser = this.#parser;
    if (this.#mode === 'discard') return;
    const found = this.#backlog.stage.end(parser, this.#out);
    if (found !== null) this.#report(found);
    if (parser.fin) this.#countMessage();
    if (this.#mode === 'finish-frame') {
      this.discard();
      return;
    }
    if (!parser.fin) return;
    if (this.#nextStage !== null) this.#changeStage();
    if (this.#atBoundary === null) return;
    if (!holdsWholeMessage(parser.chunk, parser.position, end, this.#sender === 'client')) this.#stop();
  }

  /** A stage has found something in a message. */
  #report({ violation, answer }: Finding): void {
    this.#happenings.add({ what: 'violation', violation });
    if (answer !== null) {
      this.#unanswered++;
      this.#happenings.add({ what: 'answer', payload: answer });
    }
    // What was refused is not passed on, whatever the session decides.
    if (violation.action === 'close') this.discard();
  }

  #changeStage(): void {
    this.#backlog.stage = this.#nextStage!;
    this.#nextStage = null;
  }

  #countMessage(): void {
    this.#gate.end();
    const { bytes } = this.#gate.meter;
    this.record.messages++;
    if (bytes > this.record.maxMessageBytes) this.record.maxMessageBytes = bytes;
    const counters = this.#counters;
    if (this.#gate.opcode === Opcode.text) counters.textMessages++;
    else counters.binaryMessages++;
    counters.messageSizes.observe(bytes, this.#id);
  }

  #control(): void {
    this.#frames++;
    const { controlOpcode } = this.#parser;
    if (controlOpcode === Opcode.close) {
      this.#mode = 'ignore';
    } else if (this.#mode === 'relay') {
      if (this.#gate.control() !== 'pass') {
        this.discard();
        return;
      }
    } else if (!this.#gate.answersControl()) {
      // After our own close the frames are only looked through for the peer's.
      return;
    }
    // This is a copy, because the next control frame overwrites the parser's buffer.
    this.#happenings.add({ what: controlNames[controlOpcode]!, payload: Buffer.from(this.#parser.control()) });
  }

  /** Charges rates and looks at the buffer, once per read. */
  #account(payload: number): void {
    this.#counters.messageBytes += payload;
    if (!this.#passesOn()) return;
    if (payload > 0 && this.#gate.payload(payload) === 'wait') this.#pause('rate', this.#clock.now());
    const backlog = this.#backlog;
    // The usual case: the kernel has taken all.
    if (!this.#out.blocked && !backlog.hasTail) return;
    const { bytes } = backlog;
    if (bytes > this.record.maxBufferedBytes) this.record.maxBufferedBytes = bytes;
    const cause = backlog.overflow(this.limits);
    if (cause !== null) this.#pause(cause, this.#clock.now());
  }

  /** Keeps what stands behind a header that must wait. */
  #holdTail(end: number, inPlace: boolean): void {
    const parser = this.#parser;
    parser.holdHeader();
    this.#backlog.holdTail(parser.chunk.subarray(parser.position, end), inPlace);
  }

  #pause(cause: HoldCause, now: number): void {
    if (!this.pauses.add(cause, now)) return;
    this.#gate.hold(now);
    this.#source.pause();
  }

  /** One cause of pausing is over. If it was the last, goes on with the tail, then with the socket. */
  #proceed(cause: 'buffer' | 'rate' | 'answers', now: number): void {
    this.pauses.remove(cause, now);
    if (this.pauses.any) return;
    this.#gate.release(now);
    const tail = this.#mode === 'ignore' ? null : this.#backlog.takeTail();
    if (tail !== null) {
      this.#parser.feed(tail, 0, tail.length);
      this.#gate.beginRead();
      if (this.#beginFrame(owned)) this.#advance(tail.length, owned, true);
      else this.#backlog.holdTail(tail, true);
      if (this.pauses.any) return;
    }
    this.#source.resume();
  }

  #retire(mode: Mode): void {
    if (this.#mode !== mode) this.#search.begin(this.#frames, this.wireBytes);
    this.#mode = mode;
    this.#gate.end();
    this.#atBoundary = null;
    this.#backlog.dropHeld();
  }

  /** Ends all waits: bytes that are not passed on wait for neither rates nor buffers. */
  #endHolds(): void {
    const now = this.#clock.now();
    this.#gate.rates.stop();
    if (this.pauses.any) {
      for (const cause of ['buffer', 'queue', 'memory', 'drain', 'answers'] as const) this.pauses.remove(cause, now);
    }
    this.#proceed('rate', now);
  }

  #stop(): void {
    if (this.#atBoundary === 'discard') {
      this.discard();
    } else {
      this.#retire('discard');
      this.#pause('drain', this.#clock.now());
    }
    this.#happenings.add({ what: 'boundary' });
  }

  #passesOn(): boolean {
    return this.#mode === 'relay' || this.#mode === 'finish-frame';
  }
}
