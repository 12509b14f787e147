/**
 * How a connection ends, whoever ends it: in turn. Two connections cannot be closed in the same instant, and what a
 * side sends while its own close frame is on the way finds nobody. So one side hears first, what it still sends is
 * passed on until its close frame is here, and only then does the other side hear.
 *
 *   boundary ──► asked ──► told
 *
 *   boundary  a drain: the side that hears last completes its message (the other ends begin with `asked`)
 *   asked     the first side has heard, and the last one has sent its last word: its close frame, a fault, what broke a
 *             limit, or the message that a drain waited for. What the first side still sends reaches the last one
 *   told      the first side has closed, or is gone, or its time is over: the last side has heard too
 *
 * RFC 6455 §5.5.1 forbids further data only to the side that has sent its close frame, and lets the answer be delayed.
 */
import type { Close } from '../../websocket/close.ts';
import type { Clock } from './clock.ts';

/** See the diagram. */
export type GoodbyePhase = 'boundary' | 'asked' | 'told';

/** A leg, as far as a goodbye needs it. */
export interface GoodbyeLeg {
  /** What its peer sends. */
  readonly inbound: {
    readonly wireBytes: number;
    readonly paused: boolean;
    stopAfterMessage(then: 'hold' | 'discard'): void;
    cancelStop(): void;
    endHold(): void;
    finishFrame(): void;
  };
  readonly gone: boolean;
  /** `completable`: whether a frame that is under way to its peer can still be completed. */
  close(close: Close, completable: boolean, now: number): void;
}

export interface GoodbyeInit<L extends GoodbyeLeg> {
  readonly clock: Clock;
  readonly first: L;
  readonly last: L;
  readonly firstHears: Close;
  /**
   * What the last side hears if it has broken something; `null` passes on what it is told when the first side has
   * ended.
   */
  readonly lastHears: Close | null;
  /** How long the first side may go on speaking, in milliseconds. A leg's own `timeouts.close` holds besides. */
  readonly withinMs: number;
}

export class Goodbye<L extends GoodbyeLeg> {
  readonly first: L;
  readonly last: L;
  readonly #clock: Clock;
  readonly #firstHears: Close;
  readonly #lastHears: Close | null;
  readonly #withinMs: number;
  #phase: GoodbyePhase = 'boundary';
  /** When the present wait is over. */
  #deadline = Number.POSITIVE_INFINITY;
  /** How many bytes the last side had sent at the last look. */
  #seen = 0;

  constructor(init: GoodbyeInit<L>) {
    this.#clock = init.clock;
    this.first = init.first;
    this.last = init.last;
    this.#firstHears = init.firstHears;
    this.#lastHears = init.lastHears;
    this.#withinMs = init.withinMs;
  }

  get phase(): GoodbyePhase {
    return this.#phase;
  }

  /**
   * Waits for a message boundary of the last side, and then for `closeFirst`. `then` is that of
   * `Direction.stopAfterMessage`.
   */
  awaitBoundary(then: 'hold' | 'discard', closeMs: number): void {
    this.#seen = this.last.inbound.wireBytes;
    this.#deadline = this.#clock.now() + closeMs;
    this.last.inbound.stopAfterMessage(then);
  }

  /** Gives the boundary up, because something else ends the connection. */
  cancel(): void {
    this.last.inbound.cancelStop();
  }

  /** Closes the first side. */
  closeFirst(): void {
    if (this.#phase !== 'boundary') return;
    const now = this.#clock.now();
    this.#phase = 'asked';
    this.#deadline = now + this.#withinMs;
    this.last.inbound.finishFrame();
    this.first.close(this.#firstHears, !this.last.gone, now);
  }

  /** Closes the last side, with what it has broken or else with `close`. */
  closeLast(close: Close): void {
    if (this.#phase === 'told') return;
    this.#phase = 'told';
    // A sender that was held in a drain is read on, for its close frame.
    this.last.inbound.endHold();
    this.last.close(this.#lastHears ?? close, !this.first.gone, this.#clock.now());
  }

  /** Called every tick; `closeMs` is `timeouts.close`. */
  tick(now: number, closeMs: number): void {
    if (this.#phase === 'boundary') this.#tickBoundary(now, closeMs);
    else if (this.#phase === 'asked' && now >= this.#deadline) this.#interrupt();
  }

  /** A message that does not continue for `timeouts.close` holds a drain up no longer. */
  #tickBoundary(now: number, closeMs: number): void {
    const { inbound } = this.last;
    if (inbound.paused || inbound.wireBytes !== this.#seen) {
      this.#seen = inbound.wireBytes;
      this.#deadline = now + closeMs;
    } else if (now >= this.#deadline) {
      this.closeFirst();
    }
  }

  /** The first side's time is over. Only the frame that it has begun is still passed on. */
  #interrupt(): void {
    this.first.inbound.finishFrame();
    this.closeLast(this.#firstHears);
  }
}
