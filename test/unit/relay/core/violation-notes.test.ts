import { expect, test } from 'vitest';
import type { Violation } from '../../../../src/observe/report.ts';
import { ViolationNotes } from '../../../../src/relay/core/violation-notes.ts';

const violation: Violation = {
  sender: 'client',
  limit: 'max_message_size',
  configured: 10,
  observed: 11,
  partial: false,
  action: 'report',
};

function notes() {
  const told: [times: number, observed: number | bigint, limit: string][] = [];
  const taker = new ViolationNotes({
    first: ({ observed, limit }) => told.push([0, observed, limit]),
    further: ({ observed, limit }, times) => told.push([times, observed, limit]),
  });
  return { told, taker };
}

test('tells the first violation at once', () => {
  const { told, taker } = notes();
  taker.note(violation);
  expect(told).toEqual([[0, 11, 'max_message_size']]);
  taker.flush();
  expect(told).toHaveLength(1);
});

test('tells further ones together, with the largest', () => {
  const { told, taker } = notes();
  for (const observed of [99, 12, 2n ** 60n, 13]) taker.note({ ...violation, observed });
  expect(told).toHaveLength(1);
  taker.flush();
  taker.flush();
  expect(told.slice(1)).toEqual([[3, 2n ** 60n, 'max_message_size']]);
});

test('keeps apart what is not alike', () => {
  const { told, taker } = notes();
  taker.note(violation);
  taker.note(violation);
  taker.note({ ...violation, limit: 'max_message_rate' });
  taker.note({ ...violation, limit: 'max_message_rate', sender: 'upstream' });
  taker.note({ ...violation, limit: 'max_message_rate', sender: 'upstream', action: 'pause' });
  taker.note({ ...violation, limit: 'max_message_rate', sender: 'upstream', action: 'pause', configured: 20 });
  taker.flush();
  expect(told.slice(1)).toEqual([
    [1, 11, 'max_message_size'],
    [1, 11, 'max_message_rate'],
    [1, 11, 'max_message_rate'],
    [1, 11, 'max_message_rate'],
    [1, 11, 'max_message_rate'],
  ]);
});
