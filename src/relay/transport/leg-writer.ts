/**
 * The only one that writes to a leg. It joins the spans of one read into one write, knows whether the output stands
 * between two frames, lets Sluice's own frames in there (own-frames.ts), and accounts every byte and message until the
 * kernel has accepted it.
 *
 *   append ─► span ─ flush ─► the kernel                          the usual case: nothing waits
 *                       ├───► WaitingWrite ─► the kernel           it was full
 *                       └───► SendQueue ─► WaitingWrite ─►         while the receiver is slow
 */

import type { Close } from '../../websocket/close.ts';
import { encodeControl } from '../../websocket/control-frame.ts';
import { Opcode } from '../../websocket/opcodes.ts';
import { encodeText } from '../../websocket/text-frame.ts';
import type { Outlet } from '../core/sides.ts';
import { giveBuffer, ownBuffer, takeBuffer } from '../memory/copy-buffers.ts';
import type { MemoryBudget } from '../memory/memory-budget.ts';
import type { Keeper } from '../memory/read-buffers.ts';
import { newMaskingKey } from './masking-keys.ts';
import type { Output } from './output.ts';
import { type OwnFrameSink, OwnFrames } from './own-frames.ts';
import { type Piece, piece, SendQueue } from './send-queue.ts';
import { WaitingWrite } from './waiting-write.ts';

/** Copies up to this size, the most frequent ones, go through one buffer. */
const smallCopy = 4 * 1024;

/** A buffer with a view for each length: making one costs as much as copying the bytes of a small message. */
class Scratch {
  readonly buffer = takeBuffer(smallCopy);
  readonly #views: Buffer[] = [];

  of(length: number): Buffer {
    this.#views[length] ??= this.buffer.subarray(0, length);
    return this.#views[length];
  }
}

let smallCopies = new Scratch();

export class LegWriter implements Outlet, OwnFrameSink {
  /** Bytes that have waited and then been accepted: as long as this grows, the receiver makes progress. */
  drainedBytes = 0;
  /** What waited when the socket went away, in bytes. */
  undeliveredBytes = 0;
  readonly #output: Output;
  readonly #masks: boolean;

  /** Bytes appended since the last flush: one span of one chunk. */
  #span: Buffer | null = null;
  #spanStart = 0;
  #spanEnd = 0;
  #spanKeeper: Keeper | null = null;
  #spanMessages = 0;
  /** Where the appended output stands. */
  #inFrame = false;
  #inMessage = false;

  readonly #waiting: WaitingWrite;
  readonly #queue: SendQueue;

  readonly #own = new OwnFrames();
  /** Nothing may follow: a close frame, or the end, stands behind the data. */
  #closed = false;
  #ending = false;

  /** `masks`: whether Sluice's own frames must be masked on this leg. */
  constructor(output: Output, masks: boolean, budget: MemoryBudget) {
    this.#output = output;
    this.#masks = masks;
    this.#waiting = new WaitingWrite(output, budget);
    this.#queue = new SendQueue(budget);
  }

  /** Bytes that this leg's kernel has not accepted yet. */
  get bufferedBytes(): number {
    return this.#queue.bytes + (this.#waiting.piece?.length ?? 0);
  }

  /** Bytes that the kernel was given in all. */
  get handedBytes(): number {
    return this.#output.handedBytes;
  }

  /** Bytes allocated for them. */
  get capacity(): number {
    return this.#queue.capacity + this.#waiting.capacity;
  }

  /** Messages, whole or partial, in those bytes. */
  get queuedMessages(): number {
    const { piece } = this.#waiting;
    if (piece === null) return 0;
    return piece.messages + this.#queue.messages + (this.#inMessage ? 1 : 0);
  }

  /** Whether the output stands between two frames, where a control frame may go. */
  get betweenFrames(): boolean {
    return !this.#inFrame;
  }

  /** Whether the peer has the beginning of a message, or will have it, and not its end. */
  get inMessage(): boolean {
    return this.#inMessage;
  }

  /** Whether our close frame stands behind the data, and whether it has left the buffer. */
  get closeSent(): boolean {
    return this.#own.closeSent;
  }

  get closeFlushed(): boolean {
    return this.#own.closeLeft;
  }

  /** Whether our last ping has left the buffer. */
  get pingFlushed(): boolean {
    return this.#own.pingLeft;
  }

  /** Whether FIN stands behind the data. */
  get ending(): boolean {
    return this.#ending;
  }

  /** Whether the kernel takes no more for now. */
  get blocked(): boolean {
    return this.#waiting.piece !== null;
  }

  /** Whether the peer takes nothing more, ever. */
  get broken(): boolean {
    return this.#output.broken;
  }

  /** Whether a close frame or the end of the stream is behind the data: what is appended now is dropped. */
  get closed(): boolean {
    return this.#closed;
  }

  beginFrame(): void {
    this.#inFrame = true;
    this.#inMessage = true;
  }

  append(chunk: Buffer, start: number, end: number, keeper: Keeper | null): void {
    if (this.#span === chunk && this.#spanEnd === start) {
      this.#spanEnd = end;
      return;
    }
    this.flush();
    this.#span = chunk;
    this.#spanStart = start;
    this.#spanEnd = end;
    this.#spanKeeper = keeper;
  }

