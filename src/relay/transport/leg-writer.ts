/**
 * The only one that writes to a leg. It joins the spans of one read into one write, knows whether the output stands
 * between two frames, lets Sluice's own control frames in there, and accounts every byte and message until the
 * kernel has accepted it.
 *
 *   append ─► span ─ flush ─► socket.write ─► kernel          the usual case: nothing waits
 *                       └───► SendQueue ────►                 while the receiver is slow
 */

import { type Close, closePayload } from '../../websocket/close.ts';
import { encodeControl } from '../../websocket/control-frame.ts';
import { Opcode } from '../../websocket/opcodes.ts';
import { encodeText } from '../../websocket/text-frame.ts';
import type { Outlet } from '../core/direction.ts';
import { giveBuffer, ownBuffer, takeBuffer } from '../memory/copy-buffers.ts';
import type { MemoryBudget } from '../memory/memory-budget.ts';
import type { Keeper } from '../memory/read-buffers.ts';
import { newMaskingKey } from './masking-keys.ts';
import type { Output } from './output.ts';
import { type Piece, piece, SendQueue } from './send-queue.ts';

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

export class LegWriter implements Outlet {
  /** Bytes that have waited and then been accepted: as long as this grows, the receiver makes progress. */
  drainedBytes = 0;
  /** What waited when the socket went away, in bytes. */
  undeliveredBytes = 0;
  /** Whether our close frame has been put behind the data, and whether it has left the buffer. */
  closeSent = false;
  closeFlushed = false;
  /** Whether our last ping has left the buffer. */
  pingFlushed = true;

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

  /** What Node has taken and the kernel has not, whole; `null` too once that is abandoned. */
  #inFlight: Piece | null = null;
  /** What Node reads from until it says that it is done: a copy, or what a keeper is pinned for. */
  #inFlightCopy: Buffer | null = null;
  #inFlightKeeper: Keeper | null = null;
  /** Bytes allocated for it; what a lease keeps is counted where it was lent. */
  #inFlightCapacity = 0;
  /** Bytes of it that were abandoned before Node was done with them. */
  #lingeringBytes = 0;
  readonly #budget: MemoryBudget;
  readonly #queue: SendQueue;

  /** Texts of ours that wait for the end of the message under way. */
  #texts: Buffer[] = [];
  /** Texts of ours that the kernel has not taken. */
  #textsWaiting = 0;

  /** Control frames that wait for a frame boundary. */
  #pong: Buffer | null = null;
  #pongQueued = false;
  #ping: Buffer | null = null;
  #close: Close | null = null;
  /** Nothing may follow: a close frame, or the end, stands behind the data. */
  #closed = false;
  #ending = false;

  /** `masks`: whether Sluice's own frames must be masked on this leg. */
  constructor(output: Output, masks: boolean, budget: MemoryBudget) {
    this.#output = output;
    this.#masks = masks;
    this.#budget = budget;
    this.#queue = new SendQueue(budget);
  }

  /** Bytes that this leg's kernel has not accepted yet. */
  get bufferedBytes(): number {
    return this.#queue.bytes + (this.#inFlight === null ? 0 : this.#inFlight.length);
  }

  /** Bytes that the kernel was given in all. */
  get handedBytes(): number {
    return this.#output.handedBytes;
  }

  /** Bytes allocated for them. */
  get capacity(): number {
    return this.#queue.capacity + this.#inFlightCapacity;
  }

