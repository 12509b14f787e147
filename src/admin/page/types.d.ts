/** What the page is told, as its modules name it. The server's own types: nothing is said twice. */
import type { z } from 'zod';
import type { connectionsSchema } from '../api/schemas.ts';
import type { RouteSnapshot, SenderSnapshot, Snapshot } from '../snapshot.ts';
import type { ViolationEntry, ViolationTotal } from '../violations.ts';

export type { RouteSnapshot, SenderSnapshot, Snapshot, ViolationEntry, ViolationTotal };

/** One event of the feed. */
export interface FeedEvent extends Snapshot {
  readonly violations: readonly ViolationEntry[];
  readonly violationTotals: readonly ViolationTotal[];
}

/** Rows by route, each as long as `at`; see `columns` in state.js. */
export interface History {
  readonly at: readonly number[];
  readonly routes: Readonly<Record<string, readonly (readonly (number | null)[])[]>>;
}

/** The first event. */
export interface Hello extends FeedEvent {
  readonly sizeBounds: number[];
  readonly history: History;
}

export type Connections = z.infer<typeof connectionsSchema>;
export type ConnectionRow = Connections['connections'][number];

export type Size = { width: number; height: number };
