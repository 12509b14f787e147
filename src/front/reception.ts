/**
 * Where both lanes bring their visits: the steps of the route judge each, and whoever is not admitted is recorded here.
 *
 *   received ─► steps ─► admitted
 *      │          └────► turned away
 *      └ a step waits ─► admitted, turned away, or given up: the client has left, or the gateway shuts down
 *
 * Where no step waits, all is over when `receive` returns.
 */
import type { Socket } from 'node:net';
import { describePressure, Holding, type MemoryLedger } from '../admission/memory.ts';
import { admit } from '../admission/steps.ts';
import type { Refused, Verdict } from '../admission/verdict.ts';
import type { Visit } from '../admission/visit.ts';
import type { Route } from '../config/types.ts';
import { contain } from '../mistakes.ts';
import type { Log } from '../observe/log/log.ts';
import { forgetKernelQueues, peerEnd } from '../relay/transport/kernel-queue.ts';
import type { Recorder } from './recorder.ts';

declare const byReception: unique symbol;

/**
 * A visit that the steps of its route have admitted. The reception alone makes one, and nothing is forwarded without
 * one.
 */
export type AdmittedVisit = Visit & { readonly [byReception]: true };

/** The lane's side of a visit. One of these is called, once. */
export interface VisitHost {
  admitted(visit: AdmittedVisit): void;
  /** It is recorded; the client gets its answer. */
  turnedAway(visit: Visit, refused: Refused): void;
  /** It is recorded; the connection ends without an answer. */
  givenUp(visit: Visit): void;
  /** The client left while it waited; that is recorded, and its connection ends. */
  left(visit: Visit): void;
  /**
   * The client's socket while it is not read, because enough is held of what came behind the head; `null` while it is
   * read.
   */
  readonly unread: Socket | null;
  /** The size of the request's body in bytes as far as known, −1 if it has none. */
  readonly bodyBytes: number;
}

export interface ReceptionParts {
  readonly log: Log;
  readonly recorder: Recorder;
  /** Whether the gateway shuts down, and opens no connection more. */
  readonly refusesHandshakes: () => boolean;
  /** What those hold that wait counts here. */
  readonly memory: MemoryLedger;
}

/** What the objects and the socket of a waiting request take, in bytes, roughly. */
const waitingBytes = 16 * 1024;
/** The header is there as it came and as strings. */
const bytesPerHeaderByte = 3;

/** How often the kernel is asked whether clients that are not read have left. */
const lookMs = 500;

export class Reception {
  readonly #parts: ReceptionParts;
  readonly #waiting = new Set<WaitingVisit>();
  #looks: NodeJS.Timeout | null = null;

  constructor(parts: ReceptionParts) {
    this.#parts = parts;
  }

  /**
   * Judges a visit. Returns whether it waits: then its head has been kept, and the lane must call `visit.leave()` when
   * the client leaves. What throws, throws with nothing lent.
   */
  receive(visit: Visit, host: VisitHost): boolean {
    try {
      return this.#receive(visit, host);
    } catch (error) {
      visit.giveBack();
      throw error;
    }
  }

