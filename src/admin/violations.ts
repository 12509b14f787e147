/**
 * Who exceeded which limit in the last hour. Violations of one address that are alike stand in one entry with a count,
 * so a client that reconnects and fails again and again is one line. Memory is bounded: the entry that was quiet for
 * the longest gives way. Counts by route and limit stay right, whatever gives way.
 */

import type { LimitAction, LimitName } from '../catalogue/outcomes.ts';
import { type Unit, unitOf } from '../catalogue/unit.ts';
import type { Sender } from '../config/types.ts';
import type { ConnectionFacts, Rejection, Violation } from '../observe/report.ts';
import { HourCount } from './hour-count.ts';

/** Whose violation it is. */
export interface ViolationSubject {
  readonly id: string;
  readonly route: string;
  readonly facts: ConnectionFacts;
}

/** Violations that are alike, as JSON: times are milliseconds by the clock that the log is told. */
export interface ViolationEntry {
  readonly id: number;
  readonly route: string;
  readonly address: string;
  /** The last user; `null` if no request has named one. */
  readonly user: string | null;
  readonly sender: Sender;
  readonly limit: LimitName;
  /** The unit of `configured` and `observed`. */
  readonly unit: Unit;
  readonly action: LimitAction;
  /** `null` is unlimited. */
  readonly configured: number | null;
  /** The largest value; text if it is beyond 2^53 − 1. */
  readonly observed: number | string;
  /** More would have come. */
  readonly partial: boolean;
  /** What is wrong, if no number says it; `null` otherwise. */
  readonly detail: string | null;
  /** The last connection; `null` if the request became none. */
  readonly connection: string | null;
  readonly firstAt: number;
  readonly lastAt: number;
  /** How often, within the last hour. */
  readonly times: number;
}

/** How often a limit was exceeded on a route within the last hour. */
export interface ViolationTotal {
  readonly route: string;
  readonly limit: LimitName;
  readonly action: LimitAction;
  readonly times: number;
}

/** A violation of a connection, or a request that was turned away. */
type Exceeded = Omit<Violation, 'limit'> & { readonly limit: LimitName };

interface Group {
  readonly id: number;
  readonly key: string;
  readonly route: string;
  readonly address: string;
  violation: Exceeded;
  user: string | null;
  connection: string | null;
  firstAt: number;
  lastAt: number;
  /** When it was put to the end of the order. */
  placedAt: number;
  readonly hour: HourCount;
}

interface Total {
  readonly route: string;
  readonly limit: LimitName;
  readonly action: LimitAction;
  readonly hour: HourCount;
}

/** The most entries: enough for a bad hour, and nobody reads more lines. */
const maxGroups = 1000;
const hourMs = 3_600_000;
/** A busy entry is not moved each time, because moving one to the end costs more than all the rest. */
const replaceMs = 1000;

export class ViolationLog {
  /** In the order of their last violation, give or take a second. */
  readonly #groups = new Map<string, Group>();
  readonly #changed = new Set<Group>();
  readonly #totals = new Map<string, Total>();
  #lastId = 0;

  /** Takes `times` violations of a connection, the largest of which is `violation`. */
  addOfConnection({ id, route, facts }: ViolationSubject, violation: Violation, times: number, now: number): void {
    const group = this.#add(route, facts.address, violation, times, now);
    group.connection = id;
    group.user = facts.user ?? null;
  }

  /** Takes a request that was turned away. */
  addRejection({ route, address, user, limit, configured, observed }: Rejection, now: number): void {
    const violation = { sender: 'client', limit, configured, observed, partial: false, action: 'reject' } as const;
    this.#add(route, address, violation, 1, now).user = user ?? null;
  }

  /** Everything of the last hour, the latest first. */
  list(now: number): ViolationEntry[] {
    this.#forget(now);
    const groups = [...this.#groups.values()].sort((a, b) => b.lastAt - a.lastAt || b.id - a.id);
    return groups.map((group) => entryOf(group, now));
  }

  /** What has changed since the last call; for one caller. */
  takeChanged(now: number): ViolationEntry[] {
    this.#forget(now);
    const changed = [...this.#changed].map((group) => entryOf(group, now));
    this.#changed.clear();
    return changed;
  }

  /** Counts of the last hour, also of what gave way in the list. */
  totals(now: number): ViolationTotal[] {
    const counted: ViolationTotal[] = [];
    for (const [key, { route, limit, action, hour }] of this.#totals) {
      const times = hour.count(now);
      if (times > 0) counted.push({ route, limit, action, times });
      // Routes come and go with the configuration.
      else this.#totals.delete(key);
    }
    return counted;
  }

  #add(route: string, address: string, violation: Exceeded, times: number, now: number): Group {
    const { sender, limit, action } = violation;
    const kind = `${route}|${limit}|${action}`;
    const key = `${kind}|${sender}|${address}`;
    const known = this.#groups.get(key);
    const group = known ?? this.#begin(key, route, address, violation, now);
    // The limit may have been changed meanwhile. What was seen under the old one says nothing about the new one.
    const comparable = group.violation.configured === violation.configured;
    if (!comparable || violation.observed > group.violation.observed) group.violation = violation;
    group.lastAt = now;
    group.hour.add(times, now);
    this.#changed.add(group);
    if (!known || now - group.placedAt >= replaceMs) {
      group.placedAt = now;
      this.#groups.delete(key);
      this.#groups.set(key, group);
    }

    let total = this.#totals.get(kind);
    if (!total) {
      total = { route, limit, action, hour: new HourCount() };
      this.#totals.set(kind, total);
    }
    total.hour.add(times, now);
    return group;
  }

  #begin(key: string, route: string, address: string, violation: Exceeded, now: number): Group {
    if (this.#groups.size >= maxGroups) this.#drop(this.#groups.values().next().value!);
    const id = ++this.#lastId;
    const hour = new HourCount();
    return {
      id,
      key,
      route,
      address,
      violation,
      user: null,
      connection: null,
      firstAt: now,
      lastAt: now,
      placedAt: now,
      hour,
    };
  }

  #forget(now: number): void {
    for (const group of this.#groups.values()) {
      if (group.lastAt > now - hourMs) return;
      this.#drop(group);
    }
  }

  #drop(group: Group): void {
    this.#groups.delete(group.key);
    this.#changed.delete(group);
  }
}

function entryOf(group: Group, now: number): ViolationEntry {
  const { id, route, address, violation, user, connection, lastAt, hour } = group;
  const { sender, limit, action, configured, observed, partial, detail = null } = violation;
  return {
    id,
    route,
    address,
    user,
    sender,
    limit,
    unit: unitOf(limit),
    action,
    configured: configured === Number.POSITIVE_INFINITY ? null : configured,
    observed: typeof observed === 'bigint' ? String(observed) : observed,
    partial,
    detail,
    connection,
    firstAt: Math.max(group.firstAt, now - hourMs),
    lastAt,
    times: hour.count(now),
  };
}
