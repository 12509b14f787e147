/**
 * One leg: its transport, what is read from it, what is written to it, and its own goodbye.
 *
 *   open ──► closing (our close frame waits for a frame boundary, then for the kernel, then for the peer's) ──► gone
 *     └────► cut (no close frame can be delivered: FIN behind what was sent, or a reset) ────────────────────► gone
 *
 * The peer's own close frame changes nothing of this: what the other side still says goes out first, and our answer
 * is its close (see goodbye.ts). After a close frame of ours the leg is read on: destroying it at once makes the
 * kernel send a reset, and a peer that is still sending would see 1006 instead of our code.
 */
import type { Route, Sender } from '../config/types.ts';
import type { Histogram } from '../observe/metrics/counters.ts';
import type { Close } from '../websocket/close.ts';
import type { Clock } from './core/clock.ts';
import { CloseWait } from './core/close-wait.ts';
import type { Direction } from './core/direction.ts';
import { Pinger } from './core/pinger.ts';
import { StallWatch } from './core/stall.ts';
import type { LegWriter } from './transport/leg-writer.ts';
import type { Transport, TransportListener } from './transport/transport.ts';

export interface LegInit {
  readonly role: Sender;
  readonly transport: Transport;
  readonly writer: LegWriter;
  readonly inbound: Direction;
  readonly route: Route;
  readonly clock: Clock;
  /** Seconds from a ping of ours to its pong. */
  readonly pingRtt: Histogram;
}

/** What the session must hear of. */
export interface LegEvents {
  /** The peer left without a close frame. */
  lost(): void;
  /** The transport is gone. */
  gone(): void;
  /** The peer answers no ping. */
  dead(): void;
  /** The peer has taken nothing for `stalledMs`, which is as long as `max_pause` or longer. */
  stalled(stalledMs: number): void;
}

/** See the diagram. */
export type LegState = 'open' | 'closing' | 'cut' | 'gone';

export class Leg {
  readonly role: Sender;
  readonly writer: LegWriter;
  /** What this leg's peer sends. */
  readonly inbound: Direction;
  /** Whether the peer's close frame is here, a legal one or not. The peer says nothing more. */
  peerClosed = false;
  /** The code in it; `null` where it had none that can be read, and before. */
  received: number | null = null;
  /** Whether the leg was ended in a way that its peer cannot take for a clean close. */
  wasCut = false;
  readonly source: Transport;
  readonly #clock: Clock;
  readonly #events: LegEvents;
  readonly #stall = new StallWatch();
  readonly #pinger: Pinger;
  #state: LegState = 'open';
  #code: number | null = null;
  readonly #wait: CloseWait;

  constructor(init: LegInit, events: LegEvents) {
    const { role, route, writer, clock } = init;
    this.role = role;
    this.source = init.transport;
    this.writer = writer;
    this.inbound = init.inbound;
    this.#clock = clock;
    this.#events = events;
    this.#wait = new CloseWait(route.timeouts.closeMs);
    this.#pinger = new Pinger(writer, this.#pingMs(route), route.ping.timeoutMs, init.pingRtt, clock.now());
  }

  /** Gives new times and limits: the next ping and the next goodbye have them. */
  reconfigure(route: Route, now: number): void {
    this.#wait.change(route.timeouts.closeMs);
    this.#pinger.change(this.#pingMs(route), route.ping.timeoutMs, now);
    this.inbound.reconfigure(route);
  }

