import { expect, test } from 'vitest';
import { payForChunks, uploadTurns } from '../../../../src/front/fast/chunk-turns.ts';
import type { Line } from '../../../../src/front/fast/line.ts';
import { LoopTurns } from '../../../../src/relay/core/turns.ts';

test('reads of many chunks wait for their turn when a turn is used up, and reads of few never', () => {
  const turns = new LoopTurns(() => {}, uploadTurns);
  let waits = 0;
  const line = { awaitTurn: () => waits++ } as unknown as Line;
  for (let i = 0; i < 6; i++) payForChunks(turns, line, 10_000);
  expect(waits).toBe(0);
  payForChunks(turns, line, 10_000);
  expect(waits).toBe(1);
  payForChunks(turns, line, 256);
  expect(waits).toBe(1);
});
