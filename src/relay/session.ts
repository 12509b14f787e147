/**
 * One connection: two legs, and the decision how it ends. The first cause decides the outcome; what follows only helps
 * both sides to say goodbye.
 *
 *   open ──► goodbye, in turn (goodbye.ts): a close frame, a fault, a limit, a drain ──► both sockets gone ──► report
 *     └────► lost: one leg is reset or has left, the other hears at once ──────────────► both sockets gone ──► report
 */
import type { Route, Sender } from '../config/types.ts';
import { type RouteCounters, tally } from '../metrics/counters.ts';
import { type ConnectionReason, connectionOutcomes, type EndedBy, reasonOfLimit } from '../outcomes.ts';
import { type Close, closeWith, foldCloseCode, readClose } from '../protocol/close.ts';
import { Opcode } from '../protocol/opcodes.ts';
import type { ConnectionAbout, SessionReport, Violation } from '../report.ts';
import { Direction, type DirectionEvents } from './core/direction.ts';
import { Goodbye } from './core/goodbye.ts';
import { Lifetime } from './core/lifetime.ts';
import { verbatim } from './core/stage.ts';
import { ViolationNotes } from './core/violation-notes.ts';
import { explain } from './core/words.ts';
import { Leg, type LegEvents } from './leg.ts';
import type { RelayMemory, SessionInit } from './types.ts';

/**
 * Who broke the protocol or a limit hears of it when the other side has answered, but at the latest after this time: what
 * the other side still says to the messages before is delivered, and who uploads in vain is told soon.
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

/** What ends or has ended a connection. */
export interface Outcome {
  readonly reason: ConnectionReason;
  readonly by: EndedBy;
  readonly violation: Violation | null;
}

export class Session {
  /** What one leg and its direction tell. A class, because ten closures for each would make an idle connection dearer. */
  static readonly #Side = class implements LegEvents, DirectionEvents {
    readonly #session: Session;
    readonly #role: Sender;

    constructor(session: Session, role: Sender) {
      this.#session = session;
      this.#role = role;
    }

    control(opcode: number, payload: Buffer): void {
      this.#session.#onControl(this.#leg, opcode, payload);
    }

    fault(words: string): void {
      this.#session.#fail(this.#leg, `${this.#role}_protocol_error`, null, words);
    }

    exceeded(violation: Violation): void {
      this.#session.#onExceeded(violation);
    }

    noted(violation: Violation): void {
      this.#session.#note(violation);
    }

    drained(): void {
      this.#session[this.#other].inbound.relieve();
    }

    ended(): void {
      this.#session.#onLost(this.#role);
    }

    gone(): void {
      this.#session.#onLost(this.#role);
      this.#session.#finishIfGone();
    }

    dead(): void {
      this.#session.#decide(`${this.#role}_heartbeat`, this.#role, null);
      this.#leg.reset();
    }

    stalled(stalledMs: number): void {
      const sender = this.#other;
      const configured = this.#session.route.limits[sender].maxPauseMs;
      const violation = { sender, limit: 'max_pause', configured, observed: stalledMs, partial: false } as const;
      this.#session.#giveUp(this.#leg, { ...violation, action: 'close' });
    }

