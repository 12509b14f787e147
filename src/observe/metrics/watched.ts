/**
 * Which counters of a route are there at 0 before anything was counted, because alerts watch them: the catalogue says
 * so.
 */

import type { Rate } from '../../catalogue/limit-values.ts';
import { type SenderKey, senderLimits, sharedLimits } from '../../catalogue/limits.ts';
import {
  type ConnectionReason,
  connectionOutcomes,
  type HandshakeResult,
  handshakeOutcomes,
  type LimitName,
} from '../../catalogue/outcomes.ts';
import type { EndedBy, SenderLimitRow, SharedLimitRow } from '../../catalogue/row.ts';
import type { Route, SenderLimits } from '../../config/types.ts';

/** Endings of connections. */
export const watchedEndings: readonly (readonly [EndedBy, ConnectionReason])[] = entriesOf(connectionOutcomes).flatMap(
  ([reason, { watchedBy }]) => (watchedBy === undefined ? [] : [[watchedBy, reason] as const]),
);

const ofResults: readonly (readonly [HandshakeResult, (route: Route) => boolean])[] = [
  ...entriesOf(handshakeOutcomes).flatMap(([result, { isWatched }]) =>
    isWatched === undefined ? [] : [[result, isWatched] as const],
  ),
  ...Object.values(sharedLimits as Readonly<Record<string, SharedLimitRow>>).flatMap(({ field, watched, refuses }) => {
    if (watched === undefined || refuses === undefined) return [];
    const result = refuses.as as HandshakeResult;
    return [[result, (route: Route) => watched === 'always' || binds(valueAt(route, field))] as const];
  }),
];

/** Refusals that the route can make. */
export function watchedResults(route: Route): HandshakeResult[] {
  return ofResults.flatMap(([result, can]) => (can(route) ? [result] : []));
}

/** The kinds of a route's authentication that ask somebody, or a file, and may find nobody who can tell. */
export function watchedAuth({ auth }: Route): string[] {
  const kinds = new Set((auth ?? []).map(({ kind }) => kind));
  return [...kinds].filter((kind) => kind !== 'client_cert' && kind !== 'header');
}

type SenderLimitName = Extract<SenderKey, LimitName>;

const ofSender = entriesOf(senderLimits as Readonly<Record<SenderLimitName, SenderLimitRow>>).filter(
  ([, { watched }]) => watched !== undefined,
);

/** Limits that can end a connection of a sender that has these. */
export function watchedLimits(limits: SenderLimits): SenderLimitName[] {
  return ofSender.flatMap(([key, { field }]) => (binds(limits[field as keyof SenderLimits]) ? [key] : []));
}

/** Whether a limit of this value ever ends anything: a rate may only pause. */
function binds(value: unknown): boolean {
  if (typeof value === 'number') return value > 0 && value < Number.POSITIVE_INFINITY;
  return (value as Rate | null)?.action === 'close';
}

function valueAt(route: Route, path: string): unknown {
  return path.split('.').reduce<unknown>((inner, key) => (inner as Record<string, unknown>)[key], route);
}

function entriesOf<K extends string, V>(table: Readonly<Record<K, V>>): [K, V][] {
  return Object.entries(table) as [K, V][];
}