  endFrame(endsMessage: boolean): void {
    this.#inFrame = false;
    if (endsMessage) {
      this.#inMessage = false;
      this.#spanMessages++;
    }
    if (this.#own.any) this.#sendOwnFrames();
  }

  /** Writes or queues what has been appended. Called at the end of each read: its buffer is reused then. */
  flush(): void {
    const span = this.#span;
    if (span === null) return;
    const keeper = this.#spanKeeper;
    const messages = this.#spanMessages;
    this.#span = null;
    this.#spanKeeper = null;
    this.#spanMessages = 0;
    if (this.#closed) return;
    const start = this.#spanStart;
    const end = this.#spanEnd;
    if (this.#waiting.piece !== null) this.#queue.copy(span, start, end, messages);
    else if (keeper === null) this.#writeCopy(span, start, end, messages);
    else this.#writeKept(span, start, end, messages, keeper);
  }

  /** Answers a ping at the next frame boundary, unless a later one is to be answered by then. */
  pong(payload: Buffer): void {
    this.#own.pong(payload);
    this.#sendOwnFrames();
  }

  /** Sends a ping at the next frame boundary. */
  ping(payload: Buffer): void {
    this.#own.ping(payload);
    this.#sendOwnFrames();
  }

  /** Sends a text of Sluice's own, between two messages. What it must not follow, a close frame, it does not. */
  say(payload: Buffer): void {
    if (this.#closed || this.#own.hasClose) return;
    this.#own.say(payload);
    this.#sendOwnFrames();
  }

  /** Whether the kernel has not taken all that was said. */
  get saying(): boolean {
    return this.#own.saying;
  }

  /** Sends a close frame at the next frame boundary, behind what is queued. */
  close(close: Close): void {
    if (this.#closed || this.#own.hasClose) return;
    this.#own.close(close);
    this.#sendOwnFrames();
  }

  /** Sends FIN behind what is queued; a frame that is not complete stays so, and the peer sees that it was cut. */
  end(): void {
    this.flush();
    this.#closed = true;
    this.#ending = true;
    if (this.#waiting.piece === null) this.#output.end();
  }

  /** The socket is gone, or about to go: drops what waits, and keeps the sum of it. */
  abandon(): void {
    this.undeliveredBytes += this.bufferedBytes;
    this.#closed = true;
    this.#span = null;
    this.#queue.clear();
    this.#waiting.abandon();
  }

  #writeKept(chunk: Buffer, start: number, end: number, messages: number, keeper: Keeper): void {
    const bytes = keeper.view(chunk, start, end);
    if (this.#write(bytes)) return;
    this.#waiting.ofKept(piece(bytes, messages), keeper);
  }

  #writeCopy(chunk: Buffer, start: number, end: number, messages: number): void {
    const length = end - start;
    if (length <= smallCopy) {
      const copy = smallCopies.of(length);
      chunk.copy(copy, 0, start, end);
      if (this.#write(copy)) return;
      this.#waiting.ofCopy(piece(copy, messages), smallCopies.buffer);
      // That write goes on reading the scratch buffer: from now on there is another.
      smallCopies = new Scratch();
      return;
    }
    const copy = takeBuffer(length);
    chunk.copy(copy, 0, start, end);
    if (this.#write(copy.subarray(0, length))) {
      giveBuffer(copy);
      return;
    }
    const rest = piece(copy, messages);
    rest.length = length;
    this.#waiting.ofCopy(rest, copy);
  }

  #sendOwnFrames(): void {
    if (this.#inFrame || this.#closed) return;
    this.#own.sendTo(this, this.#inMessage);
    if (this.#own.closeSent) this.#closed = true;
  }

  /** For `OwnFrames` alone, between two frames. */
  sendOwn(opcode: number, payload: Buffer): void {
    this.flush();
    const maskingKey = this.#masks ? newMaskingKey() : null;
    const frame = opcode === Opcode.text ? encodeText(payload, maskingKey) : encodeControl(opcode, payload, maskingKey);
    if (this.#waiting.piece === null && this.#queue.isEmpty) this.#writePiece(piece(frame, 0, opcode));
    else this.#queue.push(piece(ownBuffer(frame), 0, opcode));
  }

  /** Hands a piece to the kernel. Whether it took the whole of it. */
  #writePiece(out: Piece): boolean {
    if (!this.#write(out.length === out.bytes.length ? out.bytes : out.bytes.subarray(0, out.length))) {
      this.#waiting.ofCopy(out, out.bytes);
      return false;
    }
    giveBuffer(out.bytes);
    if (out.control !== 0) this.#ownFrameLeft(out.control);
    return true;
  }

  /** Hands bytes to the kernel, or to Node where the kernel is full: `false`, and that write goes on reading them. */
  #write(bytes: Buffer): boolean {
    if (this.#output.broken) this.undeliveredBytes += bytes.length;
    return this.#output.write(bytes);
  }

  /** The kernel has taken what waited: goes on with what stands behind it. Whether that makes room for more. */
  accepted(): boolean {
    const waiting = this.#waiting;
    waiting.release();
    const done = waiting.piece;
    if (done === null || this.#output.destroyed) return false;
    waiting.landed();
    this.drainedBytes += done.length;
    if (done.control !== 0) this.#ownFrameLeft(done.control);
    while (waiting.piece === null) {
      const next = this.#queue.shift();
      if (next === null) break;
      if (this.#writePiece(next)) this.drainedBytes += next.length;
    }
    if (waiting.piece === null && this.#ending) this.#output.end();
    return true;
  }

  #ownFrameLeft(opcode: number): void {
    this.#own.left(opcode);
    if (this.#own.hasPong) this.#sendOwnFrames();
  }
}
