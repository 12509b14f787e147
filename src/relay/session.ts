/**
 * One connection: two legs, and the decision how it ends. The first cause decides the outcome; what follows only helps
 * both sides to say goodbye.
 *
 *   open ──► goodbye, in turn (goodbye.ts): a close frame, a fault, a limit, a drain ──► both sockets gone ──► report
 *     └────► lost: one leg is reset or has left, the other hears at once ──────────────► both sockets gone ──► report
 */

import type { OpenConnection } from '../admission/open-connection.ts';
import { type ConnectionReason, type EndedBy, type EndReason, reasonOf } from '../catalogue/outcomes.ts';
import type { Route, Sender } from '../config/types.ts';
import { contain } from '../mistakes.ts';
import { type RouteCounters, tally } from '../observe/metrics/counters.ts';
import type { ConnectionFacts, SessionReport, Violation } from '../observe/report.ts';
import type { MessageRules } from '../validation/types.ts';
import { type Close, closeWith, foldCloseCode, readClose } from '../websocket/close.ts';
import type { Clock } from './core/clock.ts';
import { closeReason } from './core/close-reason.ts';
import { Direction, type Outlet } from './core/direction.ts';
import { answerFor, closeFor, closeOf, endingsBy, type Outcome, unanswered } from './core/ending.ts';
import { Goodbye } from './core/goodbye.ts';
import type { Happening } from './core/happenings.ts';
import { Lifetime } from './core/lifetime.ts';
import type { RoundBudget } from './core/round-budget.ts';
import { type Stage, verbatim } from './core/stage.ts';
import { ValidatingStage } from './core/validating-stage.ts';
import { ViolationNotes } from './core/violation-notes.ts';
import { Leg, type LegEvents } from './leg.ts';
import type { MemoryBudget } from './memory/memory-budget.ts';
import type { Keeper } from './memory/read-buffers.ts';
import { reportOf } from './session-report.ts';
import { LegWriter } from './transport/leg-writer.ts';
import type { Transport, TransportListener } from './transport/transport.ts';
import type { Activity, SessionInit } from './types.ts';

/**
 * How long a side that broke the protocol or a limit may wait to hear of it. What the other side still says to the
 * messages before is delivered first. A client that uploads in vain is told soon all the same.
 */
const answerMs = 1000;

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

/** What one side is made of. */
interface SideParts {
  readonly transport: Transport;
  /** Writes to this side, and to the other one. */
  readonly writer: LegWriter;
  readonly out: Outlet;
  readonly route: Route;
  readonly counters: RouteCounters;
  readonly budget: MemoryBudget;
  readonly clock: Clock;
  readonly stage: Stage;
  readonly frameBudget: RoundBudget;
}

export class Session implements OpenConnection {
  /** One side: its direction and its leg, and what they, its transport and its rate tell. */
  static readonly #Side = class implements LegEvents, TransportListener {
    readonly leg: Leg;
    readonly inbound: Direction;
    readonly #session: Session;

    constructor(session: Session, role: Sender, parts: SideParts) {
      const { transport, writer, out, route, counters, clock, frameBudget, stage } = parts;
      const common = { id: session.id, sender: role, route, clock, frameBudget, source: transport, out, stage };
      const waits = {
        onRate: () => session.#contained(() => this.inbound.rateOver()),
        onAnswers: () => session.#contained(() => this.inbound.answersOver()),
      };
      const direction = { ...common, ...waits, counters: counters[role], memory: parts.budget };
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
      this.#session.#onLost(this.leg);
    }

    gone(): void {
      this.#session.#onLost(this.leg);
      this.#session.#finishIfGone();
    }

