/** Sends the pings that a leg's heartbeat asks for, and measures how long their pongs take. */
import type { Histogram } from '../../observe/metrics/counters.ts';
import { Heartbeat } from './heartbeat.ts';

/** The leg's writer, as far as pings need it. */
export interface PingWriter {
  ping(payload: Buffer): void;
  /** Whether the last one has left the buffer. */
  readonly pingFlushed: boolean;
  /** Bytes that have waited and been taken by the kernel. */
  readonly drainedBytes: number;
}

export class Pinger {
  readonly #writer: PingWriter;
  readonly #heartbeat: Heartbeat;
  #timeoutMs: number;
  readonly #rtt: Histogram;
  #pings = 0;
  #sentAt = 0;

  /** Times in milliseconds; an interval of 0 sends no pings. `rtt` is in seconds. */
  constructor(writer: PingWriter, intervalMs: number, timeoutMs: number, rtt: Histogram, now: number) {
    this.#writer = writer;
    this.#heartbeat = new Heartbeat(intervalMs, timeoutMs, now);
    this.#timeoutMs = timeoutMs;
    this.#rtt = rtt;
  }

  /** Goes on with other times. */
  change(intervalMs: number, timeoutMs: number, now: number): void {
    this.#heartbeat.change(intervalMs, timeoutMs, now);
    this.#timeoutMs = timeoutMs;
  }

  /** How long a pong may take, in milliseconds; 0 for any time. */
  get timeoutMs(): number {
    return this.#timeoutMs;
  }

  /** Whether a ping of ours has not been answered. */
  get awaits(): boolean {
    return this.#heartbeat.outstanding && this.#writer.pingFlushed;
  }

  /**
   * Whether a pong is overdue. The peer is dead only if it takes nothing either: the ping may stand behind megabytes in
   * the kernel, and a slow reader sees it minutes later. `received`: how many bytes have been read from the peer.
   * `held`: whether Sluice is not reading it.
   */
  tick(now: number, received: number, held: boolean): boolean {
    const { drainedBytes: drained, pingFlushed } = this.#writer;
    const action = this.#heartbeat.check({ now, received, drained, pingFlushed, held });
    if (action === 'ping') {
      const payload = Buffer.allocUnsafeSlow(4);
      payload.writeUInt32BE(++this.#pings >>> 0);
      this.#sentAt = now;
      this.#writer.ping(payload);
    }
    return action === 'dead';
  }

  onPong(payload: Buffer, now: number): void {
    if (this.#sentAt === 0 || payload.length !== 4 || payload.readUInt32BE() !== this.#pings >>> 0) return;
    this.#rtt.observe((now - this.#sentAt) / 1000);
    this.#sentAt = 0;
  }
}