  #receive(visit: Visit, host: VisitHost): boolean {
    const verdict = admit(visit, visit.route.steps(visit.kind));
    if (!(verdict instanceof Promise)) {
      conclude(this.#parts.recorder, visit, host, verdict);
      return false;
    }
    const { memory } = this.#parts;
    if (memory.pressed) {
      // Anybody may make visits wait, and what waits costs the clients that are in.
      abandon(visit, verdict);
      conclude(this.#parts.recorder, visit, host, { outcome: 'memory', detail: describePressure(memory) });
      return false;
    }
    const waiting = new WaitingVisit(this.#parts, visit, host, verdict, () => this.#waiting.delete(waiting));
    this.#waiting.add(waiting);
    this.#looks ??= setInterval(() => this.#look(), lookMs).unref();
    return true;
  }

  /** Requests that wait. */
  get requests(): number {
    return this.#count('http');
  }

  /** Handshakes that wait. */
  get handshakes(): number {
    return this.#count('websocket');
  }

  /** Cuts off the waiting requests for whose route `isOver` holds. Returns how many. */
  abort(isOver: (route: Route) => boolean): number {
    const over = [...this.#waiting].filter(({ visit }) => visit.kind === 'http' && isOver(visit.route.route));
    for (const waiting of over) waiting.giveUp();
    return over.length;
  }

  /** Gives all handshakes up. */
  cancel(): void {
    for (const waiting of [...this.#waiting]) if (waiting.visit.kind === 'websocket') waiting.giveUp();
  }

  /** Visits come and go, so the clock runs on until a tick finds none waiting. */
  #look(): void {
    const now = performance.now();
    for (const waiting of [...this.#waiting]) waiting.look(now);
    forgetKernelQueues(now);
    if (this.#waiting.size > 0) return;
    clearInterval(this.#looks ?? undefined);
    this.#looks = null;
  }

  #count(kind: Visit['kind']): number {
    let count = 0;
    for (const { visit } of this.#waiting) if (visit.kind === kind) count++;
    return count;
  }
}

/** A visit that a step lets wait. */
class WaitingVisit {
  readonly visit: Visit;
  readonly #parts: ReceptionParts;
  readonly #host: VisitHost;
  readonly #onOver: () => void;
  readonly #holding: Holding;
  #over = false;
  /** Whether the kernel has shown its socket. */
  #wasThere = false;

  constructor(parts: ReceptionParts, visit: Visit, host: VisitHost, verdict: Promise<Verdict>, onOver: () => void) {
    this.visit = visit;
    this.#parts = parts;
    this.#host = host;
    this.#onOver = onOver;
    this.#holding = new Holding(parts.memory);
    this.#holding.bytes = waitingBytes + bytesPerHeaderByte * visit.headerBytes;
    visit.signal.addEventListener('abort', () => this.#contained(() => this.#clientGone()));
    verdict
      .then((said) => this.#conclude(said))
      .catch((error) => {
        parts.log.tell('admission_bug', { err: error });
        this.#break();
      });
  }

  /** Looks whether the client has left. A socket that is not read does not tell, but the kernel knows. */
  look(now: number): void {
    this.#contained(() => this.#look(now));
  }

  #look(now: number): void {
    const { unread } = this.#host;
    if (unread === null) return;
    const end = peerEnd(unread, now);
    if (end === 'open') this.#wasThere = true;
    else if (end === 'ended' || (end === 'absent' && this.#wasThere)) this.visit.leave();
  }

  /** The gateway shuts down. */
  giveUp(): void {
    const { visit } = this;
    const { recorder } = this.#parts;
    if (!this.#end()) return;
    if (visit.kind === 'websocket') recorder.refused(visit, { outcome: 'draining', detail: '' });
    else {
      recorder.failed(visit, { outcome: 'cut', detail: '', limit: null });
      recorder.answered(visit, 0, this.#host.bodyBytes);
    }
    this.#host.givenUp(visit);
  }

  #conclude(verdict: Verdict): void {
    const { visit } = this;
    const { recorder, refusesHandshakes } = this.#parts;
    if (this.#over) {
      // The step that admitted it did not look at its signal.
      visit.giveBack();
      return;
    }
    this.#finish();
    const late = verdict === null && visit.kind === 'websocket' && refusesHandshakes();
    conclude(recorder, visit, this.#host, late ? { outcome: 'draining', detail: '' } : verdict);
  }

  #clientGone(): void {
    const { visit } = this;
    const { recorder } = this.#parts;
    if (!this.#end()) return;
    if (visit.kind === 'http') recorder.answered(visit, 0, this.#host.bodyBytes);
    else recorder.refused(visit, { outcome: 'client_gone', detail: 'the client left' });
    this.#host.left(visit);
  }

  /** What a signal or a clock calls: nobody catches there what is thrown. */
  #contained(call: () => void): void {
    contain(call, () => this.#break());
  }

  /** A bug lets nobody in, and one request must not end the others. It may be the lane's, after the wait. */
  #break(): void {
    this.#end();
    this.visit.giveBack();
    this.#host.givenUp(this.visit);
  }

  /**
   * Ends the wait. Returns whether it was not over yet. The step that was asked learns that nobody waits for its
   * answer.
   */
  #end(): boolean {
    if (this.#over) return false;
    this.#finish();
    this.visit.leave();
    this.visit.giveBack();
    return true;
  }

  #finish(): void {
    this.#over = true;
    this.#holding.bytes = 0;
    this.#onOver();
  }
}

/**
 * Gives up a verdict that nobody waits for any more. What it still lends goes back when it comes, and if it throws
 * nothing changes.
 */
function abandon(visit: Visit, verdict: Promise<Verdict>): void {
  visit.leave();
  const giveBack = () => visit.giveBack();
  verdict.then(giveBack, giveBack);
}

/** Tells the lane what was said of a visit. */
function conclude(recorder: Recorder, visit: Visit, host: VisitHost, verdict: Verdict): void {
  if (verdict === null) {
    host.admitted(visit as AdmittedVisit);
    return;
  }
  visit.giveBack();
  recorder.turnedAway(visit, verdict, host.bodyBytes);
  host.turnedAway(visit, verdict);
}
