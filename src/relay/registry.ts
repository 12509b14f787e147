/** All open connections, and the one clock that they share: no connection has timers of its own. */

import type { MemoryHolder } from '../admission/memory.ts';
import type { SessionReport, Violation } from '../report.ts';
import { trimBuffers } from './memory/copy-buffers.ts';
import { MemoryBudget } from './memory/memory-budget.ts';
import { ReadBuffers } from './memory/read-buffers.ts';
import { Session, type SessionEvents } from './session.ts';
import { forgetKernelQueues } from './transport/kernel-queue.ts';
import type { SocketReader } from './transport/socket-reader.ts';
import type { RelayMemory, SessionInit } from './types.ts';

/** Often enough for second-long limits; a tick over 10 000 quiet connections takes few milliseconds. */
const tickMs = 250;
const ticksPerTrim = 4;
/** Bytes that are freed beyond what must be when all memory is spent, or 1/64 of the bound where that is less. */
const mostRoom = 1024 * 1024;

export interface RegistryEvents {
  /** The first violation of a connection. */
  onViolation(session: Session, violation: Violation): void;
  /** Further ones: how many of the same kind since the last tick, and the largest of them. */
  onFurtherViolations(session: Session, violation: Violation, times: number): void;
  onEnd(session: Session, report: SessionReport): void;
}

export class SessionRegistry {
  readonly memory: RelayMemory;
  readonly #open = new Set<Session>();
  readonly #events: SessionEvents;
  #timer: NodeJS.Timeout | null = null;
  #ticks = 0;
  #onEmpty: (() => void)[] = [];
  #relieving = false;
  /** Who is not read until sockets have closed; `null` in the usual case. */
  #halted: SocketReader[] | null = null;

  /** `maxBufferedBytes`: what the buffers of all connections may hold together. */
  constructor(
    { onViolation, onFurtherViolations, onEnd }: RegistryEvents,
    maxBufferedBytes = Number.POSITIVE_INFINITY,
  ) {
    const budget = new MemoryBudget(maxBufferedBytes, () => this.#onSpent());
    this.memory = { budget, buffers: new ReadBuffers(budget) };
    this.#events = {
      violated: onViolation,
      violatedAgain: onFurtherViolations,
      ended: (session, report) => {
        this.#open.delete(session);
        onEnd(session, report);
        if (this.#open.size === 0) this.#settle();
      },
    };
  }

  get sessions(): ReadonlySet<Session> {
    return this.#open;
  }

  /** Takes over two sockets whose handshakes are done, and relays between them. */
  open(init: SessionInit): Session {
    const session = new Session(init, this.memory, this.#events);
    this.#open.add(session);
    if (this.#timer === null) {
      this.memory.buffers.now = Math.round(performance.now());
      this.#timer = setInterval(() => this.#tick(), tickMs);
    }
    session.start();
    return session;
  }

  /** Drops what is left. */
  cutAll(): void {
    for (const session of [...this.#open]) session.cut('drain');
  }

  /** Resolves when no connection is open. */
  whenEmpty(): Promise<void> {
    if (this.#open.size === 0) return Promise.resolve();
    return new Promise((resolve) => this.#onEmpty.push(resolve));
  }

  /** More is held than may be: whoever allocated is in the middle of a read, so this waits for its end. */
  #onSpent(): void {
    if (this.#relieving) return;
    this.#relieving = true;
    queueMicrotask(() => {
      this.#relieving = false;
      this.#relieve();
    });
  }

  /** Pauses every sender whose receiver lags behind, and ends the largest connections until the rest fits. */
  #relieve(): void {
    const { budget, buffers } = this.memory;
    if (budget.excessBytes === 0) return;
    const now = performance.now();
    for (const session of this.#open) session.yieldMemory(now);
    // What is lent beyond its part comes back by itself: no connection ends for that.
    if (budget.excessBytes <= buffers.overlentBytes) return;
    const observed = budget.usedBytes;
    // A little more goes than must, or the next reads would each end a connection again.
    const room = Math.min(mostRoom, budget.limitBytes / 64);
    for (const holder of this.#byLoss()) {
      if (budget.usedBytes + room <= budget.limitBytes + buffers.overlentBytes) break;
      holder.shed(budget.limitBytes, observed);
    }
    if (budget.lingeringBytes > budget.limitBytes / 16) this.#halt();
  }

  /**
   * Much of what was let go is still what Node writes from, until the sockets that were reset have closed: reads from
   * nobody meanwhile, or the next reads would take as much again. TLS is read on, and so is who is let go on before.
   */
  #halt(): void {
    if (this.#halted !== null) return;
    this.#halted = [];
    for (const { client, upstream } of this.#open) {
      for (const { source } of [client, upstream]) if (source.halt()) this.#halted.push(source);
    }
    // Sockets close after this turn's immediates.
    setImmediate(() => setImmediate(() => this.#carryOn()));
  }

  #carryOn(): void {
    for (const source of this.#halted ?? []) source.carryOn();
    this.#halted = null;
  }

  /**
   * Connections and requests that hold memory, in the order in which they go: what is left of those that have ended for it already,
   * whose goodbye waits behind bytes that nobody takes, and then the largest.
   */
  #byLoss(): MemoryHolder[] {
    const ranked: { holder: MemoryHolder; rank: number }[] = [];
    for (const holders of [this.#open, this.memory.budget.holders]) {
      for (const holder of holders) {
        const { capacity } = holder;
        if (capacity > 0) ranked.push({ holder, rank: holder.isShed ? Number.POSITIVE_INFINITY : capacity });
      }
    }
    return ranked.sort((a, b) => (a.rank === b.rank ? 0 : b.rank - a.rank)).map(({ holder }) => holder);
  }

  #tick(): void {
    const now = performance.now();
    const { buffers } = this.memory;
    buffers.now = Math.round(now);
    const yields = buffers.takeDenied();
    for (const session of this.#open) {
      session.tick(now);
      if (yields) session.yieldBuffers();
    }
    forgetKernelQueues(now);
    if (++this.#ticks % ticksPerTrim === 0) trimBuffers();
  }

  #settle(): void {
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#timer = null;
    trimBuffers();
    trimBuffers();
    for (const resolve of this.#onEmpty.splice(0)) resolve();
  }
}
