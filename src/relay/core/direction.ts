/**
 * One direction of a connection: what one sender sends. Each read goes
 *
 *   read ─► parser ─► gate (limits) ─► stage ─► the other leg's writer
 *
 * and afterwards the sender is paused if that writer's buffer has reached its high mark. Control frames, faults and
 * violations go to the session.
 */
import type { Route, Sender, SenderLimits } from '../../config/types.ts';
import { belowLowMark, highMark } from '../../limits/watermarks.ts';
import type { SenderCounters } from '../../metrics/counters.ts';
import { Event, FrameParser } from '../../protocol/frame-parser.ts';
import { holdsWholeMessage } from '../../protocol/look-ahead.ts';
import { Opcode } from '../../protocol/opcodes.ts';
import type { SenderReport } from '../../report.ts';
import type { MemoryBudget } from '../memory/memory-budget.ts';
import { type Keeper, owned } from '../memory/read-buffers.ts';
import type { LegWriter } from '../transport/leg-writer.ts';
import { Gate, type GateEvents } from './gate.ts';
import { type HoldCause, Pauses } from './pauses.ts';
import { SenderRecord } from './sender-record.ts';
import type { Stage } from './stage.ts';
import { Tail } from './tail.ts';

/** What the session must hear of. */
export interface DirectionEvents extends GateEvents {
  /** A ping, pong or close frame; `payload` is valid during the call. */
  control(opcode: number, payload: Buffer): void;
  /** The sender broke the protocol. */
  fault(words: string): void;
}

export interface DirectionInit {
  /** The connection's. */
  readonly id: string;
  readonly sender: Sender;
  readonly route: Route;
  readonly counters: SenderCounters;
  readonly stage: Stage;
  /** What all connections' buffers hold together. */
  readonly memory: MemoryBudget;
}

/** The socket as far as a direction needs it. */
export interface Source {
  set maxReadBytes(bytes: number);
  pause(): void;
  resume(): void;
}

/**
 * What becomes of what is read: passed on; passed on to the end of the frame that has begun; parsed, so that a close frame
 * is seen; nothing at all.
 */
type Mode = 'relay' | 'finish-frame' | 'discard' | 'ignore';

export class Direction {
  readonly pauses: Pauses;
  /** Bytes read from this sender. A fraction first (see counters.ts). */
  wireBytes = Number.NaN;
  readonly record = new SenderRecord();

  readonly #id: string;
  readonly #sender: Sender;
  readonly #counters: SenderCounters;
  readonly #events: DirectionEvents;
  readonly #stage: Stage;
  readonly #memory: MemoryBudget;
  readonly #parser: FrameParser;
  readonly #gate: Gate;
  #source!: Source;
  #out!: LegWriter;
  #mode: Mode = 'relay';
  #tail: Tail | null = null;
  #undeliveredTail = 0;
  #onMessageEnd: { readonly then: 'hold' | 'discard'; readonly onStopped: () => void } | null = null;

  constructor(init: DirectionInit, events: DirectionEvents) {
    const { sender, route, counters } = init;
    this.wireBytes = 0;
    this.#id = init.id;
    this.#sender = sender;
    this.#counters = counters;
    this.#stage = init.stage;
    this.#memory = init.memory;
    this.#events = events;
    this.#parser = new FrameParser(sender === 'client');
    this.#gate = new Gate(sender, route, events, () => this.#proceed('rate'));
    this.pauses = new Pauses(counters);
  }

  /** Connects the sender's socket and the receiver's writer. */
  connect(source: Source, out: LegWriter): void {
    this.#source = source;
    this.#out = out;
    source.maxReadBytes = this.#gate.rates.maxReadBytes;
  }

  /** The limits that the next message will have; buffer limits hold at once. */
  get limits(): SenderLimits {
    return this.#gate.limits;
  }

  /** Bytes read from this sender that the receiver's kernel has not accepted. */
  get bufferedBytes(): number {
    return this.#out.bufferedBytes + (this.#tail?.bytes.length ?? 0);
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
    return this.#out.undeliveredBytes + this.#undeliveredTail;
  }

  /** New limits: buffers at once, the others from the next message. */
  reconfigure(route: Route): void {
    this.#gate.reconfigure(route);
    this.#source.maxReadBytes = this.#gate.rates.maxReadBytes;
    this.relieve();
  }

