/** `reply` of a route's `validate`: what the sender of a bad message is told. */
import type { Result } from '../language/result.ts';

const longest = 1024;

/** Parses the mapping that is sent as JSON. */
export function parseReply(value: unknown): Result<Readonly<Record<string, unknown>>> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return { problem: 'is no mapping; write {type: error, message: "{reason}"}' };
  }
  const bytes = Buffer.byteLength(JSON.stringify(value));
  if (bytes > longest) return { problem: `takes ${bytes} bytes as JSON; write ${longest} at most` };
  return { value: value as Readonly<Record<string, unknown>> };
}
