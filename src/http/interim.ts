/**
 * Informational answers (RFC 9110 §15.2): 100, 102 and 103. An upstream may send any number of them before its answer,
 * and each is work. Ten thousand came in one read, and 32 reads in one round of the event loop. So all that come before
 * one answer are bounded together, as one head is. One each 20 seconds goes on for hours.
 */
import { maxHeadBytes } from './wire/head-parser.ts';

/** The most bytes of their heads together. */
export const mostInterimBytes = maxHeadBytes;

/** Why there is no answer, for people. */
export const tooMuchInterim = `the informational answers before the answer have more than ${mostInterimBytes} bytes`;
