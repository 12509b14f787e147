/** A story of an alert: series minute by minute, and which alerts fire at which time. */
import type { Severity } from '../../../monitoring/alert.ts';

/** An alert that fires. */
export interface Firing {
  readonly severity: Severity;
  /** Beside namespace and job; `null` takes those away. */
  readonly labels?: Readonly<Record<string, string>> | null;
  /** The value as the description shows it, where it does. */
  readonly value?: string;
  readonly summary: string;
}

/** A moment of the story. */
export interface Moment {
  readonly at: `${number}m`;
  readonly firing: readonly Firing[];
}

export interface Story {
  readonly alert: string;
  readonly tells: string;
  /** Series in promtool's notation, a sample per minute: `1x3` is four times 1. */
  readonly series: Readonly<Record<string, string>>;
  readonly moments: readonly Moment[];
}

/** The labels that every alert of these stories has: the release. */
export const releaseLabels = { namespace: 'apps', job: 'sluice' };

/** A series of a pod: `pod(1, 'sluice_draining')`. */
export function pod(number: number, name: string, labels = ''): string {
  const more = labels === '' ? '' : `, ${labels}`;
  return `${name}{namespace="apps", job="sluice", pod="sluice-${number}", instance="10.0.0.${number}:9090"${more}}`;
}

/** Nothing fires. */
export function quiet(at: Moment['at']): Moment {
  return { at, firing: [] };
}

/** These fire, and no others of the same name. */
export function fires(at: Moment['at'], ...firing: Firing[]): Moment {
  return { at, firing };
}
