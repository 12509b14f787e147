/**
 * Holds a text message until it is whole, has it judged, and passes on the very bytes that came, with their frames and
 * masks. What is bad goes no further, unless it is only reported.
 *
 *   first frame ─► pass: binary, or no rules ──────────────► on, as it comes
 *        ├───────► hold ─ whole ─► judged ─ good ──────────► on, at once
 *        │           └ larger than may be held               │
 *        └───────────────┴──────────────────────────── bad ──┴─► drop, and tell
 *
 * A message that stands whole in one frame of one read, as most do, is judged where it stands and not held.
 */
import type { Sender } from '../../config/types.ts';
import type { Fault, MessageRules } from '../../validation/types.ts';
import { Event, FrameParser } from '../../websocket/frame-parser.ts';
import { copyUnmasked } from '../../websocket/mask.ts';
import { Opcode } from '../../websocket/opcodes.ts';
import { freeBuffer, giveBuffer, takeBuffer } from '../memory/copy-buffers.ts';
import type { MemoryBudget } from '../memory/memory-budget.ts';
import type { Keeper } from '../memory/read-buffers.ts';
import { type Finding, type FrameSink, type Stage, verbatim } from './stage.ts';

export interface ValidatingStageInit {
  readonly sender: Sender;
  readonly memory: MemoryBudget;
  /** What holds now; `null` for nothing. */
  readonly rules: () => MessageRules | null;
}

const nothing = Buffer.alloc(0);
const leastHeld = 512;

export class ValidatingStage implements Stage {
  /** How many bytes of the message under way wait for its end, headers included. */
  heldBytes = 0;
  readonly #sender: Sender;
  readonly #memory: MemoryBudget;
  readonly #now: () => MessageRules | null;
  #rules: MessageRules | null = null;
  #does: 'pass' | 'hold' | 'drop' = 'pass';
  /** Payload bytes of the message that its headers have announced. */
  #announced = 0;
  #held = nothing;

  constructor({ sender, memory, rules }: ValidatingStageInit) {
    this.#sender = sender;
    this.#memory = memory;
    this.#now = rules;
  }

  get capacity(): number {
    return this.#held.length;
  }

