/**
 * Takes a running gateway away.
 *
 *   announce ──► close ──► finish ──► over
 *      └───────────┴─ cut ───┴───────► over
 *
 * announce  /readyz says 503; everything is still accepted, until load balancers have noticed
 * close     handshakes get 503; connections are closed at their slots or left alone (schedule.ts)
 * finish    no connection is left; nothing more is accepted, and HTTP requests under way come to their end
 * cut       a second before the last deadline: whoever is left hears 1012
 */
import type { Route } from '../config/types.ts';
import type { Log } from '../observe/log/log.ts';
import type { SessionReport } from '../observe/report.ts';
import type { Crowd } from '../relay/roster.ts';
import { toUnix } from '../wall-clock.ts';
import { announceEnd, assignSlots, type DrainTimes, deadlineOf, lastWordsMs, type Slot } from './schedule.ts';

/** What asked for a drain: a signal, the API, or a program that stops its own gateway. */
export type DrainCause = 'SIGTERM' | 'SIGINT' | 'api' | 'stop';

export type DrainPhase = 'announce' | 'close' | 'cut' | 'finish';

/** How the connections of a drain ended. */
export interface DrainCounts {
  /** That were open when it began, or opened meanwhile. */
  readonly connections: number;
  /** Ended before their slot, or for another reason than the drain. */
  readonly endedThemselves: number;
  /** Heard 1012. */
  readonly sentAway: number;
  /** Were reset at their deadline, or did not take the close frame. */
  readonly cut: number;
}

/** A drain that is under way. */
export interface DrainState {
  readonly phase: DrainPhase;
  readonly cause: DrainCause;
  /** Unix time, ms. */
  readonly startedAtMs: number;
  /** When the phase `close` begins or began. */
  readonly closesAtMs: number;
  /** When whatever is left is cut. */
  readonly deadlineAtMs: number;
  /** Connections that are still open. */
  readonly connections: number;
  /** Handshakes and HTTP requests under way. */
  readonly requests: number;
  readonly counts: DrainCounts;
}

/** A connection, as far as a drain needs it. */
export interface DrainTarget {
  readonly route: Route;
  /** When it last had data, as `performance.now()` has it. */
  readonly lastDataAt: number;
  drain(reason: 'drain'): void;
  cut(reason: 'drain'): void;
}

/** What a drain works on. */
export interface DrainParts<T extends DrainTarget> {
  readonly log: Log;
  readonly sessions: () => Crowd<T>;
  readonly front: {
    /** Handshakes that are not over. */
    readonly handshakes: number;
    /** Closes connections behind their next answer. */
    endKeepAlive(): void;
    /** Refuses new handshakes. */
    refuseHandshakes(): void;
    /** Accepts no connection more. */
    stopAccepting(): void;
  };
  readonly requests: {
    /** Requests that have not ended. */
    readonly active: number;
    /** Cuts those off whose route says so. How many. */
    abort(isOver: (route: Route) => boolean): number;
  };
}

/** Finer than anybody could tell from the outside. */
const tickMs = 25;
/** A drain that waits for somebody says so this often. */
const progressMs = 10_000;

export class Drain<T extends DrainTarget> {
  /** Resolves when all are gone. What does not go at its deadline is still there, if it is no WebSocket. */
  readonly over: Promise<DrainCounts>;
  readonly #parts: DrainParts<T>;
  readonly #cause: DrainCause;
  readonly #startedAt = performance.now();
  #lastDeadlineMs: number;
  readonly #slots = new Map<T, Slot>();
  readonly #resolve: (counts: DrainCounts) => void;
  readonly #announceMs: number;
  #timer: NodeJS.Timeout | undefined;
  #phase: DrainPhase = 'announce';
  #closingAt: number;
  #limitAt = Number.POSITIVE_INFINITY;
  #leastAt = Number.NEGATIVE_INFINITY;
  #saidAt = this.#startedAt;
  #counts: DrainCounts;
  #requestsCut = 0;
  #ended = false;

  /** `routes` are those in force; connections may have others. */
  constructor(parts: DrainParts<T>, cause: DrainCause, announceMs: number, routes: readonly Route[]) {
    this.#parts = parts;
    this.#cause = cause;
    const deadlines = deadlinesOf(routes);
    this.#lastDeadlineMs = Math.max(...deadlines);
    this.#closingAt = announceEnd(this.#startedAt, announceMs, deadlines);
    this.#counts = { connections: parts.sessions().size, endedThemselves: 0, sentAway: 0, cut: 0 };
    const { promise, resolve } = Promise.withResolvers<DrainCounts>();
    this.over = promise;
    this.#resolve = resolve;
    this.#announceMs = announceMs;
  }

