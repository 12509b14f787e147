/**
 * What happens when all memory is spent. Every sender whose receiver lags behind is paused, and the connections that
 * hold the most end until the rest fits.
 */
import type { MemoryHolder } from '../../admission/memory.ts';
import type { MemoryBudget } from './memory-budget.ts';
import type { ReadBuffers } from './read-buffers.ts';

/** How many bytes more are freed than must be; 1/64 of the bound where that is less. */
const mostRoom = 1024 * 1024;
/** Nobody is read while more than this share of the bound was let go and is not free yet. */
const mostLingering = 1 / 16;

/** A connection that holds memory. */
export interface Holder extends MemoryHolder {
  /** Reads no sender whose receiver lags behind. */
  yieldMemory(now: number): void;
  /** Its two transports, to be read or not. */
  readonly sources: readonly Haltable[];
}

interface Haltable {
  /** Reads nothing until `carryOn`, and says whether it did before. */
  halt(): boolean;
  carryOn(): void;
}

export class MemoryRelief {
  readonly #holders: readonly Iterable<Holder>[];
  /** Who is not read until sockets have closed; `null` in the usual case. */
  #halted: Haltable[] | null = null;

  constructor(...holders: readonly Iterable<Holder>[]) {
    this.#holders = holders;
  }

  /** Makes what is held fit. Whether somebody must `carryOn` when the sockets that were reset have closed. */
  relieve(budget: MemoryBudget, buffers: ReadBuffers, now: number): boolean {
    if (budget.excessBytes === 0) return false;
    for (const holders of this.#holders) for (const holder of holders) holder.yieldMemory(now);
    // Leases beyond their part come back by themselves, so no connection ends for them.
    if (budget.excessBytes <= buffers.overlentBytes) return false;
    const observed = budget.usedBytes;
    // A little more is freed than must be. Otherwise each of the next reads would end another connection.
    const room = Math.min(mostRoom, budget.limitBytes / 64);
    for (const holder of this.#byLoss(budget)) {
      if (budget.usedBytes + room <= budget.limitBytes + buffers.overlentBytes) break;
      holder.shed(budget.limitBytes, observed);
    }
    return budget.lingeringBytes > budget.limitBytes * mostLingering && this.#halt();
  }

  carryOn(): void {
    for (const source of this.#halted ?? []) source.carryOn();
    this.#halted = null;
  }

  /**
   * Node still writes from much of what was let go, until the sockets that were reset have closed. Until then nobody is
   * read, because the next reads would take as much again. TLS is the exception, and so is whoever was resumed before.
   */
  #halt(): boolean {
    if (this.#halted !== null) return false;
    this.#halted = [];
    for (const holders of this.#holders) {
      for (const { sources } of holders) {
        for (const source of sources) if (source.halt()) this.#halted.push(source);
      }
    }
    return true;
  }

  /**
   * Connections and requests that hold memory, in the order in which they end. First come those that have already ended
   * for it and whose goodbye waits behind bytes that nobody takes; then the largest.
   */
  #byLoss({ holders: others }: MemoryBudget): MemoryHolder[] {
    const ranked: { holder: MemoryHolder; rank: number }[] = [];
    for (const holders of [...this.#holders, others]) {
      for (const holder of holders) {
        const { capacity } = holder;
        if (capacity > 0) ranked.push({ holder, rank: holder.isShed ? Number.POSITIVE_INFINITY : capacity });
      }
    }
    return ranked.sort((a, b) => (a.rank === b.rank ? 0 : b.rank - a.rank)).map(({ holder }) => holder);
  }
}
