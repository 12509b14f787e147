/**
 * The step of admission that asks about all pods: the caps and rates that this pod's own count has let pass are asked
 * of a store that every pod shares, all of them in one question. Where the store cannot tell, what this pod has counted
 * holds.
 */
import type { Rate } from '../catalogue/limit-values.ts';
import type { Route } from '../config/types.ts';
import { byAddress, byUser, type RateStep, rateRefusal } from './rates.ts';
import { type CapName, capRefusal } from './slots.ts';
import type { Refused, Verdict } from './verdict.ts';
import type { Step, Visit, VisitKind } from './visit.ts';

/** What is counted over all pods: of a route, of an address on it, of a user on it, or how often one has asked. */
export type QuotaKind = 'route' | 'address' | 'user' | RateStep['key'];

/** A number of connections, and how many there may be. */
export interface AskedCount {
  readonly key: string;
  readonly cap: number;
}

/** A rate, which is asked for one. */
export interface AskedRate {
  readonly key: string;
  readonly rate: Rate;
}

/**
 * Who refuses: the place among counts and then rates, and the connections that were seen, or the ms until it may be.
 */
export interface QuotaRefusal {
  readonly place: number;
  readonly seen: number;
}

/** `unknown`: the store cannot tell. */
export type QuotaAnswer = 'taken' | 'unknown' | QuotaRefusal;

/** The counts of all pods. */
export interface Quotas {
  /** The key of whoever is counted on a route. */
  keyOf(kind: QuotaKind, label: string, who: string): string;
  /** A connection counts under these keys until it is disposed of. */
  hold(keys: readonly string[]): Disposable;
  /** Asks whether what is held may be, and rates may be used once; at once where nobody can tell. */
  ask(counts: readonly AskedCount[], rates: readonly AskedRate[]): Promise<QuotaAnswer> | 'unknown';
}

/** One thing that is asked for a visit, and what is said where it is refused. */
interface Wanted {
  readonly key: string;
  readonly refuse: (seen: number) => Refused;
}

interface WantedCount extends Wanted {
  readonly cap: number;
  readonly name: CapName;
}

interface WantedRate extends Wanted {
  readonly rate: Rate;
}

/** How long an eviction may take, with the goodbye of the one that goes. */
const longestWaitMs = 10_000;

/** Asks about all pods; `null` where they share nothing, or nothing of the route is bound. */
export function quotaStep(route: Route, kind: VisitKind, { quotas }: { readonly quotas: Quotas | null }): Step | null {
  if (quotas === null) return null;
  // What is reported alone is this pod's matter: nobody waits for a store to be let in all the same.
  const bound = [byAddress[kind], byUser[kind]].filter(({ key }) => {
    const rate = route.rates[key];
    return rate !== null && !rate.isReported;
  });
  if (kind === 'http' && bound.length === 0) return null;
  return (visit) => {
    const counts = kind === 'http' ? [] : countsOf(visit, quotas);
    const rates = bound.flatMap((step) => rateOf(step, visit, quotas) ?? []);
    if (counts.length > 0) visit.lend(quotas.hold(counts.map(({ key }) => key)));
    if (counts.length + rates.length === 0) return null;
    const pending = quotas.ask(counts, rates);
    return pending === 'unknown' ? null : conclude(pending, { visit, quotas, counts, rates });
  };
}

function countsOf(visit: Visit, quotas: Quotas): WantedCount[] {
  const { label, connections } = visit.route.route;
  const { max, maxPerAddress, maxPerUser } = connections;
  const user = visit.countedUser;
  const all: [CapName, QuotaKind, string | null, number][] = [
    ['connections.max', 'route', '', max],
    ['connections.max_per_address', 'address', visit.subscriber, maxPerAddress],
    ['connections.max_per_user', 'user', user?.key ?? null, maxPerUser],
  ];
  return all.flatMap(([name, kind, who, cap]) =>
    who === null || !Number.isFinite(cap)
      ? []
      : { name, cap, key: quotas.keyOf(kind, label, who), refuse: (seen) => capRefusal(name, cap, seen, overAll) },
  );
}

const overAll = ', over all pods';

function rateOf(step: RateStep, visit: Visit, quotas: Quotas): WantedRate | null {
  const { label, rates } = visit.route.route;
  const who = step.asker(visit);
  const rate = rates[step.key];
  if (who === null || rate === null) return null;
  return { key: quotas.keyOf(step.key, label, who), rate, refuse: (ms) => rateRefusal(step, rate, ms, overAll) };
}

interface Asking {
  readonly visit: Visit;
  readonly quotas: Quotas;
  readonly counts: readonly WantedCount[];
  readonly rates: readonly WantedRate[];
}

async function conclude(pending: Promise<QuotaAnswer>, asking: Asking): Promise<Verdict> {
  const { counts, rates } = asking;
  let answer = await pending;
  if (typeof answer === 'object' && counts[answer.place]?.name === 'connections.max_per_user') {
    answer = await evictAndAsk(answer, asking);
  }
  return typeof answer === 'object' ? [...counts, ...rates][answer.place]!.refuse(answer.seen) : null;
}

/** Where the route evicts, the longest idle connection of the user here goes; those of other pods are not ended. */
async function evictAndAsk(refusal: QuotaRefusal, { visit, quotas, counts, rates }: Asking): Promise<QuotaAnswer> {
  const { onLimit, maxPerUser } = visit.route.route.connections;
  if (onLimit !== 'evict_oldest' || !(visit.countedUser?.vouched ?? false) || visit.slot === null) return refusal;
  const gone = visit.left ? null : visit.route.slots.evictFor(visit.slot, maxPerUser, refusal.seen);
  if (gone === null) return refusal;
  const isGone = await within(longestWaitMs, gone, visit.signal);
  return isGone ? await quotas.ask(counts, rates) : refusal;
}

/** Whether it came in time, and somebody still waits for it. */
async function within(ms: number, event: Promise<void>, signal: AbortSignal): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const giveUp = () => resolve(false);
  const timer = setTimeout(giveUp, ms);
  signal.addEventListener('abort', giveUp);
  void event.then(() => resolve(true));
  const isInTime = await promise;
  clearTimeout(timer);
  signal.removeEventListener('abort', giveUp);
  return isInTime;
}
