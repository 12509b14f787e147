/** The memory of a relay, as small as a test wants it. */
import { MemoryBudget } from '../../src/relay/memory/memory-budget.ts';
import { ReadBuffers } from '../../src/relay/memory/read-buffers.ts';

/** A budget of `limit` bytes, and nobody who minds when it is spent. */
export function budgetOf(limit = Number.POSITIVE_INFINITY): MemoryBudget {
  return new MemoryBudget(limit, () => {});
}

/** Read buffers that lend `bytes` at most; leases may take a quarter of a budget. */
export function buffersOf(bytes: number): ReadBuffers {
  return new ReadBuffers(budgetOf(bytes * 4));
}