  /** Messages, whole or partial, in those bytes. */
  get queuedMessages(): number {
    if (this.#inFlight === null) return 0;
    return this.#inFlight.messages + this.#queue.messages + (this.#inMessage ? 1 : 0);
  }

  /** Whether the output stands between two frames, where a control frame may go. */
  get betweenFrames(): boolean {
    return !this.#inFrame;
  }

  /** Whether the peer has the beginning of a message, or will have it, and not its end. */
  get inMessage(): boolean {
    return this.#inMessage;
  }

  /** Whether FIN stands behind the data. */
  get ending(): boolean {
    return this.#ending;
  }

  /** Whether the kernel takes no more for now. */
  get blocked(): boolean {
    return this.#inFlight !== null;
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
    if (this.#pong !== null || this.#ping !== null || this.#close !== null || this.#textsWaiting > 0) {
      this.#sendControls();
    }
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
    if (this.#inFlight !== null) this.#queue.copy(span, start, end, messages);
    else if (keeper === null) this.#writeCopy(span, start, end, messages);
    else this.#writeKept(span, start, end, messages, keeper);
  }

  /** Answers a ping. Only the latest answer waits: a peer that never reads cannot make them pile up. */
  pong(payload: Buffer): void {
    this.#pong = Buffer.from(payload);
    this.#sendControls();
  }

  /** Sends a ping at the next frame boundary. */
  ping(payload: Buffer): void {
    this.#ping = payload;
    this.pingFlushed = false;
    this.#sendControls();
  }

  /** Sends a text of Sluice's own, between two messages. What it must not follow, a close frame, it does not. */
  say(payload: Buffer): void {
    if (this.#closed || this.#close !== null) return;
    this.#textsWaiting++;
    this.#texts.push(payload);
    this.#sendControls();
  }

  /** Whether the kernel has not taken all that was said. */
  get saying(): boolean {
    return this.#textsWaiting > 0;
  }

  /** Sends a close frame at the next frame boundary, behind what is queued. */
  close(close: Close): void {
    if (this.#closed || this.#close !== null) return;
    this.#close = close;
    this.#sendControls();
  }

  /** Sends FIN behind what is queued; a frame that is not complete stays so, and the peer sees that it was cut. */
  end(): void {
    this.flush();
    this.#closed = true;
    this.#ending = true;
    if (this.#inFlight === null) this.#output.end();
  }

  /** The socket is gone, or about to go: drops what waits, and keeps the sum of it. */
  abandon(): void {
    this.undeliveredBytes += this.bufferedBytes;
    this.#closed = true;
    this.#span = null;
    this.#queue.clear();
    if (this.#inFlight !== null && this.#inFlightCopy !== null && this.#output.copies === 0) {
      this.#lingeringBytes = this.#inFlightCapacity;
      this.#budget.lingeringBytes += this.#lingeringBytes;
    }
    this.#land();
  }

  #writeKept(chunk: Buffer, start: number, end: number, messages: number, keeper: Keeper): void {
    const bytes = keeper.view(chunk, start, end);
    if (this.#write(bytes)) return;
    keeper.pin();
    // What nobody lent is counted nowhere else.
    this.#wait(piece(bytes, messages), keeper, keeper.lent ? 0 : chunk.buffer.byteLength);
  }

  #writeCopy(chunk: Buffer, start: number, end: number, messages: number): void {
    const length = end - start;
    if (length <= smallCopy) {
      const copy = smallCopies.of(length);
      chunk.copy(copy, 0, start, end);
      if (this.#write(copy)) return;
      this.#wait(piece(copy, messages), null, smallCopy);
      // That write goes on reading the scratch buffer: from now on there is another.
      this.#inFlightCopy = smallCopies.buffer;
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
    this.#wait(rest, null, copy.length);
  }

  #sendControls(): void {
    if (this.#inFrame || this.#closed) return;
    if (this.#pong !== null && !this.#pongQueued) {
      const payload = this.#pong;
      this.#pong = null;
      this.#sendControl(Opcode.pong, payload);
    }
    if (this.#ping !== null) {
      const payload = this.#ping;
      this.#ping = null;
      this.#sendControl(Opcode.ping, payload);
    }
    if (!this.#inMessage && this.#texts.length > 0) {
      for (const payload of this.#texts.splice(0)) this.#sendFrame(Opcode.text, payload, encodeText);
    }
    if (this.#close !== null) {
      const payload = closePayload(this.#close);
      this.#close = null;
      this.#sendControl(Opcode.close, payload);
      this.#closed = true;
      this.closeSent = true;
      // What has waited for the end of a message that ends no more goes no more.
      this.#textsWaiting -= this.#texts.length;
      this.#texts = [];
    }
  }

  #sendControl(opcode: number, payload: Buffer): void {
    this.#sendFrame(opcode, payload, (bytes, key) => encodeControl(opcode, bytes, key));
  }

  #sendFrame(opcode: number, payload: Buffer, encode: (payload: Buffer, key: Uint8Array | null) => Buffer): void {
    this.flush();
    const maskingKey = this.#masks ? newMaskingKey() : null;
    const frame = encode(payload, maskingKey);
    if (opcode === Opcode.pong) this.#pongQueued = true;
    if (this.#inFlight === null && this.#queue.isEmpty) this.#writePiece(piece(frame, 0, opcode));
    else this.#queue.push(piece(ownBuffer(frame), 0, opcode));
  }

  /** Hands a piece to the kernel. Whether it took the whole of it. */
  #writePiece(out: Piece): boolean {
    if (!this.#write(out.length === out.bytes.length ? out.bytes : out.bytes.subarray(0, out.length))) {
      this.#wait(out, null, out.bytes.length);
      return false;
    }
    giveBuffer(out.bytes);
    if (out.control !== 0) this.#controlLeft(out.control);
    return true;
  }

  /** Hands bytes to the kernel, or to Node where the kernel is full: `false`, and that write goes on reading them. */
  #write(bytes: Buffer): boolean {
    if (this.#output.broken) this.undeliveredBytes += bytes.length;
    return this.#output.write(bytes);
  }

  /** Everything after this piece waits until the kernel has taken it. */
  #wait(out: Piece, keeper: Keeper | null, capacity: number): void {
    this.#inFlight = out;
    this.#inFlightCopy = keeper === null ? out.bytes : null;
    this.#inFlightKeeper = keeper;
    this.#inFlightCapacity = capacity + out.length * this.#output.copies;
    this.#budget.take(this.#inFlightCapacity);
  }

  /** What was in flight is the kernel's, or lost. */
  #land(): void {
    this.#inFlight = null;
    this.#budget.give(this.#inFlightCapacity);
    this.#inFlightCapacity = 0;
  }

  /** The kernel has taken what waited: goes on with what stands behind it. Whether that makes room for more. */
  accepted(): boolean {
    const keeper = this.#inFlightKeeper;
    const copy = this.#inFlightCopy;
    this.#inFlightKeeper = null;
    this.#inFlightCopy = null;
    this.#budget.lingeringBytes -= this.#lingeringBytes;
    this.#lingeringBytes = 0;
    keeper?.unpin();
    // Nothing reads from it any more, also where it was abandoned; what TLS does at its end is not ours to know.
    if (copy !== null && (this.#output.copies === 0 || !this.#output.destroyed)) giveBuffer(copy);
    const done = this.#inFlight;
    if (done === null || this.#output.destroyed) return false;
    this.#land();
    this.drainedBytes += done.length;
    if (done.control !== 0) this.#controlLeft(done.control);
    while (this.#inFlight === null) {
      const next = this.#queue.shift();
      if (next === null) break;
      if (this.#writePiece(next)) this.drainedBytes += next.length;
    }
    if (this.#inFlight === null && this.#ending) this.#output.end();
    return true;
  }

  #controlLeft(opcode: number): void {
    if (opcode === Opcode.close) this.closeFlushed = true;
    else if (opcode === Opcode.ping) this.pingFlushed = true;
    else if (opcode === Opcode.text) this.#textsWaiting--;
    else this.#pongQueued = false;
    if (this.#pong !== null) this.#sendControls();
  }
}
