/** What an error of an upstream request means: the outcome for the client, and the `error` label for the metric. */
import type { AnsweredFailure } from '../../catalogue/outcomes.ts';
import { blameOf, isTlsError, outcomeOf } from '../../upstream/failure.ts';
import { NoConnection } from '../../upstream/pooled-request.ts';
import type { Blame } from '../recorder.ts';

/** Why the forwarder itself gave up on an upstream. */
export class UpstreamSilence extends Error {
  constructor(inactivityMs: number) {
    super(`no byte in ${inactivityMs} ms`);
  }
}

/** An upstream that answered with something that is not an HTTP response to our request. */
export class BadUpstreamAnswer extends Error {}

/** The outcome, and the metric label of an upstream's error; `null` where the upstream is not to blame. */
export interface Failure {
  readonly outcome: AnsweredFailure;
  readonly label: Blame | null;
}

/** Classifies an error of an upstream request. */
export function classify(error: NodeJS.ErrnoException): Failure {
  if (error instanceof NoConnection) {
    const { problem } = error.failure;
    // A client that has left is told nothing, whatever this says.
    const told = problem === 'aborted' ? 'other' : problem;
    return { outcome: outcomeOf[told], label: blameOf(problem) };
  }
  if (error instanceof UpstreamSilence) return { outcome: 'upstream_timeout', label: 'response_timeout' };
  if (error instanceof BadUpstreamAnswer) return { outcome: 'upstream_failed', label: 'bad_response' };
  const { code = '' } = error;
  if (isTlsError(error)) return { outcome: 'upstream_tls_failed', label: 'tls' };
  if (code === 'ECONNRESET' || code === 'EPIPE') return { outcome: 'upstream_failed', label: 'reset' };
  if (code.startsWith('HPE_')) return { outcome: 'upstream_failed', label: 'bad_response' };
  return { outcome: 'upstream_failed', label: 'other' };
}
