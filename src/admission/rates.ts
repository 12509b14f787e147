/**
 * How often one address, and one user, may ask: `rates` of a route. One that asks more often is told when to come back.
 * Each has one number, the time at which everything that it asked for is paid off. So a step decides at once, without a
 * timer or a promise for each.
 */

import type { Rate } from '../catalogue/limit-values.ts';
import type { HandshakeResult } from '../catalogue/outcomes.ts';
import type { AskingRates, Route } from '../config/types.ts';
import type { Refused } from './verdict.ts';
import type { Step, Visit, VisitKind } from './visit.ts';

/**
 * The most askers that are remembered. Each takes about 150 bytes; beyond this the one that was let in longest ago is
 * forgotten.
 */
const mostAskers = 10_000;

/** A rate of one route, by those who ask. */
export class AskerRates {
  #rate: Rate;
  /** The one that was let in last stands last. */
  readonly #paidAtMs = new Map<string, number>();

  constructor(rate: Rate) {
    this.#rate = rate;
  }

  /** Those who are remembered. */
  get size(): number {
    return this.#paidAtMs.size;
  }

  /** Goes on under another rate. */
  change(rate: Rate): void {
    this.#rate = rate;
  }

  /** Lets an asker ask once. Returns 0, or in how many milliseconds it may. */
  take(asker: string, nowMs: number): number {
    const { perSecond, burst } = this.#rate;
    const eachMs = 1000 / perSecond;
    const paidAtMs = Math.max(this.#paidAtMs.get(asker) ?? 0, nowMs);
    const waitMs = paidAtMs - nowMs - (burst - 1) * eachMs;
    // Sums have errors of their own, far below any clock's.
    if (waitMs > 1e-6) return waitMs;
    this.#paidAtMs.delete(asker);
    this.#paidAtMs.set(asker, paidAtMs + eachMs);
    for (const [oldest, paid] of this.#paidAtMs) {
      if (this.#paidAtMs.size <= mostAskers && paid > nowMs) break;
      this.#paidAtMs.delete(oldest);
    }
    return 0;
  }
}

/** The key of a rate in the configuration. */
export type RateKey = keyof AskingRates;

/** The rates of all routes, by label. What was asked before a reload counts after it. */
export class RouteRates {
  readonly #byRoute = new Map<string, Partial<Record<RateKey, AskerRates>>>();

  /** Returns those of a route, which go on under this rate. */
  of(label: string, key: RateKey, rate: Rate): AskerRates {
    const known = this.#byRoute.get(label) ?? {};
    this.#byRoute.set(label, known);
    known[key] ??= new AskerRates(rate);
    known[key].change(rate);
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
  const askers = parts.rates.of(label, key, rate);
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
