/**
 * One connection: two legs, and the decision how it ends. The first cause decides the outcome; what follows only helps
 * both legs to say goodbye.
 *
 *   open ──► ending: each leg is closing, or cut ──► both sockets gone ──► report
 *     └────► draining: one side hears its close first and what it still sends is relayed ──► ending
 */
import type { Route, Sender } from '../config/types.ts';
import { type RouteCounters, tally } from '../metrics/counters.ts';
import { type ConnectionReason, connectionOutcomes, type EndedBy, reasonOfLimit } from '../outcomes.ts';
import { type Close, closeWith, foldCloseCode, readClose } from '../protocol/close.ts';
import { Opcode } from '../protocol/opcodes.ts';
import type { ConnectionAbout, SessionReport, Violation } from '../report.ts';
import { Direction, type DirectionEvents } from './direction.ts';
import { Leg, type LegEvents } from './leg.ts';
import { Lifetime } from './lifetime.ts';
import { verbatim } from './stage.ts';
import type { RelayMemory, SessionInit } from './types.ts';
import { ViolationNotes } from './violation-notes.ts';
import { explain } from './words.ts';

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
      this.#session.#end(`${this.#role}_protocol_error`, this.#role, null, words);
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
  /** The direction whose message a drain waits for, its bytes so far, and since when they are no more. */
  #boundary: { readonly of: Direction; readonly bytes: number; readonly since: number } | null = null;
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
      const direction = { sender: role, route, counters: counters[role], stage: verbatim, memory: budget };
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

  /** Ends the connection so that its client comes back and nothing is lost: see the diagram. */
  drain(reason: 'drain' | 'max_lifetime' | 'operator'): void {
    if (this.#outcome !== null) return;
    this.#decide(reason, 'sluice', null);
    const { client, upstream } = this;
    // What the protected side still sends is relayed until it answers the other's close, and then it is closed too.
    const [first, last] = this.route.drain.protect === 'client' ? [client, upstream] : [upstream, client];
    const reading = first === client ? 'hold' : 'discard';
    this.#boundary = { of: last.inbound, bytes: last.inbound.wireBytes, since: performance.now() };
    last.inbound.stopAfterMessage(reading, () => {
      this.#boundary = null;
      first.close(this.#closeFor(first), false, performance.now());
    });
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
    this.#tickBoundary(now);
    this.#violations.flush();
    if (this.#outcome !== null) return;
    if (route.idleTimeoutMs > 0 && now - this.#lastDataAt >= route.idleTimeoutMs) this.#end('idle_timeout', 'sluice');
    else if (this.#lifetime.isOver(now)) this.drain('max_lifetime');
  }

  /** A message that is not continued for `timeouts.close` does not hold a drain up any longer. */
  #tickBoundary(now: number): void {
    const boundary = this.#boundary;
    if (boundary === null) return;
    const { of: direction, bytes, since } = boundary;
    if (direction.paused || direction.wireBytes !== bytes) {
      this.#boundary = { of: direction, bytes: direction.wireBytes, since: now };
    } else if (now - since >= this.route.timeouts.closeMs) {
      this.#boundary = null;
      this.#closeBoth(this.client, this.#closeFor(this.client), this.#closeFor(this.upstream));
    }
  }

  #onControl(leg: Leg, opcode: number, payload: Buffer): void {
    if (opcode === Opcode.ping) leg.writer.pong(payload);
    else if (opcode === Opcode.pong) leg.onPong(payload);
    else this.#onCloseFrame(leg, payload);
  }

  #onCloseFrame(leg: Leg, payload: Buffer): void {
    const { role } = leg;
    const other = this.#other(leg);
    const close = readClose(payload);
    if ('fault' in close) {
      tally(this.#counters[role].closeCodes, 'illegal');
      leg.received = close.code;
      if (role === 'client' || close.code === null) {
        this.#end(`${role}_protocol_error`, role, null, close.fault);
        return;
      }
      // Bokeh really closes with 10000 and 10001: for its client that is a server that failed.
      this.#decide('upstream_closed', 'upstream', null);
      this.#closeBoth(leg, closeWith(1002, close.fault), closeWith(1011, `the upstream closed with ${close.code}`));
      leg.onCloseFrame(close.code);
      return;
    }
    tally(this.#counters[role].closeCodes, foldCloseCode(close.code));
    const first = this.#outcome === null;
    this.#decide(`${role}_closed`, role, null);
    leg.onCloseFrame(close.code);
    const answer = { code: close.code, reason: Buffer.alloc(0) };
    this.#closeBoth(leg, answer, first ? close : this.#closeFor(other));
  }

  #onExceeded(violation: Violation): void {
    this.#note(violation);
    const reason = reasonOfLimit[violation.limit as keyof typeof reasonOfLimit];
    this.#end(reason, 'sluice', violation);
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
  #onLost(role: 'client' | 'upstream'): void {
    const leg = this[role];
    const other = this.#other(leg);
    if (leg.received === null && !leg.closing) this.#decide(`${role}_vanished`, role, null);
    // Nobody is there any more for what the other side sends.
    other.inbound.discard();
    const now = performance.now();
    other.close(this.#closeFor(other), false, now);
    // A close frame that waits for a frame to be completed would wait for ever.
    if (!other.writer.betweenFrames) other.truncate(now);
  }

  /** Ends the connection, also where a drain has begun: then its outcome stays, and the codes are those of this end. */
  #end(reason: ConnectionReason, by: EndedBy, violation: Violation | null = null, words?: string): void {
    this.#decide(reason, by, violation);
    const culprit = by === 'upstream' ? this.upstream : this.client;
    const closeFor = (leg: Leg) => closeOf(reason, leg.role, violation === null ? words : this.#explain(violation));
    this.#closeBoth(culprit, closeFor(culprit), closeFor(this.#other(culprit)));
  }

  #explain(violation: Violation): string {
    return explain(violation, this.routeName);
  }

  #decide(reason: ConnectionReason, by: EndedBy, violation: Violation | null): void {
    this.#outcome ??= { reason, by, violation };
  }

  #closeBoth(leg: Leg, close: Close, otherClose: Close): void {
    const other = this.#other(leg);
    const now = performance.now();
    leg.inbound.finishFrame();
    other.inbound.finishFrame();
    leg.close(close, !other.gone, now);
    other.close(otherClose, !leg.gone, now);
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
    const now = performance.now();
    tally(this.#counters.closed, by, reason);
    this.#counters.connectionSeconds.observe((now - this.openedAt) / 1000);
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
      cut: [this.client, this.upstream].filter((leg) => leg.cut).map((leg) => leg.role),
      undeliveredBytes: this.client.inbound.undeliveredBytes + this.upstream.inbound.undeliveredBytes,
      lastDataAgeMs: now - this.#lastDataAt,
    });
  }
}

/** The close that the catalogue has for a leg. Where it says to pass the peer's own on, that peer is gone. */
function closeOf(reason: ConnectionReason, role: Sender, words?: string): Close {
  const row = connectionOutcomes[reason];
  return closeWith(row[role] === 0 ? 1001 : row[role], words ?? row.words);
}
