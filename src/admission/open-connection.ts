/** What admission may do with a connection that it has let in. */
import type { EndReason } from '../catalogue/outcomes.ts';
import type { ConnectionFacts } from '../observe/report.ts';

/** An open connection, for steps that may have to end it. */
export interface OpenConnection {
  readonly id: string;
  readonly facts: ConnectionFacts;
  /** When data last passed, as `performance.now()` tells. */
  readonly lastDataAt: number;
  /** Whether its end has begun, for whatever cause. */
  readonly isEnding: boolean;
  /** Ends it with the code that the catalogue has for the reason. `words` replace the catalogue's. */
  end(reason: EndReason, words?: string): void;
  /** Ends it, because its user has one connection more than `configured`. */
  evict(configured: number, observed: number): void;
  /** Drops both sides at once. */
  cut(reason: 'evicted'): void;
}

/** Called when a handshake has become a connection. What it returns is disposed of when the connection has ended. */
export type WhenOpen = (connection: OpenConnection) => Disposable | null;
