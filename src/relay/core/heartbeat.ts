/**
 * Pings one leg and decides when its peer is dead. Any byte from the peer proves life. The clock of an unanswered ping
 * starts when the ping has left our buffer, and starts anew when bytes towards the peer make progress. It stands still
 * while Sluice does not read that peer, because a pong would not be seen.
 */
import { Stopwatch } from '../../limits/stopwatch.ts';

export interface HeartbeatInput {
  readonly now: number;
  /** Bytes read from the peer so far. */
  readonly received: number;
  /** How many bytes towards the peer have waited and then been taken by the kernel. */
  readonly drained: number;
  readonly pingFlushed: boolean;
  /** Whether Sluice is not reading the peer's socket. */
  readonly held: boolean;
}

export class Heartbeat {
  #intervalMs: number;
  #timeoutMs: number;
  readonly #waiting = new Stopwatch();
  #outstanding = false;
  #nextPingAt: number;
  #received = 0;
  #drained = 0;

  /** An interval of 0 sends no pings. */
  constructor(intervalMs: number, timeoutMs: number, now: number) {
    this.#intervalMs = intervalMs;
    this.#timeoutMs = timeoutMs;
    this.#nextPingAt = now + intervalMs;
  }

  /** Takes other times. The next ping comes within the new interval. */
  change(intervalMs: number, timeoutMs: number, now: number): void {
    const began = this.#intervalMs === 0 ? now : this.#nextPingAt - this.#intervalMs;
    this.#nextPingAt = began + intervalMs;
    this.#intervalMs = intervalMs;
    this.#timeoutMs = timeoutMs;
    if (intervalMs === 0) this.#forget();
  }

  /** Whether a ping has not been answered yet. */
  get outstanding(): boolean {
    return this.#outstanding;
  }

  /** What to do now. */
  check({ now, received, drained, pingFlushed, held }: HeartbeatInput): 'ping' | 'dead' | null {
    if (this.#intervalMs === 0) return null;
    if (received !== this.#received) {
      this.#received = received;
      this.#forget();
    }
    if (this.#outstanding) {
      if (!this.#waiting.running ? pingFlushed : drained !== this.#drained) this.#waiting.start(now, held);
      this.#drained = drained;
      if (held) this.#waiting.hold(now);
      else this.#waiting.release(now);
      const expired = this.#timeoutMs > 0 && this.#waiting.running && this.#waiting.elapsedMs(now) > this.#timeoutMs;
      return expired && !held ? 'dead' : null;
    }
    if (now < this.#nextPingAt) return null;
    this.#nextPingAt = now + this.#intervalMs;
    this.#outstanding = true;
    this.#drained = drained;
    return 'ping';
  }

  #forget(): void {
    this.#outstanding = false;
    this.#waiting.stop();
  }
}
