/**
 * Decides at each frame header of one sender: pass, wait for a rate, or end the connection. It takes the limits when a
 * message starts, and they hold until its end.
 */

import type { Rate } from '../../catalogue/limit-values.ts';
import type { ClosingLimit } from '../../catalogue/outcomes.ts';
import type { Route, Sender, SenderLimits } from '../../config/types.ts';
import { MessageMeter, type SizeLimit } from '../../limits/message-meter.ts';
import { Stopwatch } from '../../limits/stopwatch.ts';
import type { Violation } from '../../observe/report.ts';
import type { FrameParser } from '../../websocket/frame-parser.ts';
import { Opcode } from '../../websocket/opcodes.ts';
import type { Clock } from './clock.ts';
import { RateGate } from './rate-gate.ts';

export interface GateEvents {
  /** A limit was exceeded and the connection must end. */
  exceeded(violation: Violation): void;
  /** A limit was exceeded and the connection goes on (`report`, or a rate that pauses). */
  noted(violation: Violation): void;
}

/** `wait`: the header must be offered again when the rate's timer says so. `refused`: `exceeded` has been called. */
export type Pass = 'pass' | 'wait' | 'refused';

export interface GateInit {
  readonly sender: Sender;
  readonly route: Route;
  readonly clock: Clock;
  readonly events: GateEvents;
  /** Called when what had to wait for a rate may go on. */
  readonly onRate: () => void;
}

export class Gate {
  readonly meter: MessageMeter;
  readonly rates: RateGate;
  /** Opcode of the current message. */
  opcode: number = Opcode.binary;
  readonly #clock: Clock;
  readonly #sender: Sender;
  readonly #events: GateEvents;
  /** The time of a message that is not whole at the end of a read. Most messages are whole, and need none. */
  #messageTime: Stopwatch | null = null;
  #open = false;
  /** The time of the present read, asked for once; 0 until then. */
  #readAt = 0;
  /** The limits of this sender, and whether they only report. Looked up once, because every message asks for them. */
  #limits: SenderLimits;
  #reporting: boolean;
  /** Whether the message under way is in `mode: report`. */
  #reports: boolean;
  /** One violation per message. */
  #noted = false;
  /** Whether the message whose header comes next has waited for its rate. If so, it is the same one again. */
  #waits = false;

