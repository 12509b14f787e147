/**
 * What HTTP may do in one round of the event loop, so that a message on a WebSocket beside it need not wait for all of
 * it. A thousand downloads take a tenth of a second when each is read once, and the message waits twice: on its way in
 * and on its way out.
 */
import type { RoundLimits } from '../../relay/core/round-budget.ts';

/**
 * Bytes that are passed on, 4 to 6 ms of a core. Of those who wait 24 go on in a round: an exchange reads once or twice
 * then, up to 256 KiB each time, and 16 are all that may connect. Measured with a class of 200 pages, the round being
 * as long as an echo beside it waits twice: the median echo took 6 ms with 48, and 4 ms with 24, for the same CPU.
 */
export const bytesPerRound: RoundLimits = { work: 4 * 1024 * 1024, free: 0, waiters: 24 };
/** What a read or an informational answer costs however little it brings, as the bytes passed on in that time. */
export const bytesPerRead = 32 * 1024;
/**
 * What a request costs until it is on its way, in the same unit: up to 80 us where its connection has rested. A class
 * of 200 browsers asks 1 200 times at once, and all that in one round took a tenth of a second.
 */
export const bytesPerRequest = 32 * 1024;
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
