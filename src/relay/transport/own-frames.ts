/**
 * What Sluice itself has to say on a leg, until there is a place for it: pongs, pings and the close frame go between
 * two frames, texts between two messages.
 *
 *   pong, ping, say, close ─► waits ─ sendTo, at a boundary ─► behind the data ─ left ─► the kernel's
 */
import { type Close, closePayload } from '../../websocket/close.ts';
import { Opcode } from '../../websocket/opcodes.ts';

/** Takes frames of Sluice's own, each behind what was appended before. */
export interface OwnFrameSink {
  sendOwn(opcode: number, payload: Buffer): void;
}

export class OwnFrames {
  /** Whether our close frame stands behind the data, and whether it has left. */
  closeSent = false;
  closeLeft = false;
  /** Whether our last ping has left. */
  pingLeft = true;

  /** The latest answer to a ping, and whether one stands behind the data already. */
  #pong: Buffer | null = null;
  #pongQueued = false;
  #ping: Buffer | null = null;
  #close: Close | null = null;
  #texts: Buffer[] = [];
  /** Texts that the kernel has not taken. */
  #textsLeft = 0;

  /** Whether something may have to go at the next boundary. */
  get any(): boolean {
    return this.#pong !== null || this.#ping !== null || this.#close !== null || this.#textsLeft > 0;
  }

  /** Whether a pong waits, behind another perhaps. */
  get hasPong(): boolean {
    return this.#pong !== null;
  }

  /** Whether a close frame waits: nothing may follow it. */
  get hasClose(): boolean {
    return this.#close !== null;
  }

  /** Whether the kernel has not taken all texts. */
  get saying(): boolean {
    return this.#textsLeft > 0;
  }

  /** Only the latest pong waits: a peer that never reads cannot make them pile up. */
  pong(payload: Buffer): void {
    this.#pong = Buffer.from(payload);
  }

  ping(payload: Buffer): void {
    this.#ping = payload;
    this.pingLeft = false;
  }

  say(payload: Buffer): void {
    this.#textsLeft++;
    this.#texts.push(payload);
  }

  close(close: Close): void {
    this.#close = close;
  }

  /** The output stands between two frames: sends what may go there. `inMessage`: texts may not. */
  sendTo(sink: OwnFrameSink, inMessage: boolean): void {
    if (this.#pong !== null && !this.#pongQueued) {
      const payload = this.#pong;
      this.#pong = null;
      this.#pongQueued = true;
      sink.sendOwn(Opcode.pong, payload);
    }
    if (this.#ping !== null) {
      const payload = this.#ping;
      this.#ping = null;
      sink.sendOwn(Opcode.ping, payload);
    }
    if (!inMessage && this.#texts.length > 0) {
      for (const payload of this.#texts.splice(0)) sink.sendOwn(Opcode.text, payload);
    }
    if (this.#close !== null) {
      const payload = closePayload(this.#close);
      this.#close = null;
      sink.sendOwn(Opcode.close, payload);
      this.closeSent = true;
      // What has waited for the end of a message that ends no more goes no more.
      this.#textsLeft -= this.#texts.length;
      this.#texts = [];
    }
  }

  /** A frame has left for the kernel. */
  left(opcode: number): void {
    if (opcode === Opcode.close) this.closeLeft = true;
    else if (opcode === Opcode.ping) this.pingLeft = true;
    else if (opcode === Opcode.text) this.#textsLeft--;
    else this.#pongQueued = false;
  }
}
