/**
 * When data messages last passed on a connection: for its idle timeout, for its listing, and for whoever keeps an
 * account of its use. A message counts while it comes. A ping never does.
 */
import type { Clock } from './clock.ts';
import type { SenderRecord } from './sender-record.ts';

/** Hears of use: data messages of the client, and of the upstream where those are use too. */
export interface Activity {
  seen(): void;
  readonly ofUpstream: boolean;
}

export interface DataUseInit {
  /** What each side has sent. */
  readonly client: SenderRecord;
  readonly upstream: SenderRecord;
  /** `null` where nobody wants to know. */
  readonly activity: Activity | null;
  readonly clock: Clock;
}

export class DataUse {
  readonly #client: SenderRecord;
  readonly #upstream: SenderRecord;
  readonly #activity: Activity | null;
  readonly #clock: Clock;
  /** Payload bytes that a tick has seen, and when it saw the last of them. */
  #seenBytes = 0;
  #seenAt: number;
  /** How much use has been told of: messages and bytes of those that count. */
  #told = 0;

  constructor({ client, upstream, activity, clock }: DataUseInit) {
    this.#client = client;
    this.#upstream = upstream;
    this.#activity = activity;
    this.#clock = clock;
    this.#seenAt = clock.now();
  }

  /**
   * When a payload byte of a data message was last seen, in either direction. Bytes that no tick has seen yet are seen
   * now.
   */
  get lastAt(): number {
    return this.#bytes() === this.#seenBytes ? this.#seenAt : this.#clock.now();
  }

  /** Called every tick. */
  tick(now: number): void {
    const bytes = this.#bytes();
    if (bytes === this.#seenBytes) return;
    this.#seenBytes = bytes;
    this.#seenAt = now;
  }

  /** Tells the activity of the messages since the last call. An empty one counts too. */
  note(): void {
    if (this.#activity === null) return;
    const use = useOf(this.#client) + (this.#activity.ofUpstream ? useOf(this.#upstream) : 0);
    if (use === this.#told) return;
    this.#told = use;
    this.#activity.seen();
  }

  #bytes(): number {
    return this.#client.payloadBytes + this.#upstream.payloadBytes;
  }
}

function useOf({ messages, payloadBytes }: SenderRecord): number {
  return messages + payloadBytes;
}
