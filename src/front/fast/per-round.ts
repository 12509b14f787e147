/**
 * What HTTP may do in one round of the event loop, so that a message on a WebSocket beside it need not wait for all of
 * it. A thousand downloads take a tenth of a second when each is read once, and the message waits twice: on its way in
 * and on its way out.
 */
import type { RoundLimits } from '../../relay/core/round-budget.ts';

/**
 * Bytes that are passed on, 4 to 6 ms of a core. Of the exchanges that wait 48 go on, and each reads once or twice; 16
 * where all of them connect.
 */
export const bytesPerRound: RoundLimits = { work: 4 * 1024 * 1024, free: 0, waiters: 48 };
/** What a read or an informational answer costs however little it brings, as the bytes passed on in that time. */
export const bytesPerRead = 32 * 1024;
/** What a connection to an upstream costs, in the same unit. */
export const bytesPerConnection = 256 * 1024;

/**
 * Chunks either way, 5 ms of a core. A read may hold ten thousand, and 300 senders have 32 reads each. Senders that go
 * on bring a read of ten thousand or so.
 */
export const chunksPerRound: RoundLimits = { work: 64_000, free: 256, waiters: 3 };

/**
 * Answers of Sluice's own, such as 401 and 429. No upstream sets their pace: a read may hold thousands of requests that
 * want nothing else. Clients that go on have as many in hand.
 */
export const ownAnswersPerRound: RoundLimits = { work: 64, free: 0, waiters: 8 };
