/**
 * How a session ends. The first cause decides the outcome; what follows only helps both sides to say goodbye.
 *
 *   open ──► goodbye, in turn (goodbye.ts): a close frame, a fault, a limit, a drain ──► both sockets gone
 *     └────► lost: one leg is reset or has left, the other hears at once ──────────────► both sockets gone
 */
import { type ConnectionReason, type EndedBy, type EndReason, reasonOf } from '../catalogue/outcomes.ts';
import type { Route } from '../config/types.ts';
import { type RouteCounters, tally } from '../observe/metrics/counters.ts';
import type { Violation } from '../observe/report.ts';
import { type Close, closeWith, foldCloseCode, readClose } from '../websocket/close.ts';
import type { Clock } from './core/clock.ts';
import { closeReason } from './core/close-reason.ts';
import { answerFor, closeFor, closeOf, endingsBy, type Outcome, unanswered } from './core/ending.ts';
import { Goodbye } from './core/goodbye.ts';
import type { ViolationNotes } from './core/violation-notes.ts';
import type { Leg } from './leg.ts';

/**
 * How long a side that broke the protocol or a limit may wait to hear of it. What the other side still says to the
 * messages before is delivered first. A client that uploads in vain is told soon all the same.
 */
const answerMs = 1000;

/** What Sluice ends at a message boundary. */
export type BoundaryReason = 'drain' | 'max_lifetime' | 'operator' | 'idle_timeout';

export interface SessionEndInit {
  readonly client: Leg;
  readonly upstream: Leg;
  readonly route: Route;
  readonly counters: RouteCounters;
  readonly violations: ViolationNotes;
  readonly clock: Clock;
}

export class SessionEnd {
  readonly #client: Leg;
  readonly #upstream: Leg;
  readonly #counters: RouteCounters;
  readonly #violations: ViolationNotes;
  readonly #clock: Clock;
  #route: Route;
  #outcome: Outcome | null = null;
  #goodbye: Goodbye<Leg> | null = null;

  constructor(init: SessionEndInit) {
    this.#client = init.client;
    this.#upstream = init.upstream;
    this.#route = init.route;
    this.#counters = init.counters;
    this.#violations = init.violations;
    this.#clock = init.clock;
  }

  /** Gives new times and another name for the route; a goodbye that is under way keeps its order. */
  reconfigure(route: Route): void {
    this.#route = route;
  }

  /** How the session ends, from when that is decided; `null` before. */
  get outcome(): Outcome | null {
    return this.#outcome;
  }

  /** Called every tick. */
  tick(now: number): void {
    this.#goodbye?.tick(now, this.#route.timeouts.closeMs);
  }

  /** Decides the outcome, unless something else has. */
  decide(reason: ConnectionReason, by: EndedBy, violation: Violation | null): void {
    this.#outcome ??= { reason, by, violation };
  }