  begin(parser: FrameParser, keeper: Keeper | null, out: FrameSink): Finding | null {
    const found = parser.opcode === Opcode.continuation ? null : this.#start(parser.opcode);
    const more = this.#does === 'hold' ? this.#admit(parser, out) : null;
    if (this.#does === 'pass') verbatim.begin(parser, keeper, out);
    else if (this.#does === 'hold') this.#keep(parser.header, parser.headerStart, parser.headerEnd);
    return found ?? more;
  }

  payload(parser: FrameParser, keeper: Keeper | null, out: FrameSink): void {
    if (this.#does === 'pass') verbatim.payload(parser, keeper, out);
    else if (this.#does === 'hold') this.#keep(parser.chunk, parser.spanStart, parser.spanEnd);
  }

  end(parser: FrameParser, out: FrameSink): Finding | null {
    if (this.#does === 'pass') return verbatim.end(parser, out);
    if (this.#does === 'drop' || !parser.fin) return null;
    const fault = this.#judgeHeld();
    const found = fault === null ? null : this.#find(fault);
    if (found === null || found.violation.action === 'report') this.#release(out);
    else this.drop();
    return found;
  }

  drop(): void {
    if (this.#held.length === 0) return;
    this.#memory.give(this.#held.length);
    freeBuffer(this.#held);
    this.#held = nothing;
    this.heldBytes = 0;
  }

  /** A message begins. */
  #start(opcode: number): Finding | null {
    this.#rules = this.#now();
    this.#announced = 0;
    this.#does = this.#rules !== null && opcode === Opcode.text ? 'hold' : 'pass';
    const isRefused = this.#rules?.rejectsBinary === true && opcode === Opcode.binary;
    return isRefused ? this.#find({ rule: 'binary', path: '' }) : null;
  }

  /** Judges a frame of a held message: the message may be too large now, or whole. */
  #admit(parser: FrameParser, out: FrameSink): Finding | null {
    this.#announced += parser.length;
    if (this.#announced > this.#rules!.maxTextBytes) {
      const found = this.#find({ rule: 'max_size', path: '', bytes: this.#announced });
      if (found.violation.action === 'report') this.#release(out);
      else this.drop();
      return found;
    }
    if (!parser.fin || this.heldBytes > 0 || parser.unread < parser.length) return null;
    const fault = this.#judgeInPlace(parser);
    this.#does = 'pass';
    return fault === null ? null : this.#find(fault);
  }

  /** What becomes of a bad message. */
  #find(fault: Fault): Finding {
    const { action } = this.#rules!;
    const detail = this.#rules!.describe(fault);
    this.#does = action === 'report' ? 'pass' : 'drop';
    return {
      violation: {
        sender: this.#sender,
        limit: 'validate',
        configured: 0,
        observed: 1,
        partial: false,
        action,
        detail,
      },
      answer: action === 'reply' ? this.#rules!.answer(detail) : null,
    };
  }

  #keep(chunk: Buffer, start: number, end: number): void {
    const length = this.heldBytes + end - start;
    if (length > this.#held.length) {
      // The buffer grows with what has come, never with what a header announces.
      const larger = Buffer.allocUnsafeSlow(Math.max(length, 2 * this.#held.length, leastHeld));
      this.#held.copy(larger, 0, 0, this.heldBytes);
      this.#memory.take(larger.length);
      if (this.#held.length > 0) {
        this.#memory.give(this.#held.length);
        freeBuffer(this.#held);
      }
      this.#held = larger;
    }
    chunk.copy(this.#held, this.heldBytes, start, end);
    this.heldBytes = length;
  }

  /** The message stands whole behind its header. */
  #judgeInPlace({ chunk, position, length, header, headerEnd }: FrameParser): Fault | null {
    const bytes = chunk.subarray(position, position + length);
    if (this.#sender === 'upstream') return this.#rules!.judge(bytes);
    const payload = takeBuffer(length);
    copyUnmasked(bytes, header, headerEnd - 4, payload, 0);
    return this.#judge(payload, length);
  }

  /** Judges the message that the held frames carry. */
  #judgeHeld(): Fault | null {
    const payload = takeBuffer(this.#announced);
    let at = 0;
    for (const { parser } of this.#frames()) {
      const { length } = parser;
      const bytes = this.#held.subarray(parser.position, parser.position + length);
      if (this.#sender === 'client') copyUnmasked(bytes, parser.header, parser.headerEnd - 4, payload, at);
      else payload.set(bytes, at);
      at += length;
    }
    return this.#judge(payload, at);
  }

  #judge(payload: Buffer, length: number): Fault | null {
    const fault = this.#rules!.judge(payload.subarray(0, length));
    giveBuffer(payload);
    return fault;
  }

  /** Passes on what is held: the frames that are whole, and what has come of another. */
  #release(out: FrameSink): void {
    let end = 0;
    for (const { parser, start } of this.#frames()) {
      out.beginFrame();
      out.append(this.#held, start, parser.position + parser.length, null);
      out.endFrame(parser.fin);
      end = parser.position + parser.length;
    }
    // The sink copies what it keeps, and then the buffer is free.
    if (end > 0) out.flush();
    this.drop();
  }

  /** The held frames, each with the parser behind its header. All of them are whole. */
  *#frames(): Generator<{ readonly parser: FrameParser; readonly start: number }> {
    const parser = new FrameParser(this.#sender === 'client');
    parser.feed(this.#held, 0, this.heldBytes);
    for (let event = parser.next(); event !== Event.starved; event = parser.next()) {
      if (event === Event.frame) yield { parser, start: parser.headerStart };
    }
  }
}
