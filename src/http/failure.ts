/** What an error of an upstream request means: the outcome for the client, and the `error` label for the metric. */
import type { HttpFailure } from '../outcomes.ts';

/** Why the forwarder itself gave up on an upstream. */
export class UpstreamSilence extends Error {
  readonly phase: 'connect' | 'answer';

  constructor(phase: 'connect' | 'answer') {
    super(phase === 'connect' ? 'no connection in time' : 'no byte in time');
    this.phase = phase;
  }
}

/** An upstream that answered with something that is not an HTTP response to our request. */
export class BadUpstreamAnswer extends Error {}

/** The outcome and the metric label of an upstream's error. */
export interface Failure {
  readonly outcome: HttpFailure;
  readonly label: string;
}

const unreachable: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connect_refused',
  ENOTFOUND: 'dns',
  EAI_AGAIN: 'dns',
  ETIMEDOUT: 'connect_timeout',
  EHOSTUNREACH: 'other',
  ENETUNREACH: 'other',
};

/** Classifies an error of an upstream request. */
export function classify(error: Error): Failure {
  if (error instanceof UpstreamSilence) {
    return { outcome: 'upstream_timeout', label: error.phase === 'connect' ? 'connect_timeout' : 'response_timeout' };
  }
  if (error instanceof BadUpstreamAnswer) return { outcome: 'upstream_failed', label: 'bad_response' };
  const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
  const label = unreachable[code];
  if (label !== undefined) return { outcome: 'upstream_unreachable', label };
  if (code === 'ECONNRESET' || code === 'EPIPE') return { outcome: 'upstream_failed', label: 'reset' };
  if (code.startsWith('HPE_')) return { outcome: 'upstream_failed', label: 'bad_response' };
  return { outcome: 'upstream_failed', label: 'other' };
}
