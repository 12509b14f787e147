/**
 * Who must go when all memory is spent: pauses every sender whose receiver lags behind, and ends the connections that hold
 * the most until the rest fits.
 */
import type { MemoryHolder } from '../../admission/memory.ts';
import type { MemoryBudget } from './memory-budget.ts';
import type { ReadBuffers } from './read-buffers.ts';

/** Bytes that are freed beyond what must be when all memory is spent, or 1/64 of the bound where that is less. */
const mostRoom = 1024 * 1024;
/** Beyond this share of the bound, what was let go and is not free yet keeps everybody from being read. */
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
    // What is lent beyond its part comes back by itself: no connection ends for that.
    if (budget.excessBytes <= buffers.overlentBytes) return false;
    const observed = budget.usedBytes;
    // A little more goes than must, or the next reads would each end a connection again.
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
   * Much of what was let go is still what Node writes from, until the sockets that were reset have closed: reads from
   * nobody meanwhile, or the next reads would take as much again. TLS is read on, and so is who is let go on before.
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
   * Connections and requests that hold memory, in the order in which they go: what is left of those that have ended for it
   * already, whose goodbye waits behind bytes that nobody takes, and then the largest.
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
