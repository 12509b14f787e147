/** The handshake that goes to the upstream: the client's own, less what concerns its connection to Sluice. */
import { type RawHeaders, requestLines } from '../http/raw-fields.ts';

/** What is told to the upstream about the client's connection. */
export interface Forwarded {
  /** Forwarding headers, in order; incoming ones of the same names are replaced. */
  readonly forwarding: readonly (readonly [name: string, value: string])[];
  /** Whether other incoming forwarding headers pass. */
  readonly trusted: boolean;
}

/**
 * Answered, refused or settled here: an offered extension would make sizes untrue, and there is no body to wait for.
 */
const notForwarded: ReadonlySet<string> = new Set(['sec-websocket-extensions', 'content-length', 'expect']);

/** The header list for the upstream, flat, in order: end-to-end headers byte for byte, then those that Sluice sets. */
export function upstreamHeaders(raw: RawHeaders, { forwarding, trusted }: Forwarded): string[] {
  const passed = requestLines(raw, trusted).filter(([name]) => !notForwarded.has(name.toLowerCase()));
  return [...passed, ...forwarding, ['Connection', 'Upgrade'], ['Upgrade', 'websocket']].flat();
}
