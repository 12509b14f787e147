/**
 * One connection: two legs, and what is decided when something happens on one of them. Reads pass through directions
 * without a question; the session hears what came of them, of a clock, or of somebody who asks for its end.
 *
 *   a read, a tick, a call ─► happenings ─► writers, legs, session-end.ts ─► both sockets gone ─► report
 */

import type { OpenConnection } from '../admission/open-connection.ts';
import type { ConnectionReason, EndReason } from '../catalogue/outcomes.ts';
import type { Route, Sender } from '../config/types.ts';
import { contain } from '../mistakes.ts';
import type { RouteCounters } from '../observe/metrics/counters.ts';
import type { ConnectionFacts, SessionReport, Violation } from '../observe/report.ts';
import type { MessageRules } from '../validation/types.ts';
import type { Clock } from './core/clock.ts';
import { DataUse } from './core/data-use.ts';
import { Direction } from './core/direction.ts';
import type { Outcome } from './core/ending.ts';
import type { Happening } from './core/happenings.ts';
import { Lifetime } from './core/lifetime.ts';
import type { RoundBudget } from './core/round-budget.ts';
import type { Outlet } from './core/sides.ts';
import { type Stage, verbatim } from './core/stage.ts';
import { ValidatingStage } from './core/validating-stage.ts';
import { ViolationNotes } from './core/violation-notes.ts';
import { Leg, type LegEvents } from './leg.ts';
import type { MemoryBudget } from './memory/memory-budget.ts';
import type { Keeper } from './memory/read-buffers.ts';
import { type BoundaryReason, SessionEnd } from './session-end.ts';
import { reportOf } from './session-report.ts';
import { LegWriter } from './transport/leg-writer.ts';
import type { Transport, TransportListener } from './transport/transport.ts';
import type { SessionInit } from './types.ts';

/** What the registry must hear of. */
export interface SessionEvents {
  /** The first violation of this connection. */
  violated(session: Session, violation: Violation): void;
  /** Further ones: how many of the same kind since the last tick, and the largest of them. */
  violatedAgain(session: Session, violation: Violation, times: number): void;
  ended(session: Session, report: SessionReport): void;
}

/** What a session is made of: the handshake's result, with transports in the place of its sockets. */
export interface SessionParts extends Omit<SessionInit, 'client' | 'upstream'> {
  readonly client: Transport;
  readonly upstream: Transport;
  /** What all connections' buffers hold together. */
  readonly budget: MemoryBudget;
  readonly clock: Clock;
  /** What the messages of a route's sides must be. */
  readonly rules?: RulesOf | undefined;
  readonly frameBudget: RoundBudget;
}

/** What one side's messages must be now, on a route that asks for something; `null` for nothing. */
export type RulesOf = (route: Route, sender: Sender) => MessageRules | null;

export class Session implements OpenConnection {
  /** One side: its direction and its leg, and what they, its transport and its rate tell. */
  static readonly #Side = class implements LegEvents, TransportListener {
    readonly leg: Leg;
    readonly inbound: Direction;
    readonly #session: Session;

    constructor(session: Session, role: Sender, parts: SessionParts, writer: LegWriter, out: Outlet) {
      const { route, counters, clock, frameBudget, budget } = parts;
      const transport = parts[role];
      const stage = session.#stageFor(role, route, budget) ?? verbatim;
      const common = { id: session.id, sender: role, route, clock, frameBudget, source: transport, out, stage };
      const waits = {
        onRate: () => session.#contained(() => this.inbound.rateOver()),
        onAnswers: () => session.#contained(() => this.inbound.answersOver()),
      };
      const direction = { ...common, ...waits, counters: counters[role], memory: budget };
      this.#session = session;
      this.inbound = new Direction(direction);
      const pingRtt = counters.pingRttSeconds[role];
      this.leg = new Leg({ role, transport, writer, inbound: this.inbound, route, clock, pingRtt }, this);
    }

    read(chunk: Buffer, start: number, end: number, keeper: Keeper | null): void {
      const happened = this.inbound.read(chunk, start, end, keeper);
      if (happened !== null) this.#session.#onHappened(this.leg, happened);
    }

    accepted(): void {
      if (!this.leg.writer.accepted()) return;
      this.#session.#other(this.leg).inbound.resumeIfCaughtUp();
      this.#session.#handleHappenings();
    }

    ended(): void {
      this.leg.onEnd();
      this.#session.#handleHappenings();
    }

    closed(): void {
      this.#session.#contained(() => this.leg.onClose());
    }

    lost(): void {
      this.#session.#end.lost(this.leg);
    }

    gone(): void {
      this.#session.#end.lost(this.leg);
      this.#session.#finishIfGone();
    }

    dead(): void {
      this.#session.#end.dead(this.leg);
    }

