/**
 * The one recorder of endings. How each handshake, request and connection ended is counted, logged and told to the feed
 * from here and from nowhere else, whichever lane it was in.
 */
import type { Peer } from '../admission/peer.ts';
import type { Refused } from '../admission/verdict.ts';
import type { VisitKind } from '../admission/visit.ts';
import { type HttpFailure, handshakeOutcomes, httpOutcomes } from '../catalogue/outcomes.ts';
import type { Route } from '../config/types.ts';
import { methods } from '../http/wire/start-line.ts';
import {
  type Log,
  type LogSubject,
  logEnd,
  logHttpFailure,
  logOddHandshake,
  logOpen,
  logRefusal,
  logReportedRate,
  type ProcessState,
  type RequestFacts,
} from '../observe/log/log.ts';
import { countStatus, type HubCounters, type RouteCounters, tally } from '../observe/metrics/counters.ts';
import type { ConnectionFacts, Rejection, SessionReport } from '../observe/report.ts';
import type { UpstreamError } from '../upstream/failure.ts';
import type { ExceededLimit } from './errors.ts';

/** The subject of an ending before anything opens: a visit, or as much of a request as could be read. */
export interface Subject {
  readonly counters: RouteCounters;
  readonly facts: RequestFacts;
  /** Left out where it is not known. */
  readonly kind?: VisitKind;
}

/** A request whose route is known. */
export interface RoutedSubject extends Subject {
  readonly kind: VisitKind;
  readonly method: string;
  /** As `performance.now()` tells. */
  readonly startedAt: number;
}

/** What an upstream did wrong: the `error` label. */
export type Blame =
  | UpstreamError
  | 'bad_handshake'
  | 'bad_response'
  | 'handshake_timeout'
  | 'response_timeout'
  | 'subprotocol';

/** Why the forwarding of a request failed. */
export interface Failed {
  readonly outcome: HttpFailure;
  readonly detail: string;
  readonly limit: ExceededLimit | null;
  /** What the client gets, if that is not the outcome's. */
  readonly status?: number | undefined;
}

/** A connection that opens. */
export interface Opened {
  readonly id: string;
  readonly route: Route;
  readonly counters: RouteCounters;
  readonly facts: ConnectionFacts;
}

/** A connection that has ended. */
export interface Ended {
  readonly subject: LogSubject;
  readonly counters: RouteCounters;
  readonly report: SessionReport;
  readonly state: ProcessState;
}

export interface RecorderParts {
  readonly log: Log;
  /** For what belongs to no route. */
  readonly unrouted: () => RouteCounters;
  /** Where a program sets routes; else `null`. */
  readonly hub: HubCounters | null;
  /** Hears of requests that a limit of their route turns away. */
  readonly rejected: (rejection: Rejection) => void;
}

/** Methods with a label of their own. A client could invent others without end. */
const labelled: ReadonlySet<string> = new Set(methods);

export class Recorder {
  readonly #parts: RecorderParts;

  constructor(parts: RecorderParts) {
    this.#parts = parts;
  }

  /** What can be said of a request that could not be read. */
  unknown(peer: Pick<Peer, 'address'>): Subject {
    const address = peer.address ?? 'unix';
    return this.unrouted({ route: null, host: undefined, target: undefined, address });
  }

  /** A request for which there is no route. */
  unrouted(facts: RequestFacts, kind?: VisitKind): Subject {
    return { counters: this.#parts.unrouted(), facts, ...(kind === undefined ? {} : { kind }) };
  }

  /**
   * Records that a handshake, or a request before its forwarding, is refused. `status`: what the client got, if that is
   * not the outcome's.
   */
  refused(subject: Subject, refused: Refused, status = statusOf(refused)): void {
    const { counters, facts } = subject;
    const { outcome, detail, limit } = refused;
    tally(counters.handshakes, outcome);
    if (subject.kind !== undefined) this.#countForHub(subject.kind, status);
    if (limit !== undefined) this.#exceeded(subject, limit);
    logRefusal(this.#parts.log, outcome, status, {
      ...facts,
      ...(limit === undefined ? {} : { limit }),
      ...(detail === '' ? {} : { detail }),
    });
  }

