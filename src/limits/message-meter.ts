/** Measures the message that one sender is sending, and compares it with the limits that held when it began. */
import type { SenderLimits } from '../config/types.ts';

/** The limits that a frame header can exceed, in the order in which they are checked. */
export type SizeLimit = 'max_message_size' | 'max_frame_size' | 'max_fragments';

export class MessageMeter {
  /** Payload bytes that the message's headers have announced so far; `Infinity` beyond 2^53 − 1. */
  bytes = 0;
  /** Those of the frames before the last: they have come. */
  earlierBytes = 0;
  /** Frames of the message so far. */
  fragments = 0;
  #limits: SenderLimits;

  constructor(limits: SenderLimits) {
    this.#limits = limits;
  }

  /** The limits of the current message. */
  get limits(): SenderLimits {
    return this.#limits;
  }

  /** A new message begins: from here to its end, these limits hold. */
  begin(limits: SenderLimits): void {
    this.#limits = limits;
    this.bytes = 0;
    this.fragments = 0;
  }

  /**
   * Counts a frame at its header and names the limit it exceeds. `length` is in payload bytes, `Infinity` beyond 2^53 −
   * 1.
   */
  frame(length: number): SizeLimit | null {
    const limits = this.#limits;
    this.fragments++;
    this.earlierBytes = this.bytes;
    this.bytes += length;
    // A sum beyond 2^53 is no longer exact: whatever the limit says, such a message is refused.
    if (this.bytes > limits.maxMessageBytes || this.bytes > Number.MAX_SAFE_INTEGER) return 'max_message_size';
    if (length > limits.maxFrameBytes) return 'max_frame_size';
    if (this.fragments > limits.maxFragments) return 'max_fragments';
    return null;
  }
}
