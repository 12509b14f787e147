/** A drain as the API shows it. */
import type { z } from 'zod';
import type { drainSchema } from './schemas.ts';

type Answer = z.infer<typeof drainSchema>;

/** How far a drain is; times are Unix milliseconds. */
export interface DrainProgress {
  readonly phase: NonNullable<Answer['progress']>['phase'];
  readonly cause: string;
  readonly startedAtMs: number;
  readonly closesAtMs: number;
  readonly deadlineAtMs: number;
  readonly connections: number;
  readonly requests: number;
  readonly counts: {
    readonly connections: number;
    readonly endedThemselves: number;
    readonly sentAway: number;
    readonly cut: number;
  };
}

/** What the API needs of the gateway to drain it. */
export interface DrainSource {
  /** Begins; nothing where one has begun. */
  start(): void;
  /** `null` before it begins. */
  state(): DrainProgress | null;
}

/** The answer of `GET /api/drain` and `POST /api/drain`. */
export function describeDrain(progress: DrainProgress | null): Answer {
  if (progress === null) return { draining: false, progress: null };
  const { phase, cause, startedAtMs, closesAtMs, deadlineAtMs, connections, requests, counts } = progress;
  return {
    draining: true,
    progress: {
      phase,
      cause,
      started_at: new Date(startedAtMs).toISOString(),
      closes_at: new Date(closesAtMs).toISOString(),
      deadline_at: new Date(deadlineAtMs).toISOString(),
      connections,
      requests,
      counted: {
        connections: counts.connections,
        ended_themselves: counts.endedThemselves,
        sent_away: counts.sentAway,
        cut: counts.cut,
      },
    },
  };
}