    get #leg(): Leg {
      return this.#session[this.#role];
    }

    get #other(): Sender {
      return this.#role === 'client' ? 'upstream' : 'client';
    }
  };

  readonly id: string;
  readonly about: ConnectionAbout;
  readonly client: Leg;
  readonly upstream: Leg;
  route: Route;
  readonly #counters: RouteCounters;
  readonly #release: () => void;
  readonly #events: SessionEvents;
  readonly #violations: ViolationNotes;
  /** When it opened, as `performance.now()` has it. */
  readonly openedAt = performance.now();
  readonly #lifetime: Lifetime;
  #outcome: Outcome | null = null;
  #goodbye: Goodbye | null = null;
  #dataSeen = 0;
  #lastDataAt = this.openedAt;
  #finished = false;

  constructor(init: SessionInit, memory: RelayMemory, events: SessionEvents) {
    const { route, counters } = init;
    this.id = init.id;
    // Not `init` itself: it holds the handshake's sockets, whose handles are taken over.
    this.about = init.about;
    this.route = route;
    this.#counters = counters;
    this.#release = init.release;
    this.#events = events;
    this.#violations = new ViolationNotes({
      first: (violation) => events.violated(this, violation),
      further: (violation, times) => events.violatedAgain(this, violation, times),
    });
    this.#lifetime = new Lifetime(this.openedAt, route.maxLifetimeMs, Math.random());
    const leg = (role: 'client' | 'upstream') => {
      const side = new Session.#Side(this, role);
      const { budget } = memory;
      const direction = { id: init.id, sender: role, route, counters: counters[role], stage: verbatim, memory: budget };
      const inbound = new Direction(direction, side);
      const pingRtt = counters.pingRttSeconds[role];
      return new Leg({ role, input: init[role], route, memory, inbound, pingRtt }, side);
    };
    this.client = leg('client');
    this.upstream = leg('upstream');
    this.client.inbound.connect(this.client.source, this.upstream.writer);
    this.upstream.inbound.connect(this.upstream.source, this.client.writer);
  }

  /** Delivers what came with the handshake, and begins to relay. */
  start(): void {
    this.client.start();
    this.upstream.start();
  }

  /** Gives new limits: buffer limits and times hold at once, the others from each sender's next message. */
  reconfigure(route: Route): void {
    const now = performance.now();
    this.route = route;
    this.#lifetime.change(route.maxLifetimeMs, now);
    this.client.reconfigure(route, now);
    this.upstream.reconfigure(route, now);
  }

  /** Ends the connection so that its client comes back and nothing is lost: see goodbye.ts. */
  drain(reason: 'drain' | 'max_lifetime' | 'operator'): void {
    if (this.#outcome === null) this.#endAtBoundary(reason);
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

  /** All memory is spent: reads no sender whose receiver lags behind. */
  yieldMemory(now: number): void {
    this.client.inbound.yieldMemory(now);
    this.upstream.inbound.yieldMemory(now);
  }

  /** Ends the connection for the memory that it holds, which is free when this returns. */
  shed(configured: number, observed: number): void {
    const sender = this.client.inbound.capacity >= this.upstream.inbound.capacity ? 'client' : 'upstream';
    const violation = { sender, limit: 'memory.max_buffered', configured, observed, partial: false } as const;
    this.#giveUp(sender === 'client' ? this.upstream : this.client, { ...violation, action: 'close' });
    // A tail that waits for its rate goes too.
    this[sender].inbound.discard();
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

  /** When a tick last saw a new payload byte of a data message, either direction. */
  get lastDataAt(): number {
    return this.#lastDataAt;
  }

  /** Called every tick. */
  tick(now: number): void {
    const { client, upstream, route } = this;
    client.inbound.tick(now);
    upstream.inbound.tick(now);
    client.tick(now, upstream.inbound.pauses.waitsForReceiver, route.limits.upstream.maxPauseMs);
    upstream.tick(now, client.inbound.pauses.waitsForReceiver, route.limits.client.maxPauseMs);
    const data = client.inbound.record.payloadBytes + upstream.inbound.record.payloadBytes;
    if (data !== this.#dataSeen) {
      this.#dataSeen = data;
      this.#lastDataAt = now;
    }
    this.#goodbye?.tick(now, route.timeouts.closeMs);
    this.#violations.flush();
    if (this.#outcome !== null) return;
    const isIdle = route.idleTimeoutMs > 0 && now - this.#lastDataAt >= route.idleTimeoutMs;
    if (isIdle) this.#endAtBoundary('idle_timeout');
    else if (this.#lifetime.isOver(now)) this.#endAtBoundary('max_lifetime');
  }

  #onControl(leg: Leg, opcode: number, payload: Buffer): void {
    if (opcode === Opcode.ping) leg.writer.pong(payload);
    else if (opcode === Opcode.pong) leg.onPong(payload);
    else this.#onCloseFrame(leg, payload);
  }

  #onCloseFrame(leg: Leg, payload: Buffer): void {
    const { role } = leg;
    const close = readClose(payload);
    if (!('fault' in close)) {
      tally(this.#counters[role].closeCodes, foldCloseCode(close.code));
      this.#onClosed(leg, close.code, close, null);
      return;
    }
    tally(this.#counters[role].closeCodes, 'illegal');
    if (role === 'client' || close.code === null) {
      leg.onCloseFrame(close.code);
      this.#fail(leg, `${role}_protocol_error`, null, close.fault);
      return;
    }
    // Bokeh really closes with 10000 and 10001: for its client that is a server that failed.
    const forClient = closeWith(1011, `the upstream closed with ${close.code}`);
    this.#onClosed(leg, close.code, forClient, closeWith(1002, close.fault));
  }

  /** A peer has closed. `answer`: what it hears, `null` for what the other side answers. */
  #onClosed(leg: Leg, code: number, forOther: Close, answer: Close | null): void {
    this.#decide(`${leg.role}_closed`, leg.role, null);
    leg.onCloseFrame(code);
    const goodbye = this.#goodbye;
    if (goodbye?.phase === 'boundary' && goodbye.last === leg) goodbye.ask();
    else if (goodbye === null || goodbye.phase === 'boundary') this.#part(leg, forOther, answer);
    else if (goodbye.first === leg) goodbye.tell(this.#answerFor(goodbye.last, forOther));
  }

  #onExceeded(violation: Violation): void {
    this.#note(violation);
    const reason = reasonOfLimit[violation.limit as keyof typeof reasonOfLimit];
    this.#fail(this[violation.sender], reason, violation);
  }

  /** Drops a receiver, because it takes nothing or because of what waits for it. */
  #giveUp(receiver: Leg, violation: Violation): void {
    if (this.#outcome === null) {
      this.#note(violation);
      this.#decide(reasonOfLimit[violation.limit as keyof typeof reasonOfLimit], 'sluice', violation);
    }
    receiver.shed();
  }

  /** A violation is counted at once; the registry hears of it. */
  #note(violation: Violation): void {
    const { sender, limit, action } = violation;
    tally(this.#counters[sender].violations, limit, action);
    this.#violations.note(violation);
  }

  /** A peer sent FIN, or its socket is gone. */
  #onLost(role: Sender): void {
    const leg = this[role];
    const other = this.#other(leg);
    this.#decide(`${role}_vanished`, role, null);
    // Nobody is there any more for what the other side sends.
    other.inbound.discard();
    const goodbye = this.#goodbye;
    const now = performance.now();
    if (goodbye === null || goodbye.phase === 'boundary') other.close(this.#closeFor(other), false, now);
    else if (goodbye.first === leg) goodbye.tell(this.#answerFor(other, unanswered(leg, other)));
    // A close frame that waits for a frame to be completed would wait for ever.
    if (!other.writer.betweenFrames) other.truncate(now);
  }

  /** A side broke the protocol or a limit: it says nothing more, and hears when the other side has answered. */
  #fail(culprit: Leg, reason: ConnectionReason, violation: Violation | null, words?: string): void {
    const other = this.#other(culprit);
    this.#decide(reason, violation === null ? culprit.role : 'sluice', violation);
    // Also where a drain or a peer's close has begun: then the outcome stays, and the codes are those of this end.
    const closeFor = ({ role }: Leg) => closeOf(reason, role, violation === null ? words : this.#explain(violation));
    const goodbye = this.#goodbye;
    if (goodbye === null || goodbye.phase === 'boundary') {
      this.#part(culprit, closeFor(other), closeFor(culprit), answerMs);
    } else if (goodbye.first === culprit) {
      culprit.inbound.finishFrame();
      goodbye.tell(closeFor(other));
    }
  }

  /** One side has sent its last word: the other one hears, and answers. */
  #part(last: Leg, firstHears: Close, lastHears: Close | null, withinMs = Number.POSITIVE_INFINITY): void {
    this.#goodbye?.cancel();
    this.#goodbye = new Goodbye({ first: this.#other(last), last, firstHears, lastHears, withinMs });
    this.#goodbye.ask();
  }

  /** Ends the connection for a reason of ours; no message is cut. */
  #endAtBoundary(reason: 'drain' | 'max_lifetime' | 'operator' | 'idle_timeout'): void {
    this.#decide(reason, 'sluice', null);
    const { client, upstream, route } = this;
    // What the protected side still sends is passed on until it answers the other's close.
    const [first, last] = route.drain.protect === 'client' ? [client, upstream] : [upstream, client];
    const firstHears = this.#closeFor(first);
    this.#goodbye = new Goodbye({ first, last, firstHears, lastHears: null, withinMs: Number.POSITIVE_INFINITY });
    this.#goodbye.awaitBoundary(first === client ? 'hold' : 'discard', route.timeouts.closeMs);
  }

  #explain(violation: Violation): string {
    return explain(violation, this.routeName);
  }

  #decide(reason: ConnectionReason, by: EndedBy, violation: Violation | null): void {
    this.#outcome ??= { reason, by, violation };
  }

  /** What a side hears last: what the other one said, unless Sluice ends the connection. */
  #answerFor(last: Leg, said: Close): Close {
    return this.#outcome!.by === 'sluice' ? this.#closeFor(last) : said;
  }

  /** The close that the outcome has for a leg. */
  #closeFor(leg: Leg): Close {
    const { reason, violation } = this.#outcome!;
    return closeOf(reason, leg.role, violation === null ? undefined : this.#explain(violation));
  }

  #other(leg: Leg): Leg {
    return leg === this.client ? this.upstream : this.client;
  }

  #finishIfGone(): void {
    if (this.#finished || !this.client.gone || !this.upstream.gone) return;
    this.#finished = true;
    this.client.inbound.finish();
    this.upstream.inbound.finish();
    this.#violations.flush();
    const { reason, by, violation } = this.#outcome!;
    const legs = [this.client, this.upstream];
    const now = performance.now();
    tally(this.#counters.closed, by, reason);
    this.#counters.connectionSeconds.observe((now - this.openedAt) / 1000, this.id);
    this.#release();
    this.#events.ended(this, {
      durationMs: now - this.openedAt,
      client: this.client.inbound.report(),
      upstream: this.upstream.inbound.report(),
      closedBy: by,
      reason,
      codes: {
        sentToClient: this.client.sent,
        receivedFromClient: this.client.received,
        sentToUpstream: this.upstream.sent,
        receivedFromUpstream: this.upstream.received,
      },
      violation,
      cut: legs.filter((leg) => leg.wasCut).map((leg) => leg.role),
      incomplete: legs.filter((leg) => leg.writer.inMessage).map((leg) => leg.role),
      undeliveredBytes: this.client.inbound.undeliveredBytes + this.upstream.inbound.undeliveredBytes,
      lastDataAgeMs: now - this.#lastDataAt,
    });
  }
}

/** What a side hears whose close the other one did not answer. */
function unanswered(leg: Leg, other: Leg): Close {
  const words = leg.wasCut ? `the ${leg.role} did not answer the close in time` : undefined;
  return closeOf(`${leg.role}_vanished`, other.role, words);
}

/** The close that the catalogue has for a leg. Where it says to pass the peer's own on, that peer is gone. */
function closeOf(reason: ConnectionReason, role: Sender, words?: string): Close {
  const row = connectionOutcomes[reason];
  return closeWith(row[role] === 0 ? 1001 : row[role], words ?? row.words);
}
