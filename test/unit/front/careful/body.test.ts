import { PassThrough, Readable, Writable } from 'node:stream';
import { expect, test } from 'vitest';
import { passBody } from '../../../../src/front/careful/body.ts';
import { discard } from '../../../../src/front/farewell.ts';

const own = (text: string) => {
  const bytes = Buffer.allocUnsafeSlow(text.length);
  bytes.write(text);
  return bytes;
};
const isFreed = ({ buffer }: Buffer) => (buffer as ArrayBuffer).detached;
const turn = () => new Promise(setImmediate);

/** A receiver that takes one write at a time, and says what came of it when it is told to. */
function receiver() {
  const got: string[] = [];
  const done: ((error?: Error) => void)[] = [];
  const to = new Writable({
    highWaterMark: 1,
    write(chunk: Buffer, _encoding, written) {
      got.push(String(chunk));
      done.push(written);
    },
  });
  to.on('error', () => {});
  return { to, got, done };
}

function passing(chunks: readonly Buffer[]) {
  const from = new Readable({ highWaterMark: 1, read() {} });
  const { to, got, done } = receiver();
  passBody(from, (chunk, written) => to.write(chunk, written), to);
  for (const chunk of chunks) from.push(chunk);
  return { from, to, got, done };
}

test('a chunk is freed when it is written, and not before; the next is read then', async () => {
  const chunks = [own('one'), own('two')];
  const { got, done } = passing(chunks);
  await turn();
  expect(got).toEqual(['one']);
  expect(chunks.map(isFreed)).toEqual([false, false]);
  done[0]!();
  await turn();
  expect(got).toEqual(['one', 'two']);
  expect(chunks.map(isFreed)).toEqual([true, false]);
});

test('what could not be written is left to whoever still reads from it', async () => {
  const chunk = own('one');
  const { done } = passing([chunk]);
  await turn();
  done[0]!(new Error('reset'));
  await turn();
  expect(isFreed(chunk)).toBe(false);
});

test('nothing is written to a receiver that is gone', async () => {
  const { from, to, got } = passing([]);
  to.destroy();
  from.push(own('late'));
  await turn();
  expect(got).toEqual([]);
});

test('what is thrown away is freed at once', async () => {
  const from = new PassThrough();
  const chunk = own('nobody wants it');
  discard(from);
  from.write(chunk);
  await turn();
  expect(isFreed(chunk)).toBe(true);
});
