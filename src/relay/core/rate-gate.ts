/** The rates of one sender: buckets, and one alarm that tells when a pause is over. */
import type { Rate } from '../../catalogue/limit-values.ts';
import type { SenderLimits } from '../../config/types.ts';
import { TokenBucket } from '../../limits/token-bucket.ts';
import type { Alarm, Clock } from './clock.ts';

/** The longest pause for a rate. One read must not take more than passes in that time. */
const maxPauseMs = 1000;
const smallestRead = 1024;

export class RateGate {
  #messages: TokenBucket | null = null;
  #bytes: TokenBucket | null = null;
  #control: TokenBucket;
  #byteRate: Rate | null = null;
  readonly #clock: Clock;
  #alarm: Alarm | null = null;
  readonly #onPass: () => void;

  constructor(limits: SenderLimits, clock: Clock, onPass: () => void) {
    const now = clock.now();
    this.#clock = clock;
    this.#onPass = onPass;
    this.#control = new TokenBucket(limits.controlRate, now);
    this.change(limits, now);
  }

  /** Goes on under new rates. */
  change(limits: SenderLimits, now: number): void {
    this.#messages = rebucket(this.#messages, limits.messageRate, now);
    this.#bytes = rebucket(this.#bytes, limits.byteRate, now);
    this.#control.change(limits.controlRate, now);
    this.#byteRate = limits.byteRate;
  }

  /** The largest read, in bytes, that a pause of one second pays for. */
  get maxReadBytes(): number {
    if (this.#byteRate === null) return Number.POSITIVE_INFINITY;
    return Math.max(smallestRead, Math.floor((this.#byteRate.perSecond * maxPauseMs) / 1000));
  }

  /** Takes a token for a message; `false` when there is none. */
  takeMessage(now: number): boolean {
    return this.#messages === null || this.#messages.take(now);
  }

  takeControl(now: number): boolean {
    return this.#control.take(now);
  }

  /** Counts payload bytes that have passed; `true` when they are more than the rate allows. */
  chargeBytes(bytes: number, now: number): boolean {
    return this.#bytes?.charge(bytes, now) ?? false;
  }

  /** Bytes that have passed beyond what the rate allows. */
  byteDebt(now: number): number {
    if (this.#bytes === null || this.#byteRate === null) return 0;
    return (this.#bytes.waitMs(0, now) / 1000) * this.#byteRate.perSecond;
  }

  /** Calls back when a message may pass. */
  awaitMessage(now: number): void {
    this.#wait(this.#messages?.waitMs(1, now) ?? 0);
  }

  /** Calls back when the bytes that have passed are paid for. */
  awaitBytes(now: number): void {
    this.#wait(this.#bytes?.waitMs(0, now) ?? 0);
  }

  stop(): void {
    this.#alarm?.cancel();
    this.#alarm = null;
  }

  #wait(ms: number): void {
    this.stop();
    this.#alarm = this.#clock.after(Math.min(maxPauseMs, Math.ceil(ms)), this.#onPass);
  }
}

function rebucket(bucket: TokenBucket | null, rate: Rate | null, now: number): TokenBucket | null {
  if (rate === null) return null;
  if (bucket === null) return new TokenBucket(rate, now);
  bucket.change(rate, now);
  return bucket;
}