    stalled(stalledMs: number): void {
      this.#session.#end.stalled(this.leg, stalledMs);
    }
  };

  readonly id: string;
  rosterPlace = -1;
  readonly facts: ConnectionFacts;
  readonly client: Leg;
  readonly upstream: Leg;
  route: Route;
  readonly counters: RouteCounters;
  readonly #release: () => void;
  readonly #events: SessionEvents;
  readonly #clock: Clock;
  readonly #sides: readonly (LegEvents & TransportListener)[];
  readonly #violations: ViolationNotes;
  readonly #end: SessionEnd;
  readonly #use: DataUse;
  /** When it opened, as its clock has it. */
  readonly openedAt: number;
  readonly #lifetime: Lifetime;
  readonly #rules: RulesOf;
  readonly #budget: MemoryBudget;
  /** The sides whose messages are looked at; made when a route first asks for it. */
  #validates: Set<Sender> | null = null;
  #finished = false;
  #kept: DisposableStack | null = null;

  constructor(init: SessionParts, events: SessionEvents) {
    const { route, counters, clock } = init;
    this.id = init.id;
    this.#clock = clock;
    this.openedAt = clock.now();
    // Not `init` itself: it holds the handshake's sockets, whose handles are taken over.
    this.facts = init.facts;
    this.route = route;
    this.counters = counters;
    this.#release = init.release;
    this.#events = events;
    this.#violations = new ViolationNotes({
      first: (violation) => events.violated(this, violation),
      further: (violation, times) => events.violatedAgain(this, violation, times),
    });
    this.#rules = init.rules ?? (() => null);
    this.#lifetime = new Lifetime(this.openedAt, route.maxLifetimeMs, Math.random());
    const { budget } = init;
    this.#budget = budget;
    const toClient = new LegWriter(init.client.output, false, budget);
    const toUpstream = new LegWriter(init.upstream.output, true, budget);
    const client = new Session.#Side(this, 'client', init, toClient, toUpstream);
    const upstream = new Session.#Side(this, 'upstream', init, toUpstream, toClient);
    this.client = client.leg;
    this.upstream = upstream.leg;
    this.#sides = [client, upstream];
    this.#end = new SessionEnd({
      client: client.leg,
      upstream: upstream.leg,
      route,
      counters,
      violations: this.#violations,
      clock,
    });
    this.#use = new DataUse({
      client: client.inbound.record,
      upstream: upstream.inbound.record,
      activity: init.activity ?? null,
      clock,
    });
  }

  /** Delivers what came with the handshake, and begins to relay. */
  start(): void {
    const [client, upstream] = this.#sides;
    this.client.start(client!);
    this.upstream.start(upstream!);
  }

  /** Gives new limits. Buffer limits and times hold at once, the others from each sender's next message. */
  reconfigure(route: Route): void {
    const now = this.#clock.now();
    this.route = route;
    this.#contained(() => {
      for (const leg of [this.client, this.upstream]) {
        const stage = this.#stageFor(leg.role, route, this.#budget);
        if (stage !== null) leg.inbound.useStage(stage);
      }
      this.#end.reconfigure(route);
      this.#lifetime.change(route.maxLifetimeMs, now);
      this.client.reconfigure(route, now);
      this.upstream.reconfigure(route, now);
    });
  }

  /** Ends the connection so that its client comes back and nothing is lost: see goodbye.ts. */
  drain(reason: 'drain' | 'max_lifetime' | 'operator'): void {
    if (this.isEnding) return;
    this.#contained(() => this.#end.atBoundary(reason));
  }

  /**
   * Ends the connection because its client may not stay. Not a message more of the client is passed on. What the
   * upstream still says to the messages before is. Whether this has ended it: what has said goodbye already goes on.
   */
  end(reason: EndReason, words?: string): boolean {
    if (!this.#end.dismissible) return false;
    this.#contained(() => this.#end.dismiss(reason, words));
    return true;
  }

  /** Ends the connection because its user has more than a route allows, and it was idle for longest. */
  evict(configured: number, observed: number): void {
    if (this.isEnding) return;
    this.#contained(() => this.#end.evict(configured, observed));
  }

  /** Keeps something and disposes of it when the connection is over. */
  keep(what: Disposable): void {
    if (this.#finished) {
      what[Symbol.dispose]();
      return;
    }
    this.#kept ??= new DisposableStack();
    this.#kept.use(what);
  }

  /**
   * A stage for what the route asks of this side's messages, if none is there yet. The stage finds out itself what
   * holds later.
   */
  #stageFor(sender: Sender, route: Route, memory: MemoryBudget): Stage | null {
    if (route.validate[sender] === null || this.#validates?.has(sender)) return null;
    this.#validates ??= new Set();
    this.#validates.add(sender);
    return new ValidatingStage({ sender, memory, rules: () => this.#rules(this.route, sender) });
  }

  /** Drops both legs at once. */
  cut(reason: ConnectionReason): void {
    this.#end.cut(reason);
  }

  /** Bytes allocated for what either side has not taken. */
  get capacity(): number {
    return this.client.inbound.capacity + this.upstream.inbound.capacity;
  }

  /** Stops reading each sender whose receiver lags behind, because all memory is spent. */
  yieldMemory(now: number): void {
    this.client.inbound.yieldMemory(now);
    this.upstream.inbound.yieldMemory(now);
  }

  /** Ends the connection for the memory that it holds, which is free when this returns. */
  shed(configured: number, observed: number): void {
    this.#contained(() => this.#end.shed(configured, observed));
  }

  /** Its two connections, to be read or not. */
  get sources(): readonly Transport[] {
    return [this.client.source, this.upstream.source];
  }

  /** Whether it has ended for the memory that it held. */
  get isShed(): boolean {
    return this.outcome?.reason === 'memory';
  }

  /** Gives back the read buffers of sockets that have fallen silent. */
  yieldBuffers(): void {
    this.client.source.yieldBuffer();
    this.upstream.source.yieldBuffer();
  }

  /** The label of its metrics. */
  get routeName(): string {
    return this.route.name;
  }

  /** How it ends, from when that is decided; `null` before. */
  get outcome(): Outcome | null {
    return this.#end.outcome;
  }

  get isEnding(): boolean {
    return this.outcome !== null;
  }

  /** When a payload byte of a data message was last seen, in either direction. */
  get lastDataAt(): number {
    return this.#use.lastAt;
  }

  /** Tells its activity of the messages since the last call. */
  noteUse(): void {
    this.#use.note();
  }

  /** Called every tick. */
  tick(now: number): void {
    const { client, upstream, route } = this;
    // Who has left breaks no limit any more.
    for (const leg of [client, upstream]) if (!leg.gone) leg.inbound.tick(now);
    this.#use.note();
    for (const leg of [client, upstream]) {
      if (leg.inbound.pauses.has('answers') && !leg.writer.saying) leg.inbound.answered();
    }
    client.tick(now, upstream.inbound.waitsFor(client.inbound), route.limits.upstream.maxPauseMs);
    upstream.tick(now, client.inbound.waitsFor(upstream.inbound), route.limits.client.maxPauseMs);
    this.#use.tick(now);
    this.#end.tick(now);
    this.#handleHappenings();
    this.#violations.flush();
    if (this.isEnding) return;
    const due = this.#due(now);
    if (due !== null) this.#end.atBoundary(due);
    this.#handleHappenings();
  }

  /** What is over by the clock. */
  #due(now: number): BoundaryReason | null {
    const { idleTimeoutMs } = this.route;
    if (idleTimeoutMs > 0 && now - this.#use.lastAt >= idleTimeoutMs) return 'idle_timeout';
    return this.#lifetime.isOver(now) ? 'max_lifetime' : null;
  }

  /**
   * Does what somebody else asks for, or a clock, and decides on what comes of it. A mistake in that ends this
   * connection, and leaves nothing behind.
   */
  #contained(act: () => void): void {
    contain(
      () => {
        act();
        this.#handleHappenings();
      },
      () => {
        this.#end.decide('client_vanished', 'sluice', null);
        this.client.source.reset();
        this.upstream.source.reset();
        this.#finishIfGone();
      },
    );
  }

  /** Decides on what came of a read. */
  #onHappened(leg: Leg, happened: readonly Happening[]): void {
    for (const happening of happened) this.#on(leg, happening);
    this.#handleHappenings();
  }

  /**
   * Decides on what has happened besides. A decision may let bytes go on that waited, and more may come of those, so
   * it goes on until nothing has.
   */
  #handleHappenings(): void {
    while (this.#handleOf(this.client) || this.#handleOf(this.upstream));
  }

  /** Decides on what has happened at a leg. Whether anything had. */
  #handleOf(leg: Leg): boolean {
    const happened = leg.inbound.happened();
    if (happened === null) return false;
    for (const happening of happened) this.#on(leg, happening);
    return true;
  }

  #on(leg: Leg, happening: Happening): void {
    switch (happening.what) {
      case 'ping':
        leg.writer.pong(happening.payload);
        break;
      case 'pong':
        leg.onPong(happening.payload);
        break;
      case 'close':
        this.#end.closed(leg, happening.payload);
        break;
      case 'fault':
        this.#end.broken(leg, happening.detail);
        break;
      case 'violation':
        this.#end.exceeded(leg, happening.violation);
        break;
      case 'answer':
        leg.writer.say(happening.payload);
        break;
      case 'unanswered':
        if (!leg.writer.saying) leg.inbound.answered();
        break;
      case 'boundary':
        this.#end.boundary();
    }
  }

  #other(leg: Leg): Leg {
    return leg === this.client ? this.upstream : this.client;
  }

  #finishIfGone(): void {
    if (this.#finished || !this.client.gone || !this.upstream.gone) return;
    this.#finished = true;
    const now = this.#clock.now();
    const times = { durationMs: now - this.openedAt, lastDataAgeMs: now - this.#use.lastAt };
    // A mistake in one of them keeps nothing that the others give back.
    for (const end of [
      () => this.client.inbound.finish(),
      () => this.upstream.inbound.finish(),
      () => this.#use.note(),
      () => this.#violations.flush(),
      () => this.#release(),
      () => this.#kept?.dispose(),
      () => this.#events.ended(this, reportOf(this.client, this.upstream, this.outcome!, times)),
    ]) {
      contain(end, () => {});
    }
  }
}