  /** For a reason of Sluice's own. No message is cut. */
  atBoundary(reason: BoundaryReason): void {
    this.decide(reason, 'sluice', null);
    // What the protected side still sends is passed on until it answers the other's close.
    const [first, last] =
      this.#route.drain.protect === 'client' ? [this.#client, this.#upstream] : [this.#upstream, this.#client];
    const closes = { firstHears: this.#closeFor(first), lastHears: null };
    this.#goodbye = new Goodbye({ clock: this.#clock, first, last, ...closes, withinMs: Number.POSITIVE_INFINITY });
    this.#goodbye.awaitBoundary(first === this.#client ? 'hold' : 'discard', this.#route.timeouts.closeMs);
  }

  /**
   * Whether `dismiss` still ends it. A drain that waits for the end of a message may wait for long: its outcome stays,
   * its patience does not.
   */
  get dismissible(): boolean {
    return this.#outcome === null || this.#goodbye?.phase === 'boundary';
  }

  /** The client may not stay. `words` replace the catalogue's. */
  dismiss(reason: EndReason, words?: string): void {
    this.decide(reason, 'sluice', null);
    this.#part(this.#client, this.#closeFor(this.#upstream), closeOf(reason, 'client', words), answerMs);
  }

  /** The client's user has more connections than a route allows. */
  evict(configured: number, observed: number): void {
    const limit = 'connections.max_per_user';
    const violation = { sender: 'client', limit, configured, observed, partial: false, action: 'close' } as const;
    this.#note(violation);
    this.decide(reasonOf(limit), 'sluice', violation);
    this.#part(this.#client, this.#closeFor(this.#upstream), this.#closeFor(this.#client), answerMs);
  }

  /** For the memory that it holds, which is free when this returns. */
  shed(configured: number, observed: number): void {
    const clientHolds = this.#client.inbound.capacity >= this.#upstream.inbound.capacity;
    const [sender, receiver] = clientHolds ? [this.#client, this.#upstream] : [this.#upstream, this.#client];
    const limit = 'memory.max_buffered';
    const violation = { sender: sender.role, limit, configured, observed, partial: false, action: 'close' } as const;
    this.#giveUp(receiver, violation);
    // A tail that waits for its rate goes too.
    sender.inbound.discard();
  }

  /** Drops both legs at once. */
  cut(reason: ConnectionReason): void {
    this.decide(reason, 'sluice', null);
    this.#client.reset();
    this.#upstream.reset();
  }

  /** A peer's close frame is here. */
  closed(leg: Leg, payload: Buffer): void {
    const { role } = leg;
    const close = readClose(payload);
    if (!('fault' in close)) {
      tally(this.#counters[role].closeCodes, foldCloseCode(close.code));
      this.#passClose(leg, close.code, close, null);
      return;
    }
    tally(this.#counters[role].closeCodes, 'illegal');
    if (role === 'client' || close.code === null) {
      leg.onCloseFrame(close.code);
      this.#fail(leg, endingsBy[role].protocolError, null, close.fault);
      return;
    }
    // Bokeh closes with 10000 and 10001, which no endpoint may send. To its client that is a server that failed.
    const forClient = closeWith(1011, `the upstream closed with ${close.code}`);
    this.#passClose(leg, close.code, forClient, closeWith(1002, close.fault));
  }

  /** A peer broke the protocol. */
  broken(leg: Leg, detail: string): void {
    this.#fail(leg, endingsBy[leg.role].protocolError, null, detail);
  }

  /** A peer exceeded a limit. With `action: close` that ends it. */
  exceeded(leg: Leg, violation: Violation): void {
    this.#note(violation);
    if (violation.action === 'close') this.#fail(leg, reasonOf(violation.limit), violation);
  }

  /** The message that a drain waited for is complete. */
  boundary(): void {
    this.#goodbye?.closeFirst();
  }

  /** A peer has left without a close frame, or its transport is gone. */
  lost(leg: Leg): void {
    const { role } = leg;
    const other = this.#other(leg);
    this.decide(endingsBy[role].vanished, role, null);
    // Nobody is there any more to get what the other side sends.
    other.inbound.discard();
    const goodbye = this.#goodbye;
    const now = this.#clock.now();
    if (goodbye === null || goodbye.phase === 'boundary') other.close(this.#closeFor(other), false, now);
    else if (goodbye.first === leg) goodbye.closeLast(this.#answerFor(other, unanswered(role, leg.wasCut)));
    // The frame under way to the other side will never be completed, so a close frame behind it would wait for ever.
    if (!other.writer.betweenFrames) other.truncate(now);
  }

  /** A peer answers no ping. */
  dead(leg: Leg): void {
    this.decide(endingsBy[leg.role].heartbeat, leg.role, null);
    // A peer that wakes up within `timeouts.close` finds the reason there, behind what the kernel holds for it.
    leg.giveUp(this.#closeFor(leg));
    this.lost(leg);
  }

  /** A peer has taken nothing for `stalledMs`, which is as long as `max_pause` of the other side or longer. */
  stalled(leg: Leg, stalledMs: number): void {
    const sender = this.#other(leg).role;
    const configured = this.#route.limits[sender].maxPauseMs;
    const limit = 'max_pause';
    this.#giveUp(leg, { sender, limit, configured, observed: stalledMs, partial: false, action: 'close' });
  }

  /** A peer has closed. `answer`: what it hears; `null` passes on what the other side answers. */
  #passClose(leg: Leg, code: number, forOther: Close, answer: Close | null): void {
    this.decide(endingsBy[leg.role].closed, leg.role, null);
    leg.onCloseFrame(code);
    const goodbye = this.#goodbye;
    if (goodbye?.phase === 'boundary' && goodbye.last === leg) goodbye.closeFirst();
    else if (goodbye === null || goodbye.phase === 'boundary') this.#part(leg, forOther, answer);
    else if (goodbye.first === leg) goodbye.closeLast(this.#answerFor(goodbye.last, forOther));
  }

  /** A side broke the protocol or a limit. It says nothing more, and hears of it when the other side has answered. */
  #fail(culprit: Leg, reason: ConnectionReason, violation: Violation | null, words?: string): void {
    const other = this.#other(culprit);
    this.decide(reason, violation === null ? culprit.role : 'sluice', violation);
    // If a drain or a peer's close has begun already, its outcome stays, and the close codes are those of this end.
    const hears = violation === null ? words : closeReason(violation, this.#route.name);
    const closeFor = ({ role }: Leg) => closeOf(reason, role, hears);
    const goodbye = this.#goodbye;
    if (goodbye === null || goodbye.phase === 'boundary') {
      this.#part(culprit, closeFor(other), closeFor(culprit), answerMs);
    } else if (goodbye.first === culprit) {
      culprit.inbound.finishFrame();
      goodbye.closeLast(closeFor(other));
    }
  }

  /** Drops a receiver that takes nothing, or for which too much waits. */
  #giveUp(receiver: Leg, violation: Violation): void {
    if (this.#outcome === null) {
      this.#note(violation);
      this.decide(reasonOf(violation.limit), 'sluice', violation);
    }
    receiver.shed();
  }

  /** Counts a violation at once. The registry hears of it, of many together once per tick. */
  #note(violation: Violation): void {
    const { sender, limit, action } = violation;
    tally(this.#counters[sender].violations, limit, action);
    this.#violations.note(violation);
  }

  /** One side has sent its last word. The other one hears, and answers. */
  #part(last: Leg, firstHears: Close, lastHears: Close | null, withinMs = Number.POSITIVE_INFINITY): void {
    this.#goodbye?.cancel();
    const first = this.#other(last);
    this.#goodbye = new Goodbye({ clock: this.#clock, first, last, firstHears, lastHears, withinMs });
    this.#goodbye.closeFirst();
  }

  #answerFor({ role }: Leg, said: Close): Close {
    return answerFor(this.#outcome!, role, said, this.#route.name);
  }

  #closeFor({ role }: Leg): Close {
    return closeFor(this.#outcome!, role, this.#route.name);
  }

  #other(leg: Leg): Leg {
    return leg === this.#client ? this.#upstream : this.#client;
  }
}
