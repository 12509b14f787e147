/**
 * Informational answers (RFC 9110 §15.2): 100, 102 and 103. An upstream may send any number of them before its answer,
 * and each is work. Ten thousand came in one read, and 32 reads in one round of the event loop. So all that come before
 * one answer are bounded together, as one head is. One each 20 seconds goes on for hours.
 */
import { headerBytes } from './raw-fields.ts';
import { maxHeadBytes } from './wire/head-parser.ts';

/** The most bytes of their heads together. */
export const mostInterimBytes = maxHeadBytes;

/** Why there is no answer, for people. */
export const tooMuchInterim = `the informational answers before the answer have more than ${mostInterimBytes} bytes`;

/** A request of Node's client, as far as this needs it. */
interface Informed {
  on(event: 'information', listener: (interim: Interim) => void): unknown;
}

interface Interim {
  readonly statusMessage: string;
  readonly rawHeaders: readonly string[];
}

/** `HTTP/1.1 103 `. */
const beforeReason = 13;

/** Bounds those that Node's client reads before an answer: calls `tooMuch` for each that is beyond. */
export function boundInterim(request: Informed, tooMuch: () => void): void {
  let bytes = 0;
  request.on('information', ({ statusMessage, rawHeaders }) => {
    bytes += headerBytes(beforeReason + statusMessage.length, rawHeaders);
    if (bytes > mostInterimBytes) tooMuch();
  });
}