  /** Begins. */
  start(): void {
    this.#parts.front.endKeepAlive();
    this.#timer = setInterval(() => this.#tick(), tickMs);
    if (this.#announceMs > 0) this.#say();
    this.#tick();
  }

  get state(): DrainState {
    const unixMs = (at: number) => Math.round(at + toUnix());
    return {
      phase: this.#phase,
      cause: this.#cause,
      startedAtMs: unixMs(this.#startedAt),
      closesAtMs: unixMs(this.#closingAt),
      deadlineAtMs: unixMs(deadlineOf(this.#lastDeadlineMs, this.#times)),
      connections: this.#parts.sessions().size,
      requests: this.#requests,
      counts: this.#counts,
    };
  }

  /** Somebody else has asked for it too: nothing changes, and the log says how far it is. */
  join(cause: DrainCause): void {
    if (!this.#ended) this.#say({ joined_by: cause });
  }

  /** Another configuration is in force: connections that have not been told to go are drained as it says. */
  reconfigure(routes: readonly Route[]): void {
    if (this.#ended) return;
    const now = performance.now();
    const deadlines = deadlinesOf(routes);
    // A deadline that is over already leaves time for last words, but no more than there was.
    this.#leastAt = Math.min(now + lastWordsMs, deadlineOf(this.#lastDeadlineMs, this.#times));
    this.#lastDeadlineMs = Math.max(...deadlines);
    if (this.#phase === 'announce') {
      this.#closingAt = Math.max(now, announceEnd(this.#startedAt, this.#announceMs, deadlines));
    }
    const untold = [...this.#slots].filter(([, { closeAt }]) => closeAt > now);
    this.#plan(untold.map(([session]) => session));
  }

  /** Moves every deadline to `withinMs` from now, and closes at once what is still open. */
  hasten(withinMs = lastWordsMs): void {
    if (this.#ended) return;
    const now = performance.now();
    this.#limitAt = Math.min(this.#limitAt, now + withinMs);
    this.#closingAt = Math.min(this.#closingAt, now);
    for (const [session, { closeAt, cutAt }] of this.#slots) {
      this.#slots.set(session, { closeAt: Math.min(closeAt, now), cutAt: Math.min(cutAt, this.#limitAt) });
    }
    this.#tick();
  }

  /** A handshake was complete: before they were refused, or just when they were. */
  opened(session: T): void {
    this.#counts = { ...this.#counts, connections: this.#counts.connections + 1 };
    if (this.#phase !== 'announce') this.#plan([session]);
  }

  /** A connection is gone. */
  ended(session: T, { reason, cut }: Pick<SessionReport, 'reason' | 'cut'>): void {
    this.#slots.delete(session);
    const how = reason !== 'drain' ? 'endedThemselves' : cut.includes('client') ? 'cut' : 'sentAway';
    this.#counts = { ...this.#counts, [how]: this.#counts[how] + 1 };
  }

  get #times(): DrainTimes {
    return {
      startedAt: this.#startedAt,
      closingAt: this.#closingAt,
      limitAt: this.#limitAt,
      leastAt: this.#leastAt,
    };
  }

  get #requests(): number {
    return this.#parts.front.handshakes + this.#parts.requests.active;
  }

  #tick(): void {
    const now = performance.now();
    if (this.#phase === 'announce' && now >= this.#closingAt) this.#close();
    for (const [session, slot] of this.#slots) {
      if (now >= slot.cutAt) session.cut('drain');
      else if (now >= slot.closeAt) session.drain('drain');
    }
    const isOver = (route: Route) => now >= deadlineOf(route.drain.deadlineMs, this.#times);
    this.#requestsCut += this.#parts.requests.abort(isOver);
    if (this.#phase !== 'announce' && this.#advance(now)) this.#end();
    else if (now - this.#saidAt >= progressMs) this.#say();
  }

  /** Goes on to the next phase when it is time. Whether all is over. */
  #advance(now: number): boolean {
    const { front, requests, sessions } = this.#parts;
    const deadlineAt = deadlineOf(this.#lastDeadlineMs, this.#times);
    if (this.#phase === 'close' && now >= deadlineAt - lastWordsMs) this.#enter('cut');
    if (sessions().size > 0) return false;
    if (front.handshakes === 0 && this.#phase !== 'finish') {
      front.stopAccepting();
      if (requests.active > 0) this.#enter('finish');
    }
    return this.#requests === 0 || now >= deadlineAt;
  }

  #close(): void {
    this.#parts.front.refuseHandshakes();
    this.#enter('close');
    this.#plan([...this.#parts.sessions()]);
  }

  #plan(sessions: readonly T[]): void {
    const now = performance.now();
    const candidates = sessions.map(({ route, lastDataAt }) => ({
      route: route.name,
      rule: { ...route.drain, closeMs: route.timeouts.closeMs },
      idleMs: now - lastDataAt,
    }));
    const slots = assignSlots(candidates, this.#times, now, Math.random);
    for (const [i, session] of sessions.entries()) this.#slots.set(session, slots[i]!);
  }

  #enter(phase: DrainPhase): void {
    this.#phase = phase;
    this.#say();
  }

  #say(more: object = {}): void {
    this.#saidAt = performance.now();
    const { phase, cause, connections, requests } = this.state;
    // Not of the time of day, which may be set while it drains.
    const deadline_s = Math.round((deadlineOf(this.#lastDeadlineMs, this.#times) - this.#saidAt) / 1000);
    this.#parts.log.tell('draining', { phase, cause, ...more, connections, requests, deadline_s }, phase);
  }

  #end(): void {
    clearInterval(this.#timer);
    this.#ended = true;
    const { connections, endedThemselves, sentAway, cut } = this.#counts;
    this.#parts.log.tell('drained', {
      cause: this.#cause,
      duration_s: Math.round(performance.now() - this.#startedAt) / 1000,
      connections,
      ended_themselves: endedThemselves,
      sent_away: sentAway,
      cut,
      requests_cut: this.#requestsCut,
    });
    this.#resolve(this.#counts);
  }
}

function deadlinesOf(routes: readonly Route[]): number[] {
  return routes.map(({ drain }) => drain.deadlineMs);
}