    dead(): void {
      const session = this.#session;
      session.#decide(endingsBy[this.leg.role].heartbeat, this.leg.role, null);
      // A peer that wakes up within `timeouts.close` finds the reason there, behind what the kernel holds for it.
      this.leg.giveUp(session.#closeFor(this.leg));
      session.#onLost(this.leg);
    }

    stalled(stalledMs: number): void {
      const sender = this.#session.#other(this.leg).role;
      const configured = this.#session.route.limits[sender].maxPauseMs;
      const violation = { sender, limit: 'max_pause', configured, observed: stalledMs, partial: false } as const;
      this.#session.#giveUp(this.leg, { ...violation, action: 'close' });
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
  readonly #activity: Activity | null;
  /** How much use its activity has been told of: messages and bytes of those that count. */
  #usedSeen = 0;
  readonly #events: SessionEvents;
  readonly #clock: Clock;
  readonly #sides: readonly (LegEvents & TransportListener)[];
  readonly #violations: ViolationNotes;
  /** When it opened, as its clock has it. */
  readonly openedAt: number;
  readonly #lifetime: Lifetime;
  readonly #rules: RulesOf;
  readonly #budget: MemoryBudget;
  /** The sides whose messages are looked at; made when a route first asks for it. */
  #validates: Set<Sender> | null = null;
  #outcome: Outcome | null = null;
  #goodbye: Goodbye<Leg> | null = null;
  #dataSeen = 0;
  #lastDataAt: number;
  #finished = false;
  #kept: DisposableStack | null = null;

  constructor(init: SessionParts, events: SessionEvents) {
    const { route, counters, clock } = init;
    this.id = init.id;
    this.#clock = clock;
    this.openedAt = clock.now();
    this.#lastDataAt = this.openedAt;
    // Not `init` itself: it holds the handshake's sockets, whose handles are taken over.
    this.facts = init.facts;
    this.route = route;
    this.counters = counters;
    this.#release = init.release;
    this.#activity = init.activity ?? null;
    this.#events = events;
    this.#violations = new ViolationNotes({
      first: (violation) => events.violated(this, violation),
      further: (violation, times) => events.violatedAgain(this, violation, times),
    });
    this.#rules = init.rules ?? (() => null);
    this.#lifetime = new Lifetime(this.openedAt, route.maxLifetimeMs, Math.random());
    const { budget } = init;
    this.#budget = budget;
    const writers = {
      client: new LegWriter(init.client.output, false, budget),
      upstream: new LegWriter(init.upstream.output, true, budget),
    };
    const common = { route, counters, clock, frameBudget: init.frameBudget, budget };
    const stageOf = (sender: Sender) => this.#stageFor(sender, route, budget) ?? verbatim;
    const up = { ...common, transport: init.client, writer: writers.client, out: writers.upstream };
    const down = { ...common, transport: init.upstream, writer: writers.upstream, out: writers.client };
    const client = new Session.#Side(this, 'client', { ...up, stage: stageOf('client') });
    const upstream = new Session.#Side(this, 'upstream', { ...down, stage: stageOf('upstream') });
    this.client = client.leg;
    this.upstream = upstream.leg;
    this.#sides = [client, upstream];
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
      this.#lifetime.change(route.maxLifetimeMs, now);
      this.client.reconfigure(route, now);
      this.upstream.reconfigure(route, now);
    });
  }

  /** Ends the connection so that its client comes back and nothing is lost: see goodbye.ts. */
  drain(reason: 'drain' | 'max_lifetime' | 'operator'): void {
    if (this.#outcome !== null) return;
    this.#contained(() => this.#endAtBoundary(reason));
  }

  /**
   * Ends the connection because its client may not stay. Not a message more of the client is passed on. What the
   * upstream still says to the messages before is. Whether this has ended it: what has said goodbye already goes on.
   */
  end(reason: EndReason, words?: string): boolean {
    // A drain that waits for the end of a message may wait for long. Its outcome stays, its patience does not.
    if (this.#outcome !== null && this.#goodbye?.phase !== 'boundary') return false;
    this.#contained(() => {
      this.#decide(reason, 'sluice', null);
      this.#part(this.client, this.#closeFor(this.upstream), closeOf(reason, 'client', words), answerMs);
    });
    return true;
  }

  /** Ends the connection because its user has more than a route allows, and it was idle for longest. */
  evict(configured: number, observed: number): void {
    if (this.#outcome !== null) return;
    const limit = 'connections.max_per_user';
    const violation = { sender: 'client', limit, configured, observed, partial: false, action: 'close' } as const;
    this.#contained(() => {
      this.#note(violation);
      this.#decide(reasonOf(limit), 'sluice', violation);
      this.#part(this.client, this.#closeFor(this.upstream), this.#closeFor(this.client), answerMs);
    });
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
    this.#decide(reason, 'sluice', null);
    this.client.reset();
    this.upstream.reset();
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
    const sender = this.client.inbound.capacity >= this.upstream.inbound.capacity ? 'client' : 'upstream';
    const violation = { sender, limit: 'memory.max_buffered', configured, observed, partial: false } as const;
    this.#contained(() => {
      this.#giveUp(sender === 'client' ? this.upstream : this.client, { ...violation, action: 'close' });
      // A tail that waits for its rate goes too.
      this[sender].inbound.discard();
    });
  }

  /** Its two connections, to be read or not. */
  get sources(): readonly Transport[] {
    return [this.client.source, this.upstream.source];
  }

  /** Whether it has ended for the memory that it held. */
  get isShed(): boolean {
    return this.#outcome?.reason === 'memory';
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
    return this.#outcome;
  }

  get isEnding(): boolean {
    return this.#outcome !== null;
  }

  /**
   * When a payload byte of a data message was last seen, in either direction. Bytes that no tick has seen yet are seen
   * now.
   */
  get lastDataAt(): number {
    return this.#payloadBytes === this.#dataSeen ? this.#lastDataAt : this.#clock.now();
  }

  get #payloadBytes(): number {
    return this.client.inbound.record.payloadBytes + this.upstream.inbound.record.payloadBytes;
  }

  /** Called every tick. */
  tick(now: number): void {
    const { client, upstream, route } = this;
    // Who has left breaks no limit any more.
    for (const leg of [client, upstream]) if (!leg.gone) leg.inbound.tick(now);
    this.noteUse();
    for (const leg of [client, upstream]) {
      if (leg.inbound.pauses.has('answers') && !leg.writer.saying) leg.inbound.answered();
    }
    client.tick(now, upstream.inbound.waitsFor(client.inbound), route.limits.upstream.maxPauseMs);
    upstream.tick(now, client.inbound.waitsFor(upstream.inbound), route.limits.client.maxPauseMs);
    const data = this.#payloadBytes;
    if (data !== this.#dataSeen) {
      this.#dataSeen = data;
      this.#lastDataAt = now;
    }
    this.#goodbye?.tick(now, route.timeouts.closeMs);
    this.#handleHappenings();
    this.#violations.flush();
    if (this.#outcome !== null) return;
    const isIdle = route.idleTimeoutMs > 0 && now - this.#lastDataAt >= route.idleTimeoutMs;
    if (isIdle || this.#lifetime.isOver(now)) this.#endAtBoundary(isIdle ? 'idle_timeout' : 'max_lifetime');
    this.#handleHappenings();
  }

  /**
   * Tells the activity of data messages since the last call. A message counts while it comes, and an empty one counts
   * too. A ping never does.
   */
  noteUse(): void {
    if (this.#activity === null) return;
    const { record } = this.client.inbound;
    const { record: theirs } = this.upstream.inbound;
    const own = record.messages + record.payloadBytes;
    const used = this.#activity.ofUpstream ? own + theirs.messages + theirs.payloadBytes : own;
    if (used === this.#usedSeen) return;
    this.#usedSeen = used;
    this.#activity.seen();
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
        this.#decide('client_vanished', 'sluice', null);
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
        this.#onCloseFrame(leg, happening.payload);
        break;
      case 'fault':
        this.#fail(leg, endingsBy[leg.role].protocolError, null, happening.detail);
        break;
      case 'violation':
        this.#onViolation(happening.violation);
        break;
      case 'answer':
        leg.writer.say(happening.payload);
        break;
      case 'unanswered':
        if (!leg.writer.saying) leg.inbound.answered();
        break;
      case 'boundary':
        this.#goodbye?.closeFirst();
    }
  }

  #onCloseFrame(leg: Leg, payload: Buffer): void {
    const { role } = leg;
    const close = readClose(payload);
    if (!('fault' in close)) {
      tally(this.counters[role].closeCodes, foldCloseCode(close.code));
      this.#onClosed(leg, close.code, close, null);
      return;
    }
    tally(this.counters[role].closeCodes, 'illegal');
    if (role === 'client' || close.code === null) {
      leg.onCloseFrame(close.code);
      this.#fail(leg, endingsBy[role].protocolError, null, close.fault);
      return;
    }
    // Bokeh closes with 10000 and 10001, which no endpoint may send. To its client that is a server that failed.
    const forClient = closeWith(1011, `the upstream closed with ${close.code}`);
    this.#onClosed(leg, close.code, forClient, closeWith(1002, close.fault));
  }

  /** A peer has closed. `answer`: what it hears; `null` passes on what the other side answers. */
  #onClosed(leg: Leg, code: number, forOther: Close, answer: Close | null): void {
    this.#decide(endingsBy[leg.role].closed, leg.role, null);
    leg.onCloseFrame(code);
    const goodbye = this.#goodbye;
    if (goodbye?.phase === 'boundary' && goodbye.last === leg) goodbye.closeFirst();
    else if (goodbye === null || goodbye.phase === 'boundary') this.#part(leg, forOther, answer);
    else if (goodbye.first === leg) goodbye.closeLast(this.#answerFor(goodbye.last, forOther));
  }

  #onViolation(violation: Violation): void {
    this.#note(violation);
    if (violation.action !== 'close') return;
    this.#fail(this[violation.sender], reasonOf(violation.limit), violation);
  }

  /** Drops a receiver that takes nothing, or for which too much waits. */
  #giveUp(receiver: Leg, violation: Violation): void {
    if (this.#outcome === null) {
      this.#note(violation);
      this.#decide(reasonOf(violation.limit), 'sluice', violation);
    }
    receiver.shed();
  }

  /** Counts a violation at once. The registry hears of it, of many together once per tick. */
  #note(violation: Violation): void {
    const { sender, limit, action } = violation;
    tally(this.counters[sender].violations, limit, action);
    this.#violations.note(violation);
  }

  /** A peer sent FIN, or its socket is gone. */
  #onLost(leg: Leg): void {
    const { role } = leg;
    const other = this.#other(leg);
    this.#decide(endingsBy[role].vanished, role, null);
    // Nobody is there any more to get what the other side sends.
    other.inbound.discard();
    const goodbye = this.#goodbye;
    const now = this.#clock.now();
    if (goodbye === null || goodbye.phase === 'boundary') other.close(this.#closeFor(other), false, now);
    else if (goodbye.first === leg) goodbye.closeLast(this.#answerFor(other, unanswered(role, leg.wasCut)));
    // The frame under way to the other side will never be completed, so a close frame behind it would wait for ever.
    if (!other.writer.betweenFrames) other.truncate(now);
  }

  /** A side broke the protocol or a limit. It says nothing more, and hears of it when the other side has answered. */
  #fail(culprit: Leg, reason: ConnectionReason, violation: Violation | null, words?: string): void {
    const other = this.#other(culprit);
    this.#decide(reason, violation === null ? culprit.role : 'sluice', violation);
    // If a drain or a peer's close has begun already, its outcome stays, and the close codes are those of this end.
    const closeFor = ({ role }: Leg) =>
      closeOf(reason, role, violation === null ? words : closeReason(violation, this.routeName));
    const goodbye = this.#goodbye;
    if (goodbye === null || goodbye.phase === 'boundary') {
      this.#part(culprit, closeFor(other), closeFor(culprit), answerMs);
    } else if (goodbye.first === culprit) {
      culprit.inbound.finishFrame();
      goodbye.closeLast(closeFor(other));
    }
  }

  /** One side has sent its last word. The other one hears, and answers. */
  #part(last: Leg, firstHears: Close, lastHears: Close | null, withinMs = Number.POSITIVE_INFINITY): void {
    this.#goodbye?.cancel();
    this.#goodbye = new Goodbye({
      clock: this.#clock,
      first: this.#other(last),
      last,
      firstHears,
      lastHears,
      withinMs,
    });
    this.#goodbye.closeFirst();
  }

  /** Ends the connection for a reason of Sluice's own. No message is cut. */
  #endAtBoundary(reason: 'drain' | 'max_lifetime' | 'operator' | 'idle_timeout'): void {
    this.#decide(reason, 'sluice', null);
    const { client, upstream, route } = this;
    // What the protected side still sends is passed on until it answers the other's close.
    const [first, last] = route.drain.protect === 'client' ? [client, upstream] : [upstream, client];
    const closes = { firstHears: this.#closeFor(first), lastHears: null };
    this.#goodbye = new Goodbye({ clock: this.#clock, first, last, ...closes, withinMs: Number.POSITIVE_INFINITY });
    this.#goodbye.awaitBoundary(first === client ? 'hold' : 'discard', route.timeouts.closeMs);
  }

  #decide(reason: ConnectionReason, by: EndedBy, violation: Violation | null): void {
    this.#outcome ??= { reason, by, violation };
  }

  #answerFor({ role }: Leg, said: Close): Close {
    return answerFor(this.#outcome!, role, said, this.routeName);
  }

  #closeFor({ role }: Leg): Close {
    return closeFor(this.#outcome!, role, this.routeName);
  }

  #other(leg: Leg): Leg {
    return leg === this.client ? this.upstream : this.client;
  }

  #finishIfGone(): void {
    if (this.#finished || !this.client.gone || !this.upstream.gone) return;
    this.#finished = true;
    const now = this.#clock.now();
    const times = { durationMs: now - this.openedAt, lastDataAgeMs: now - this.#lastDataAt };
    // A mistake in one of them keeps nothing that the others give back.
    for (const end of [
      () => this.client.inbound.finish(),
      () => this.upstream.inbound.finish(),
      () => this.noteUse(),
      () => this.#violations.flush(),
      () => this.#release(),
      () => this.#kept?.dispose(),
      () => this.#events.ended(this, reportOf(this.client, this.upstream, this.#outcome!, times)),
    ]) {
      contain(end, () => {});
    }
  }
}
