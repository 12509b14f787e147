/** Whether there is memory for one more connection. */
import type { Verdict } from './verdict.ts';

/** What the buffers of all connections hold, and may hold, in bytes. */
export interface MemoryState {
  readonly usedBytes: number;
  readonly limitBytes: number;
  /** Whether so much is held that no new connection should add to it. */
  readonly pressed: boolean;
}

/** Refuses while the connections that are open already need what is left. */
export function checkMemory({ usedBytes, limitBytes, pressed }: MemoryState): Verdict {
  if (!pressed) return null;
  return { outcome: 'memory', detail: `buffers hold ${usedBytes} of memory.max_buffered ${limitBytes} bytes` };
}
