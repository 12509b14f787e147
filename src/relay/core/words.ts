/** What a close frame tells a person about the limit that was exceeded. */
import { size, sizes, times } from '../../limits/quantities.ts';
import type { Violation } from '../../observe/report.ts';

/** One line; with the route's name it fits into a close reason (123 bytes) unless that name is long, and is cut then. */
export function explain(violation: Violation, route: string): string {
  const { limit, partial } = violation;
  return `${words[limit]?.(violation, partial ? 'at least ' : '') ?? limit} (route ${route})`;
}

type Exceeded = Pick<Violation, 'observed' | 'configured'>;

const words: Partial<Record<Violation['limit'], (exceeded: Exceeded, atLeast: string) => string>> = {
  max_message_size: (exceeded, atLeast) => `message of ${atLeast}${sizesIn(exceeded)}`,
  max_frame_size: (exceeded) => `frame of ${sizesIn(exceeded)}`,
  max_fragments: ({ observed, configured }, atLeast) =>
    `message of ${atLeast}${observed} fragments exceeds ${configured}`,
  message_timeout: (exceeded) => `message took ${timesIn(exceeded)}`,
  max_message_rate: ({ configured }) => `more than ${configured} messages per second`,
  max_byte_rate: ({ configured }) => `more than ${size(configured)} per second`,
  max_control_rate: ({ configured }) => `more than ${configured} control frames per second`,
  'memory.max_buffered': ({ configured }) =>
    `all buffers together exceed ${size(configured)}, and this one was the largest`,
  max_pause: (exceeded) => `receiver took nothing for ${timesIn(exceeded)}`,
};

function sizesIn({ observed, configured }: Exceeded): string {
  const seen = sizes(observed, configured);
  return `${seen.observed} exceeds ${seen.configured}`;
}

function timesIn({ observed, configured }: Exceeded): string {
  const seen = times(observed, configured);
  return `${seen.observed}, more than ${seen.configured}`;
}