  #pingMs({ ping }: Route): number {
    return this.role === 'client' ? ping.clientMs : ping.upstreamMs;
  }

  get state(): LegState {
    return this.#state;
  }

  /** Whether the socket is gone. */
  get gone(): boolean {
    return this.#state === 'gone';
  }

  /** The code of the close frame that was sent, or `null`. */
  get sent(): number | null {
    return this.writer.closeSent ? this.#code : null;
  }

  /** Delivers what came with the handshake and begins to read. */
  start(listener: TransportListener): void {
    this.source.begin(listener);
    if (!this.inbound.pauses.any) this.source.resume();
  }

  /**
   * Says goodbye with a close frame at the next frame boundary. `completable`: whether the frame that is under way to
   * this peer can still be completed; if not, the leg is cut.
   */
  close(close: Close, completable: boolean, now: number): void {
    if (this.#state !== 'open') return;
    if (!this.writer.betweenFrames && !completable) {
      this.truncate(now);
      return;
    }
    this.#state = 'closing';
    this.#code = close.code;
    this.#wait.begin(now);
    this.writer.close(close);
    this.endIfClosed();
  }

  /** Ends the stream behind what was sent, in the middle of a frame: nobody will complete it. */
  truncate(now: number): void {
    if (this.gone || this.writer.closed) return;
    this.#cut();
    this.#wait.begin(now);
    this.inbound.ignore();
    this.#finish();
  }

  /**
   * Gives up a peer that may be asleep. It hears why, unless there is no room for that, and nothing more of it is
   * awaited.
   */
  giveUp(close: Close): void {
    if (this.writer.blocked) this.reset();
    else this.close(close, false, this.#clock.now());
  }

  /** Gives the peer up, and drops what it has not taken, in the kernel too. */
  reset(): void {
    if (this.gone) return;
    if (!this.peerClosed || !this.writer.closeFlushed) this.#cut();
    this.source.reset();
  }

  /** Gives the peer up and drops what waits for it, so that its memory is free when this returns. */
  shed(): void {
    this.writer.abandon();
    this.reset();
  }

  /** The peer's close frame is here. `code`: `null` where it has none that can be read. */
  onCloseFrame(code: number | null): void {
    this.peerClosed = true;
    this.received = code;
    this.inbound.ignore();
    this.endIfClosed();
  }

  onPong(payload: Buffer): void {
    this.#pinger.onPong(payload, this.#clock.now());
  }

  /**
   * Ends the TCP connection when both close frames have passed (RFC 6455 §7.1.1). If the peer's close frame could not
   * be seen any more, ours is enough.
   */
  endIfClosed(): void {
    if (!this.writer.closeSent) return;
    // A peer that was held is read on, for the end of its stream.
    if (!this.inbound.listening) this.inbound.ignore();
    if (this.peerClosed || !this.inbound.listening) this.#finish();
  }

  /**
   * Called every tick. `awaited`: whether the other leg's sender waits for this peer. `maxPauseMs`: how long it may
   * wait.
   */
  tick(now: number, awaited: boolean, maxPauseMs: number): void {
    if (this.gone) return;
    this.source.last();
    this.endIfClosed();
    const takesLeave = this.writer.closed && this.writer.blocked;
    // A goodbye has an end also where a pause has none.
    const mostMs = takesLeave ? maxPauseMs || this.#wait.mostMs : maxPauseMs;
    if (this.#isStalled(now, awaited || takesLeave ? mostMs : 0)) return;
    if (this.#state !== 'open') this.#tickGoodbye(now);
  }

  /** Watches a peer that owes us something: taking what waits for it, or a pong. Returns whether it was given up. */
  #isStalled(now: number, maxPauseMs: number): boolean {
    const { wireBytes, paused } = this.inbound;
    // A peer that has sent its close frame need not answer pings. The pong of a peer that we do not read cannot come.
    const isPinged = this.#state === 'open' && !this.peerClosed;
    const isOverdue = isPinged && this.#pinger.tick(now, wireBytes, paused);
    const pongMs = isPinged && !paused && this.#pinger.awaits ? this.#pinger.timeoutMs : 0;
    if (maxPauseMs === 0 && pongMs === 0) {
      this.#stall.rest();
      return false;
    }
    const limitMs = Math.min(maxPauseMs || pongMs, pongMs || maxPauseMs);
    const stalledMs = this.#stall.stalledMs(now, limitMs, this.writer, () => this.source.kernelQueue(now));
    if (maxPauseMs > 0 && stalledMs >= maxPauseMs) this.#events.stalled(Math.round(stalledMs));
    else if (isOverdue && stalledMs >= pongMs) this.#events.dead();
    else return false;
    return true;
  }

  #tickGoodbye(now: number): void {
    const { writer, inbound, source } = this;
    // `max_pause` governs until our close frame has left the buffer, so that a slow download is not truncated.
    if (writer.closed && writer.blocked) return;
    if (!this.#wait.isOver(now, writer.closed, inbound.paused)) return;
    if (!writer.closed) this.truncate(now);
    else if (this.#wait.givesUp(now, writer.handedBytes, () => source.kernelQueue(now))) this.reset();
  }

  /** The peer's FIN is here. */
  onEnd(): void {
    // A FIN behind a close frame says nothing new. The peer may still read, and hears the answer.
    if (this.peerClosed && this.#state === 'open') return;
    this.inbound.ignore();
    this.#events.lost();
    // The kernel would keep the memory of a peer that neither sends nor takes anything for minutes.
    if (this.writer.blocked && this.#state === 'open') this.reset();
    else this.#finish();
  }

  #cut(): void {
    this.wasCut = true;
    if (!this.gone) this.#state = 'cut';
  }

  #finish(): void {
    if (this.writer.ending) return;
    if (this.#state === 'open') this.#state = 'closing';
    // A client may close TCP without waiting for the server's FIN (RFC 6455 §7.1.1). The wait is two system calls
    // and a turn of the event loop for each connection.
    if (this.role === 'upstream' && this.peerClosed && this.writer.closeFlushed && this.source.hangUp()) return;
    this.#wait.beginOnce(this.#clock.now());
    this.writer.end();
  }

  /** The transport is gone. */
  onClose(): void {
    if (this.gone) return;
    this.#state = 'gone';
    this.writer.abandon();
    this.#events.gone();
  }
}
