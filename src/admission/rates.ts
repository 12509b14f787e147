/**
 * How often one address, and one user, may ask: `rates` of a route. One that asks more often is told when to come back.
 */
import type { Rate } from '../catalogue/limit-values.ts';
import type { HandshakeResult } from '../catalogue/outcomes.ts';
import type { AskingRates, Route } from '../config/types.ts';
import { KeyedRate } from '../limits/keyed-rate.ts';
import type { Refused } from './verdict.ts';
import type { Step, Visit, VisitKind } from './visit.ts';

/** Those beyond, who have been idle for longest, are forgotten. */
const mostAskers = 10_000;

/** The key of a rate in the configuration. */
export type RateKey = keyof AskingRates;

/** The rates of all routes, by label. What was asked before a reload counts after it. */
export class RouteRates {
  readonly #byRoute = new Map<string, Partial<Record<RateKey, KeyedRate>>>();

  /** Returns those of a route, which go on under this rate; `nowMs` is that of `performance.now()`. */
  of(label: string, key: RateKey, { perSecond, burst }: Rate, nowMs: number): KeyedRate {
    const known = this.#byRoute.get(label) ?? {};
    this.#byRoute.set(label, known);
    const pace = { eachMs: 1000 / perSecond, burst };
    known[key] ??= new KeyedRate(pace, mostAskers);
    known[key].change(pace, nowMs);
    return known[key];
  }

  /** Forgets what belongs to no route any more. */
  keepOnly(labels: ReadonlySet<string>): void {
    for (const label of this.#byRoute.keys()) if (!labels.has(label)) this.#byRoute.delete(label);
  }
}

/** A rate as a step judges it. */
export interface RateStep {
  readonly key: RateKey;
  /** As the file has it. */
  readonly name: string;
  readonly outcome: HandshakeResult;
  /** Whom the request counts for; `null` for nobody, who has no limit. */
  readonly asker: (visit: Visit) => string | null;
}

const subscriber = (visit: Visit) => visit.subscriber;
const user = (visit: Visit) => visit.countedUser?.key ?? null;

export const byAddress: Readonly<Record<VisitKind, RateStep>> = {
  http: { key: 'requestsPerAddress', name: 'requests_per_address', outcome: 'request_rate', asker: subscriber },
  websocket: {
    key: 'handshakesPerAddress',
    name: 'handshakes_per_address',
    outcome: 'handshake_rate',
    asker: subscriber,
  },
};
export const byUser: Readonly<Record<VisitKind, RateStep>> = {
  http: { key: 'requestsPerUser', name: 'requests_per_user', outcome: 'user_request_rate', asker: user },
  websocket: { key: 'handshakesPerUser', name: 'handshakes_per_user', outcome: 'user_handshake_rate', asker: user },
};

export interface RateParts {
  readonly rates: RouteRates;
  /** Somebody asks more often than a preset expects, and is let in. */
  readonly reported: (visit: Visit, detail: string) => void;
}

/** Refuses an address that asks too often, and says when to come back; `null` if the route has no such rate. */
export function rateStep(route: Route, kind: VisitKind, parts: RateParts): Step | null {
  return stepOf(byAddress[kind], route, parts);
}

/** Refuses a user who asks too often, likewise. */
export function userRateStep(route: Route, kind: VisitKind, parts: RateParts): Step | null {
  return stepOf(byUser[kind], route, parts);
}

function stepOf(step: RateStep, { label, rates }: Route, parts: RateParts): Step | null {
  const { key, asker } = step;
  const rate = rates[key];
  if (rate === null) return null;
  const askers = parts.rates.of(label, key, rate, performance.now());
  return (visit) => {
    const who = asker(visit);
    const waitMs = who === null ? 0 : askers.take(who, visit.startedAt);
    if (waitMs === 0) return null;
    if (!rate.isReported) return rateRefusal(step, rate, waitMs);
    parts.reported(visit, detailOf(step, rate));
    return null;
  };
}

/** Who asks too often; `over` says more of who has counted. */
export function rateRefusal(step: RateStep, rate: Rate, waitMs: number, over = ''): Refused {
  const fields = [['Retry-After', String(Math.ceil(waitMs / 1000))]] as const;
  return { outcome: step.outcome, detail: detailOf(step, rate) + over, fields };
}

function detailOf({ name }: RateStep, { perSecond, burst }: Rate): string {
  return `rates.${name} is ${perSecond}/s with a burst of ${burst}`;
}
