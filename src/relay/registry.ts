/** All open connections, and the one clock that they share: no connection has timers of its own. */

import { tellMistake } from '../mistakes.ts';
import type { SessionReport, Violation } from '../observe/report.ts';
import type { Alarm, Clock } from './core/clock.ts';
import { framesPerRound } from './core/direction.ts';
import { RoundBudget } from './core/round-budget.ts';
import { trimBuffers } from './memory/copy-buffers.ts';
import { MemoryBudget } from './memory/memory-budget.ts';
import { ReadBuffers } from './memory/read-buffers.ts';
import { type Holder, MemoryRelief } from './memory/relief.ts';
import { type Crowd, Roster, type Rostered } from './roster.ts';
import { type RulesOf, Session, type SessionEvents } from './session.ts';
import { systemClock } from './system-clock.ts';
import { forgetKernelQueues } from './transport/kernel-queue.ts';
import type { LegInput } from './transport/socket-reader.ts';
import { SocketTransport } from './transport/socket-transport.ts';
import type { RelayMemory, SessionInit } from './types.ts';

/** Often enough for limits of a second. A tick over 10 000 quiet connections takes few milliseconds. */
const tickMs = 250;
const ticksPerTrim = 4;

/** One that passes bytes on beside the sessions, as they do, and lives by the same clock. */
export interface Passer extends Holder, Rostered {
  readonly sources: readonly SocketTransport[];
  tick(now: number): void;
}

export interface RegistryEvents {
  /** The first violation of a connection. */
  onViolation(session: Session, violation: Violation): void;
  /** Further ones: how many of the same kind since the last tick, and the largest of them. */
  onFurtherViolations(session: Session, violation: Violation, times: number): void;
  onEnd(session: Session, report: SessionReport): void;
}

export class SessionRegistry {
  readonly memory: RelayMemory;
  readonly #open = new Roster<Session>();
  readonly #passers = new Roster<Passer>();
  readonly #events: SessionEvents;
  /** The next tick; `null` where nothing is open. */
  #next: Alarm | null = null;
  #ticks = 0;
  #onEmpty: (() => void)[] = [];
  #relieving = false;
  readonly #relief = new MemoryRelief(this.#open, this.#passers);
  readonly #clock: Clock;
  readonly #rules: RulesOf | undefined;
  readonly #frameBudget = new RoundBudget(setImmediate, framesPerRound);

  /** `maxBufferedBytes`: what the buffers of all connections may hold together. */
  constructor(
    { onViolation, onFurtherViolations, onEnd }: RegistryEvents,
    maxBufferedBytes = Number.POSITIVE_INFINITY,
    clock: Clock = systemClock,
    rules?: RulesOf,
  ) {
    this.#clock = clock;
    this.#rules = rules;
    const budget = new MemoryBudget(maxBufferedBytes, () => this.#onSpent());
    this.memory = { budget, buffers: new ReadBuffers(budget) };
    this.#events = {
      violated: onViolation,
      violatedAgain: onFurtherViolations,
      ended: (session, report) => {
        this.#open.delete(session);
        try {
          onEnd(session, report);
        } finally {
          if (this.#open.size === 0) this.#onEmptied();
        }
      },
    };
  }

  get sessions(): Crowd<Session> {
    return this.#open;
  }

  /** Takes over two sockets whose handshakes are done, and relays between them. */
  open(init: SessionInit): Session {
    const { budget, buffers } = this.memory;
    const client = transportOf(init.client, buffers);
    const upstream = transportOf(init.upstream, buffers);
    const session = new Session(
      { ...init, client, upstream, budget, clock: this.#clock, frameBudget: this.#frameBudget, rules: this.#rules },
      this.#events,
    );
    this.#open.add(session);
    this.#startClock();
    session.start();
    for (const hook of init.whenOpen ?? []) {
      const kept = hook(session);
      if (kept !== null) session.keep(kept);
    }
    return session;
  }

  get passers(): Crowd<Passer> {
    return this.#passers;
  }

  /** Takes in one that passes bytes on. */
  add(passer: Passer): void {
    this.#passers.add(passer);
    this.#startClock();
  }

  /** Forgets one that passes nothing on any more. */
  delete(passer: Passer): void {
    this.#passers.delete(passer);
  }

  /** Drops what is left. */
  cutAll(): void {
    for (const session of this.#open) session.cut('drain');
  }

  /** Resolves when no connection is open. */
  whenEmpty(): Promise<void> {
    if (this.#open.size === 0) return Promise.resolve();
    return new Promise((resolve) => this.#onEmpty.push(resolve));
  }

  #startClock(): void {
    if (this.#next !== null) return;
    this.memory.buffers.now = Math.round(this.#clock.now());
    this.#awaitTick();
  }

  #awaitTick(): void {
    this.#next = this.#clock.after(tickMs, () => this.#tick());
  }

  /**
   * More is held than may be. The one that allocated last is in the middle of a read, so this waits for the read's end.
   */
  #onSpent(): void {
    if (this.#relieving) return;
    this.#relieving = true;
    queueMicrotask(() => {
      this.#relieving = false;
      try {
        this.#relieveMemory();
      } catch (error) {
        tellMistake(error);
      }
    });
  }

  #relieveMemory(): void {
    const { budget, buffers } = this.memory;
    if (!this.#relief.relieve(budget, buffers, this.#clock.now())) return;
    // Sockets close after this turn's immediates.
    setImmediate(() => setImmediate(() => this.#relief.carryOn()));
  }

  #tick(): void {
    this.#awaitTick();
    const now = this.#clock.now();
    const { buffers } = this.memory;
    buffers.now = Math.round(now);
    const yields = buffers.takeDenied();
    for (const session of this.#open) {
      tickOf(session, now);
      if (yields) session.yieldBuffers();
    }
    for (const passer of this.#passers) {
      tickOf(passer, now);
      for (const source of passer.sources) {
        source.last();
        if (yields) source.yieldBuffer();
      }
    }
    forgetKernelQueues(now);
    // Passers come and go with each request. So the clock runs on until a tick finds none.
    if (this.#open.size + this.#passers.size === 0) this.#stopClock();
    else if (++this.#ticks % ticksPerTrim === 0) trimBuffers();
  }

  #onEmptied(): void {
    if (this.#passers.size === 0) this.#stopClock();
    for (const resolve of this.#onEmpty.splice(0)) resolve();
  }

  #stopClock(): void {
    this.#next?.cancel();
    this.#next = null;
    trimBuffers();
    trimBuffers();
  }
}

/** A mistake in the tick of one takes nothing from the others. */
function tickOf(one: Session | Passer, now: number): void {
  try {
    one.tick(now);
  } catch (error) {
    tellMistake(error);
    for (const source of one.sources) source.reset();
  }
}

/** The transport that carried the handshake goes on with the connection, if there was one. */
function transportOf(input: LegInput | SocketTransport, buffers: ReadBuffers): SocketTransport {
  return input instanceof SocketTransport ? input : new SocketTransport(input, buffers);
}