  /**
   * Records that a step has refused a visit. A request of plain HTTP that ends so in every other phase has the same
   * name for it.
   */
  turnedAway(visit: RoutedSubject, refused: Refused, bodyBytes: number): void {
    const { outcome, detail, limit = null } = refused;
    if (visit.kind === 'http' && isHttpFailure(outcome)) {
      this.failed(visit, { outcome, detail, limit });
      this.answered(visit, statusOf(refused), bodyBytes);
    } else this.refused(visit, refused);
  }

  /** Records something odd about a handshake that opens all the same. */
  odd({ counters, facts }: Subject, detail: string): void {
    tally(counters.upstreamErrors, 'subprotocol');
    logOddHandshake(this.#parts.log, { ...facts, detail });
  }

  /** A handshake is let in that is more than a preset expects of one address. */
  reported({ counters, facts }: Subject, detail: string): void {
    counters.handshakesOverRate++;
    logReportedRate(this.#parts.log, { ...facts, detail });
  }

  /** An upstream did something wrong. */
  blame({ counters }: Subject, blame: Blame): void {
    tally(counters.upstreamErrors, blame);
  }

  /** A handshake has become a connection. */
  opened({ id, route, counters, facts }: Opened): void {
    tally(counters.handshakes, 'opened');
    this.#countForHub('websocket', 0);
    counters.handshakeSeconds.observe(facts.handshakeMs / 1000, id);
    logOpen(this.#parts.log, { id, route: route.name, facts });
  }

  /** A connection has ended. */
  ended({ subject, counters, report, state }: Ended): void {
    tally(counters.closed, report.closedBy, report.reason);
    counters.connectionSeconds.observe(report.durationMs / 1000, subject.id);
    logEnd(this.#parts.log, subject, report, state);
  }

  /** Records that the forwarding of a request has failed or was cut off. `answered` comes behind it. */
  failed(visit: RoutedSubject, { outcome, detail, limit, status }: Failed): void {
    if (limit !== null) this.#exceeded(visit, limit);
    const facts = {
      ...visit.facts,
      ...(limit === null ? {} : { limit }),
      ...(detail === '' ? {} : { detail }),
    };
    logHttpFailure(this.#parts.log, outcome, visit.method, facts, status);
  }

  /**
   * Records that a request is over. `status`: what the client got, 0 for nothing. `bodyBytes`: the size of its body as
   * far as known, −1 if it has none.
   */
  answered({ counters, method, startedAt }: RoutedSubject, status: number, bodyBytes: number): void {
    const label = labelled.has(method) ? method : 'OTHER';
    tally(counters.httpRequests, label, status === 0 ? 'none' : `${Math.floor(status / 100)}xx`);
    this.#countForHub('http', status);
    counters.httpRequestSeconds.observe((performance.now() - startedAt) / 1000);
    if (bodyBytes >= 0) counters.httpBodyBytes.observe(bodyBytes);
  }

  /** `status` is 0 where nothing was answered, or a connection has opened. */
  #countForHub(kind: VisitKind, status: number): void {
    const { hub } = this.#parts;
    if (hub === null) return;
    hub.requests[kind]++;
    if (status > 0) countStatus(hub.answers, status);
  }

  #exceeded({ counters, facts }: Subject, { name, configured, observed }: ExceededLimit): void {
    const { route, address, user } = facts;
    tally(counters.client.violations, name, 'reject');
    if (route !== null) this.#parts.rejected({ route, address, user, limit: name, configured, observed });
  }
}

/** What the client gets. */
function statusOf({ outcome, answer }: Refused): number {
  return answer?.status ?? handshakeOutcomes[outcome].status;
}

function isHttpFailure(outcome: string): outcome is HttpFailure {
  return Object.hasOwn(httpOutcomes, outcome);
}
