/** The reason in a close frame: what it tells a person about the limit that was exceeded. */
import { limits } from '../../catalogue/limits.ts';
import { type Unit, unitOf } from '../../catalogue/unit.ts';
import { type Excess, size, sizes, times } from '../../limits/quantities.ts';
import type { Violation } from '../../observe/report.ts';

/**
 * One line. With the route's name it fits into a close reason (123 bytes), unless that name is long: then it is cut.
 */
export function closeReason(violation: Violation, route: string): string {
  const { limit, partial, detail } = violation;
  if (detail !== undefined) return `${limits[limit].exceeded.replace('{detail}', () => detail)} (route ${route})`;
  const excess = inUnit[unitOf(limit)](violation);
  const seen = `${partial ? 'at least ' : ''}${excess.observed}`;
  const words = limits[limit].exceeded.replace('{observed}', seen).replace('{limit}', excess.configured);
  return `${words} (route ${route})`;
}

type Exceeded = Pick<Violation, 'observed' | 'configured'>;

const counts = ({ observed, configured }: Exceeded): Excess => ({
  observed: String(observed),
  configured: String(configured),
});

const inUnit: Readonly<Record<Unit, (exceeded: Exceeded) => Excess>> = {
  bytes: ({ observed, configured }) => sizes(observed, configured),
  ms: ({ observed, configured }) => times(observed, configured),
  count: counts,
  messages_per_second: counts,
  bytes_per_second: ({ observed, configured }) => ({ observed: String(observed), configured: size(configured) }),
};
