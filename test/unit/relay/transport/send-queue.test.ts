import { expect, test } from 'vitest';
import { piece, SendQueue } from '../../../../src/relay/transport/send-queue.ts';
import { budgetOf } from '../../../helpers/memory.ts';

const kib = 1024;

/** Everything that waits, piece by piece. */
function drain(queue: SendQueue): { text: string; messages: number; control: number }[] {
  const pieces = [];
  for (let next = queue.shift(); next !== null; next = queue.shift()) {
    const { bytes, length, messages, control } = next;
    pieces.push({ text: bytes.toString('latin1', 0, length), messages, control });
  }
  return pieces;
}

function copyText(queue: SendQueue, text: string, messages: number): void {
  queue.copy(Buffer.from(text), 0, text.length, messages);
}

test('has nothing to give when it is empty', () => {
  const queue = new SendQueue(budgetOf());
  expect([queue.isEmpty, queue.shift(), queue.bytes]).toEqual([true, null, 0]);
});

test('gathers small pieces into one', () => {
  const queue = new SendQueue(budgetOf());
  copyText(queue, 'one ', 1);
  copyText(queue, 'two ', 1);
  copyText(queue, 'three', 0);
  expect([queue.bytes, queue.messages, queue.capacity]).toEqual([13, 2, 512]);
  expect(drain(queue)).toEqual([{ text: 'one two three', messages: 2, control: 0 }]);
});

test('takes only the part of the chunk that it is given, and keeps no reference to it', () => {
  const queue = new SendQueue(budgetOf());
  const chunk = Buffer.from('..kept..');
  queue.copy(chunk, 2, 6, 1);
  chunk.fill('x');
  expect(drain(queue)).toEqual([{ text: 'kept', messages: 1, control: 0 }]);
});

test('cuts what is large into pieces of 64 KiB, so that progress can be seen', () => {
  const queue = new SendQueue(budgetOf());
  queue.copy(Buffer.alloc(150 * kib), 0, 150 * kib, 1);
  expect(queue.capacity).toBe(192 * kib);
  const pieces = drain(queue);
  expect(pieces.map(({ text }) => text.length / kib)).toEqual([64, 64, 22]);
  // The message ends in the last of them.
  expect(pieces.map(({ messages }) => messages)).toEqual([0, 0, 1]);
});

test('1 KiB waiting costs 1 KiB', () => {
  const queue = new SendQueue(budgetOf());
  queue.copy(Buffer.alloc(256 * kib), 0, kib, 0);
  expect(queue.capacity).toBe(kib);
});

test('a million copies of one byte cost about their bytes', () => {
  const queue = new SendQueue(budgetOf());
  const byte = Buffer.alloc(1);
  for (let i = 0; i < 1_000_000; i++) queue.copy(byte, 0, 1, 1);
  expect([queue.bytes, queue.messages]).toEqual([1_000_000, 1_000_000]);
  expect(queue.capacity).toBeLessThan(1_000_000 + 64 * kib);
  const pieces = drain(queue);
  expect(pieces.length).toBeLessThan(30);
  expect(pieces.reduce((sum, { messages }) => sum + messages, 0)).toBe(1_000_000);
});

test('a control frame is a piece of its own, in its place', () => {
  const queue = new SendQueue(budgetOf());
  copyText(queue, 'before', 1);
  queue.push(piece(Buffer.from('pong'), 0, 10));
  copyText(queue, 'after', 1);
  copyText(queue, 'wards', 0);
  expect([queue.bytes, queue.messages]).toEqual([20, 2]);
  expect(drain(queue)).toEqual([
    { text: 'before', messages: 1, control: 0 },
    { text: 'pong', messages: 0, control: 10 },
    { text: 'afterwards', messages: 1, control: 0 },
  ]);
  expect([queue.bytes, queue.messages, queue.capacity, queue.isEmpty]).toEqual([0, 0, 0, true]);
});

test('never adds to a piece that has been taken', () => {
  const queue = new SendQueue(budgetOf());
  copyText(queue, 'taken', 0);
  const taken = queue.shift()!;
  copyText(queue, 'new', 0);
  expect(taken.length).toBe(5);
  expect(drain(queue).map(({ text }) => text)).toEqual(['new']);
});
