/** Sends the pings that a leg's heartbeat asks for, and measures how long their pongs take. */
import type { Histogram } from '../metrics/counters.ts';
import { Heartbeat } from './heartbeat.ts';
import type { KernelQueue } from './kernel-queue.ts';
import type { LegWriter } from './leg-writer.ts';
import { StallWatch } from './stall.ts';

export class Pinger {
  readonly #writer: LegWriter;
  readonly #heartbeat: Heartbeat;
  #timeoutMs: number;
  readonly #stall = new StallWatch();
  readonly #rtt: Histogram;
  #pings = 0;
  #sentAt = 0;

  /** Times in milliseconds; an interval of 0 sends no pings. `rtt` is in seconds. */
  constructor(writer: LegWriter, intervalMs: number, timeoutMs: number, rtt: Histogram) {
    this.#writer = writer;
    this.#heartbeat = new Heartbeat(intervalMs, timeoutMs, performance.now());
    this.#timeoutMs = timeoutMs;
    this.#rtt = rtt;
  }

  /** Goes on with other times. */
  change(intervalMs: number, timeoutMs: number, now: number): void {
    this.#heartbeat.change(intervalMs, timeoutMs, now);
    this.#timeoutMs = timeoutMs;
  }

  /**
   * `received`: bytes read from the peer so far; `held`: whether Sluice is not reading it; `kernel`: what the kernel still
   * holds for it.
   */
  tick(now: number, received: number, held: boolean, kernel: () => KernelQueue): 'dead' | null {
    const { drainedBytes: drained, pingFlushed } = this.#writer;
    const action = this.#heartbeat.check({ now, received, drained, pingFlushed, held });
    if (action === 'ping') {
      const payload = Buffer.allocUnsafeSlow(4);
      payload.writeUInt32BE(++this.#pings >>> 0);
      this.#sentAt = performance.now();
      this.#writer.ping(payload);
    }
    if (!this.#heartbeat.outstanding || !this.#writer.pingFlushed || held) {
      this.#stall.rest();
      return null;
    }
    // The ping may stand behind megabytes in the kernel: a slow reader sees it minutes later, and is alive.
    const stalledMs = this.#stall.stalledMs(now, drained, this.#timeoutMs, kernel);
    return action === 'dead' && stalledMs >= this.#timeoutMs ? 'dead' : null;
  }

  onPong(payload: Buffer): void {
    if (this.#sentAt === 0 || payload.length !== 4 || payload.readUInt32BE() !== this.#pings >>> 0) return;
    this.#rtt.observe((performance.now() - this.#sentAt) / 1000);
    this.#sentAt = 0;
  }
}
