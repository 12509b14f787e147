/**
 * What one turn of the event loop does with small chunks of uploads: a read may hold ten thousand, and 300 clients
 * have 32 reads each.
 */
import { fewPieces, type LoopTurns } from '../../relay/core/turns.ts';
import type { Line } from './line.ts';

/** Of a turn: about 5 ms of a core; and who goes on brings a read of ten thousand or some. */
export const uploadTurns = { most: 64_000, goOn: 3 } as const;

/** Counts the chunks of a read; with many in a turn their sender waits for another. */
export function payForChunks(turns: LoopTurns, line: Line, chunks: number): void {
  if (chunks > fewPieces && !turns.allow(chunks)) line.awaitTurn(turns);
}
