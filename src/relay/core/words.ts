/** What a close frame tells a person about the limit that was exceeded. */
import type { Violation } from '../../report.ts';

/** One line; with the route's name it fits into a close reason (123 bytes) unless that name is long, and is cut then. */
export function explain({ limit, configured, observed, partial }: Violation, route: string): string {
  const seen = partial ? `at least ${observed}` : String(observed);
  return `${words[limit]?.(seen, String(configured)) ?? limit} (route ${route})`;
}

const words: Partial<Record<Violation['limit'], (observed: string, configured: string) => string>> = {
  max_message_size: (observed, configured) => `message of ${observed} bytes exceeds ${configured}`,
  max_frame_size: (observed, configured) => `frame of ${observed} bytes exceeds ${configured}`,
  max_fragments: (observed, configured) => `message of ${observed} fragments exceeds ${configured}`,
  message_timeout: (observed, configured) => `message took ${observed} ms, more than ${configured}`,
  max_message_rate: (_, configured) => `more than ${configured} messages per second`,
  max_byte_rate: (_, configured) => `more than ${configured} bytes per second`,
  max_control_rate: (_, configured) => `more than ${configured} control frames per second`,
  'memory.max_buffered': (_, configured) =>
    `all buffers together exceed ${configured} bytes, and this one was the largest`,
  max_pause: (observed, configured) => `receiver took nothing for ${observed} ms, more than ${configured}`,
};