  /** Takes what was read. `keeper` is `null` where the bytes must be copied to be kept. */
  read(chunk: Buffer, start: number, end: number, keeper: Keeper | null): void {
    this.wireBytes += end - start;
    this.#counters.wireBytes += end - start;
    if (this.#mode === 'ignore') return;
    this.#parser.feed(chunk, start, end);
    this.#advance(end, keeper);
  }

  /** Passes on the rest of the frame that has begun, so that a close frame can follow, and nothing more. */
  finishFrame(): void {
    if (this.#mode !== 'relay') return;
    if (this.#out.betweenFrames) {
      this.discard();
      return;
    }
    this.#retire('finish-frame');
    this.#proceed('rate');
  }

  /** Passes on nothing more; goes on looking for the sender's close frame. */
  discard(): void {
    if (this.#mode !== 'ignore') this.#retire('discard');
    this.#endHolds();
  }

  /** Passes on nothing more and gives up parsing; only the end of the stream is waited for. */
  ignore(): void {
    this.#retire('ignore');
    this.#dropTail();
    this.#endHolds();
  }

  /** Reads on who was held after its message, for its close frame. */
  endHold(): void {
    if (this.pauses.has('drain')) this.#endHolds();
  }

  /** Whether a close frame of the sender would be seen. */
  get listening(): boolean {
    return this.#mode !== 'ignore';
  }

  /**
   * Passes on nothing more from the next message boundary on, when every message that has been read whole is passed on.
   * `hold`: the sender is not read then, and what it still sends stays with it; `discard`: it is, for its close frame.
   * `goOn` calls it off.
   */
  stopAfterMessage(then: 'hold' | 'discard', onStopped: () => void): void {
    this.#onMessageEnd = { then, onStopped };
    if (this.#tail === null && this.#parser.betweenFrames && !this.#parser.inMessage) this.#stop();
  }

  goOn(): void {
    this.#onMessageEnd = null;
  }

  /** Looks whether the receiver has caught up; called whenever it has taken bytes that waited. */
  relieve(): void {
    if (!this.pauses.waitsForReceiver) return;
    const { bufferedBytes } = this.#out;
    if (!belowLowMark(bufferedBytes, this.queuedMessages, this.limits)) return;
    if (!this.#memory.allowsResuming(bufferedBytes)) return;
    const now = performance.now();
    this.pauses.remove('queue', now);
    this.pauses.remove('memory', now);
    this.#proceed('buffer', now);
  }

  /**
   * All memory is spent: a sender whose receiver lags behind is not read any more. One with a tail waits for its rate
   * already, and nobody would tell when a receiver that keeps up has caught up.
   */
  yieldMemory(now: number): void {
    if (this.#passesOn() && this.#out.blocked) this.#pause('memory', now);
  }

  /** Bytes allocated for what this sender's receiver has not taken. */
  get capacity(): number {
    return this.#out.capacity + (this.#tail?.capacity ?? 0);
  }

  /** Called every tick. */
  tick(now: number): void {
    this.#gate.tick(now);
  }

  /** Ends clocks and pauses when the connection is gone. */
  finish(): void {
    this.#dropTail();
    this.#gate.rates.stop();
    this.pauses.clear(performance.now());
  }

  report(): SenderReport {
    return this.record.report(this.pauses);
  }

  /** Works through what was fed; `end` is where it ends. `inPlace`: it is a tail already, which may stay where it is. */
  #advance(end: number, keeper: Keeper | null, inPlace = false): void {
    const parser = this.#parser;
    const before = this.record.payloadBytes;
    this.#gate.beginRead();
    for (let event = parser.next(); event !== Event.starved; event = parser.next()) {
      if (event === Event.frame) {
        if (!this.#beginFrame(keeper)) {
          this.#holdTail(end, inPlace);
          break;
        }
      } else if (event === Event.payload) {
        if (this.#passesOn()) {
          this.record.payloadBytes += parser.spanEnd - parser.spanStart;
          this.#stage.payload(parser, keeper, this.#out);
        }
      } else if (event === Event.end) {
        this.#endFrame(end);
      } else if (event === Event.control) {
        this.#control();
      } else {
        this.#mode = 'ignore';
        this.#events.fault(parser.fault);
      }
      if (this.#mode === 'ignore') break;
    }
    if (this.#gate.open) this.#gate.time(this.paused);
    this.#out.flush();
    this.#account(this.record.payloadBytes - before);
  }

  /** The header of a data frame is complete. `false`: it must wait for its rate. */
  #beginFrame(keeper: Keeper | null): boolean {
    if (this.#mode !== 'relay') return true;
    const pass = this.#gate.frame(this.#parser);
    if (pass === 'wait') {
      this.#pause('rate', performance.now());
      return false;
    }
    this.record.fragments++;
    if (pass === 'pass') {
      this.#stage.begin(this.#parser, keeper, this.#out);
    } else {
      this.#counters.messageSizes.observe(this.#gate.meter.bytes, this.#id);
      // Whatever the session does: what was refused is not passed on.
      this.discard();
    }
    return true;
  }

  #endFrame(end: number): void {
    const parser = this.#parser;
    if (this.#mode === 'discard') return;
    this.#stage.end(parser, this.#out);
    if (this.#mode === 'finish-frame') {
      this.discard();
      return;
    }
    if (!parser.fin) return;
    this.#countMessage();
    if (this.#onMessageEnd === null) return;
    if (!holdsWholeMessage(parser.chunk, parser.position, end, this.#sender === 'client')) this.#stop();
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
    const { controlOpcode } = this.#parser;
    // A close ends the connection anyway; what comes after our own close is only looked through for the peer's.
    if (controlOpcode !== Opcode.close && this.#mode === 'relay' && this.#gate.control() !== 'pass') return;
    this.#events.control(controlOpcode, this.#parser.control());
  }

  /** Charges rates and looks at the buffer, once per read. */
  #account(payload: number): void {
    this.#counters.messageBytes += payload;
    if (!this.#passesOn()) return;
    if (payload > 0 && this.#gate.payload(payload) === 'wait') this.#pause('rate', performance.now());
    // The usual case: the kernel has taken all.
    if (!this.#out.blocked && this.#tail === null) return;
    const { bufferedBytes } = this;
    if (bufferedBytes > this.record.maxBufferedBytes) this.record.maxBufferedBytes = bufferedBytes;
    // A tail alone waits for its rate, not for the receiver.
    if (!this.#out.blocked) return;
    const cause =
      highMark(this.#out.bufferedBytes, this.queuedMessages, this.limits) ??
      // What a lease holds is not part of the capacity.
      (this.#memory.allowsRead(Math.max(bufferedBytes, this.capacity)) ? null : 'memory');
    if (cause !== null) this.#pause(cause, performance.now());
  }

  /** Keeps what stands behind a header that must wait. */
  #holdTail(end: number, inPlace: boolean): void {
    const parser = this.#parser;
    parser.holdHeader();
    const rest = parser.chunk.subarray(parser.position, end);
    this.#tail = inPlace ? Tail.restOf(rest, this.#memory) : Tail.copyOf(rest, this.#memory);
  }

  /** Drops the tail, which nobody will get. */
  #dropTail(): void {
    this.#undeliveredTail += this.#takeTail()?.bytes.length ?? 0;
  }

  #takeTail(): Tail | null {
    const tail = this.#tail;
    tail?.release();
    this.#tail = null;
    return tail;
  }

  #pause(cause: HoldCause, now: number): void {
    if (!this.pauses.add(cause, now)) return;
    this.#gate.hold(now);
    this.#source.pause();
  }

  /** One cause of pausing is over: if it was the last, goes on with the tail, then with the socket. */
  #proceed(cause: 'buffer' | 'rate', now = performance.now()): void {
    this.pauses.remove(cause, now);
    if (this.pauses.any) return;
    this.#gate.release(now);
    const tail = this.#mode === 'ignore' ? null : this.#takeTail();
    if (tail !== null) {
      const { bytes } = tail;
      this.#parser.feed(bytes, 0, bytes.length);
      this.#gate.beginRead();
      if (this.#beginFrame(owned)) this.#advance(bytes.length, owned, true);
      else this.#tail = Tail.restOf(bytes, this.#memory);
      if (this.pauses.any) return;
    }
    this.#source.resume();
  }

  #retire(mode: Mode): void {
    this.#mode = mode;
    this.#gate.end();
    this.#onMessageEnd = null;
  }

  /** What is not passed on any more waits for neither rates nor buffers. */
  #endHolds(): void {
    const now = performance.now();
    this.#gate.rates.stop();
    for (const cause of ['buffer', 'queue', 'memory', 'drain'] as const) this.pauses.remove(cause, now);
    this.#proceed('rate', now);
  }

  #stop(): void {
    const stop = this.#onMessageEnd!;
    if (stop.then === 'discard') {
      this.discard();
    } else {
      this.#retire('discard');
      this.#pause('drain', performance.now());
    }
    stop.onStopped();
  }

  #passesOn(): boolean {
    return this.#mode === 'relay' || this.#mode === 'finish-frame';
  }
}
