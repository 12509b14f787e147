/** What is under way in a lane, as those see it who begin and end it. */
import type { Rostered } from '../../relay/roster.ts';

/** Those that are under way. */
export interface UnderWay<T> {
  add(one: T): void;
  delete(one: T): void;
}

/** A handshake that is not over. */
export interface PendingHandshake extends Rostered {
  /** Gives it up, because the gateway shuts down. */
  cancel(): void;
}
