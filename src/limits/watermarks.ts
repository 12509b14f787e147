/** When a buffer is full enough to pause its sender, and when it is empty enough to let it go on. */
import type { SenderLimits } from '../config/types.ts';

/** The mark that is reached, or `null`. */
export function highMark(bytes: number, messages: number, limits: SenderLimits): 'buffer' | 'queue' | null {
  if (bytes >= limits.maxBufferBytes) return 'buffer';
  if (messages >= limits.maxQueue) return 'queue';
  return null;
}

/** Whether both have fallen to a quarter, so that pausing and resuming do not alternate with every message. */
export function belowLowMark(bytes: number, messages: number, limits: SenderLimits): boolean {
  return bytes <= limits.maxBufferBytes / 4 && messages <= limits.maxQueue / 4;
}
