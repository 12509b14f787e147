import { expect, test } from 'vitest';
import type { Violation } from '../../../../src/observe/report.ts';
import { answerFor, closeFor, closeOf, type Outcome, unanswered } from '../../../../src/relay/core/ending.ts';

const violation: Violation = {
  sender: 'client',
  limit: 'max_message_size',
  configured: 1024,
  observed: 2048,
  partial: false,
  action: 'close',
};
const tooBig: Outcome = { reason: 'message_too_big', by: 'sluice', violation };
const closed: Outcome = { reason: 'client_closed', by: 'client', violation: null };
const said = { code: 4001, reason: Buffer.from('bye') };

test('each side hears the code that the catalogue has for it, and words of its own in the place of the row’s', () => {
  expect([closeOf('drain', 'client').code, closeOf('drain', 'upstream').code]).toEqual([1012, 1001]);
  expect(String(closeOf('drain', 'client', 'see you').reason)).toBe('see you');
});

test('a side hears 1001 where the row would pass on the close of a peer that is gone', () => {
  expect(closeOf('client_closed', 'upstream').code).toBe(1001);
});

test('an end without a violation has the words of its row', () => {
  const drained: Outcome = { reason: 'drain', by: 'sluice', violation: null };
  expect(closeFor(drained, 'client', 'panel')).toEqual(closeOf('drain', 'client'));
});

test('a side hears by how much which limit was exceeded, on which route', () => {
  const close = closeFor(tooBig, 'client', 'panel');
  expect(close.code).toBe(1009);
  expect(String(close.reason)).toBe('message of 2048 bytes exceeds 1024 (route panel)');
});

test('the last side hears what the other one said, unless Sluice ends the connection', () => {
  expect(answerFor(closed, 'upstream', said, 'panel')).toBe(said);
  expect(answerFor(tooBig, 'upstream', said, 'panel')).toEqual(closeFor(tooBig, 'upstream', 'panel'));
});

test('the other side of one that left hears so, and why where it was given up', () => {
  expect(unanswered('upstream', true)).toMatchObject({ code: 1011 });
  expect(String(unanswered('upstream', true).reason)).toBe('the upstream did not answer the close in time');
  expect(unanswered('client', false)).toEqual(closeOf('client_vanished', 'upstream'));
});