  constructor({ sender, route, clock, events, onRate }: GateInit) {
    this.#clock = clock;
    this.#sender = sender;
    this.#limits = route.limits[sender];
    this.#reporting = route.limits.mode === 'report';
    this.#reports = this.#reporting;
    this.#events = events;
    this.meter = new MessageMeter(this.#limits);
    this.rates = new RateGate(this.#limits, clock, onRate);
  }

  /** The limits that the next message will have; buffer limits hold at once. */
  get limits(): SenderLimits {
    return this.#limits;
  }

  reconfigure(route: Route): void {
    this.#limits = route.limits[this.#sender];
    this.#reporting = route.limits.mode === 'report';
    this.rates.change(this.#limits, this.#clock.now());
  }

  /** A read begins: all that is in it came at the same time. */
  beginRead(): void {
    this.#readAt = 0;
  }

  /** Whether a message is under way. */
  get open(): boolean {
    return this.#open;
  }

  /** A read is used up and a message is still open, so its time runs. `held`: whether Sluice holds the sender up. */
  time(held: boolean): void {
    if (this.#messageTime !== null || this.meter.limits.messageTimeoutMs === 0) return;
    this.#messageTime = new Stopwatch();
    this.#messageTime.start(this.#now(), held);
  }

  /** Judges the header that `parser` has just read. Its size is looked at before its rate. */
  frame(parser: FrameParser): Pass {
    const starts = parser.opcode !== Opcode.continuation;
    if (!this.#waits) {
      if (starts) this.#begin(parser.opcode);
      const exceeded = this.meter.frame(parser.length);
      if (exceeded !== null && !this.#passes(exceeded, parser)) return 'refused';
    }
    return starts ? this.#rate() : 'pass';
  }

  /** A control frame of the sender. */
  control(): Pass {
    if (this.rates.takeControl(this.#now())) return 'pass';
    const { perSecond } = this.#limits.controlRate;
    this.#close('max_control_rate', perSecond, perSecond + 1);
    return 'refused';
  }

  /** Whether a control frame is still answered although nothing of its sender is passed on any more. */
  answersControl(): boolean {
    return this.rates.takeControl(this.#now());
  }

  /** Payload bytes that have just passed. */
  payload(bytes: number): Pass {
    const { byteRate } = this.#limits;
    if (byteRate === null || !this.rates.chargeBytes(bytes, this.#now())) return 'pass';
    const now = this.#now();
    const observed = byteRate.perSecond + Math.ceil(this.rates.byteDebt(now));
    const pass = this.#overRate('max_byte_rate', byteRate, observed);
    if (pass === 'wait') this.rates.awaitBytes(now);
    return pass;
  }

  /** The message is complete, or nothing more of it matters. */
  end(): void {
    this.#open = false;
    this.#messageTime = null;
  }

  /** Sluice holds the sender up, or lets it go on. The clock of its message stands still meanwhile. */
  hold(now: number): void {
    this.#messageTime?.hold(now);
  }

  release(now: number): void {
    this.#messageTime?.release(now);
  }

  /** Called every tick, for a message that is begun and never finished. */
  tick(now: number): void {
    const { messageTimeoutMs } = this.meter.limits;
    if (messageTimeoutMs === 0 || this.#messageTime === null) return;
    const elapsed = this.#messageTime.elapsedMs(now);
    if (elapsed <= messageTimeoutMs) return;
    this.#messageTime = null;
    this.#exceed('message_timeout', messageTimeoutMs, Math.round(elapsed));
  }

  #begin(opcode: number): void {
    this.#noted = false;
    this.#reports = this.#reporting;
    this.opcode = opcode;
    this.meter.begin(this.#limits);
  }

  /** Whether the message that begins may pass now. */
  #rate(): Pass {
    const { messageRate } = this.meter.limits;
    const pass =
      messageRate === null || this.rates.takeMessage(this.#now()) ? 'pass' : this.#overMessageRate(messageRate);
    this.#waits = pass === 'wait';
    this.#open = pass === 'pass';
    return pass;
  }

  #overMessageRate(rate: Rate): Pass {
    const pass = this.#overRate('max_message_rate', rate, rate.perSecond + 1);
    if (pass === 'wait') this.rates.awaitMessage(this.#now());
    return pass;
  }

  #now(): number {
    if (this.#readAt === 0) this.#readAt = this.#clock.now();
    return this.#readAt;
  }

  #overRate(limit: ClosingLimit, rate: Rate, observed: number): Pass {
    if (this.#reports) {
      this.#note(limit, rate.perSecond, observed, 'report');
      return 'pass';
    }
    if (rate.action === 'close') {
      this.#close(limit, rate.perSecond, observed);
      return 'refused';
    }
    this.#note(limit, rate.perSecond, observed, 'pause');
    return 'wait';
  }

  /** Whether a frame that exceeds a limit passes all the same. */
  #passes(limit: SizeLimit, parser: FrameParser): boolean {
    const { limits, bytes, fragments } = this.meter;
    if (limit === 'max_frame_size') return this.#exceed(limit, limits.maxFrameBytes, parser.length);
    // Fragments that are still to come would add to the size.
    const partial = !parser.fin;
    if (limit === 'max_fragments') return this.#exceed(limit, limits.maxFragments, fragments, partial);
    if (bytes <= Number.MAX_SAFE_INTEGER) return this.#exceed(limit, limits.maxMessageBytes, bytes, partial);
    // No number beyond 2^53 − 1 can be counted exactly. So a message of more is refused in every mode, and without a
    // limit too.
    const configured = Math.min(limits.maxMessageBytes, Number.MAX_SAFE_INTEGER);
    this.#close(limit, configured, parser.length === Infinity ? parser.announced() : bytes, partial);
    return false;
  }

  /** A limit was exceeded that `mode: report` covers. Returns whether the connection goes on. */
  #exceed(limit: ClosingLimit, configured: number, observed: number, partial = false): boolean {
    if (this.#reports) this.#note(limit, configured, observed, 'report', partial);
    else this.#close(limit, configured, observed, partial);
    return this.#reports;
  }

  #note(limit: ClosingLimit, configured: number, observed: number, action: 'report' | 'pause', partial = false): void {
    if (this.#noted) return;
    this.#noted = true;
    this.#events.noted({ sender: this.#sender, limit, configured, observed, partial, action });
  }

  #close(limit: ClosingLimit, configured: number, observed: number | bigint, partial = false): void {
    this.#events.exceeded({ sender: this.#sender, limit, configured, observed, partial, action: 'close' });
  }
}
