/**
 * How often one address may ask: `rates` of a route. Who asks more often is told when to come back. For each address there is one
 * number, the time at which all that it asked for is paid off; a step decides at once, without a timer or a promise for each.
 */
import type { Rate, Route } from '../config/types.ts';
import type { Step } from './steps.ts';
import type { VisitKind } from './visit.ts';

/** Beyond this the address that was let in the longest ago is forgotten; each takes about 150 bytes. */
const mostAddresses = 10_000;

/** The rates of one kind on one route, by address. */
export class AddressRates {
  #rate: Rate;
  /** The one that was let in last stands last. */
  readonly #paidAtMs = new Map<string, number>();

  constructor(rate: Rate) {
    this.#rate = rate;
  }

  /** Addresses that are remembered. */
  get size(): number {
    return this.#paidAtMs.size;
  }

  /** Goes on under another rate. */
  change(rate: Rate): void {
    this.#rate = rate;
  }

  /** Lets an address ask once, or says in how many milliseconds it may; 0 where it may now. */
  take(address: string, nowMs: number): number {
    const { perSecond, burst } = this.#rate;
    const eachMs = 1000 / perSecond;
    const paidAtMs = Math.max(this.#paidAtMs.get(address) ?? 0, nowMs);
    const waitMs = paidAtMs - nowMs - (burst - 1) * eachMs;
    // What is added up has errors of its own, far below any clock.
    if (waitMs > 1e-6) return waitMs;
    this.#paidAtMs.delete(address);
    this.#paidAtMs.set(address, paidAtMs + eachMs);
    for (const [oldest, paid] of this.#paidAtMs) {
      if (this.#paidAtMs.size <= mostAddresses && paid > nowMs) break;
      this.#paidAtMs.delete(oldest);
    }
    return 0;
  }
}

/** The rates of all routes, by label: what was asked before a reload counts after it. */
export class RouteRates {
  readonly #byRoute = new Map<string, Partial<Record<VisitKind, AddressRates>>>();

  /** Those of a route, which go on under this rate. */
  of(label: string, kind: VisitKind, rate: Rate): AddressRates {
    const kinds = this.#byRoute.get(label) ?? {};
    this.#byRoute.set(label, kinds);
    kinds[kind] ??= new AddressRates(rate);
    kinds[kind].change(rate);
    return kinds[kind];
  }

  /** Forgets what belongs to no route any more. */
  keepOnly(labels: ReadonlySet<string>): void {
    for (const label of this.#byRoute.keys()) if (!labels.has(label)) this.#byRoute.delete(label);
  }
}

const outcomes = { http: 'request_rate', websocket: 'handshake_rate' } as const;
const keys = { http: 'requests_per_address', websocket: 'handshakes_per_address' } as const;

/**
 * Refuses who asks too often, and says when to come back; `null` where the route has no rate for visits of this kind.
 */
export function rateStep({ label, rates }: Route, kind: VisitKind, parts: { readonly rates: RouteRates }): Step | null {
  const rate = kind === 'http' ? rates.requestsPerAddress : rates.handshakesPerAddress;
  if (rate === null) return null;
  const addresses = parts.rates.of(label, kind, rate);
  const detail = `rates.${keys[kind]} is ${rate.perSecond}/s with a burst of ${rate.burst}`;
  return ({ subscriber, startedAt }) => {
    const waitMs = addresses.take(subscriber, startedAt);
    if (waitMs === 0) return null;
    const fields = [['Retry-After', String(Math.ceil(waitMs / 1000))]] as const;
    return { outcome: outcomes[kind], detail, fields };
  };
}
