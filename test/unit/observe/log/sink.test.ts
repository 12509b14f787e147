import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Sink } from '../../../../src/observe/log/sink.ts';

type Done = (lostAfter: number | null) => void;

/** A sink whose reader takes a chunk when the test says so. */
class Reader {
  readonly chunks: string[] = [];
  readonly sink: Sink;
  #done: Done[] = [];

  constructor(maxPendingBytes = 100, paceMs = 0) {
    this.sink = new Sink({
      outlet: (chunk, done) => {
        this.chunks.push(chunk.toString());
        this.#done.push(done);
      },
      maxPendingBytes,
      paceMs,
      describeLoss: (lines) => `lost ${lines}\n`,
    });
  }

  /** The chunk that is on its way has left, or only so many bytes of it. */
  take(lostAfter: number | null = null): void {
    this.#done.shift()!(lostAfter);
  }

  get waiting(): number {
    return this.#done.length;
  }
}

const line = (n: number) => `line ${String(n).padStart(4, '0')}\n`;

test('writes the first line at once, and what comes meanwhile in one chunk', () => {
  const reader = new Reader();
  for (const n of [1, 2, 3]) reader.sink.write(line(n));
  expect(reader.chunks).toEqual([line(1)]);
  reader.take();
  expect(reader.chunks).toEqual([line(1), line(2) + line(3)]);
  reader.take();
  expect([reader.waiting, reader.sink.lost]).toEqual([0, 0]);
});

test('writes a chunk no sooner than the pace allows, unless a whole one waits', () => {
  const reader = new Reader(1e6, 10);
  reader.sink.write(line(1));
  reader.take();
  reader.sink.write(line(2));
  vi.advanceTimersByTime(9);
  reader.sink.write(line(3));
  expect(reader.chunks).toEqual([line(1)]);
  vi.advanceTimersByTime(1);
  expect(reader.chunks).toEqual([line(1), line(2) + line(3)]);
  reader.take();
  const large = `${'x'.repeat(70_000)}\n`;
  reader.sink.write(large);
  expect(reader.chunks.at(-1)).toBe(large);
});

test('what waits for its time is written at once at the end', async () => {
  const reader = new Reader(1e6, 10);
  reader.sink.write(line(1));
  reader.take();
  reader.sink.write(line(2));
  const flushed = reader.sink.flush(1000, 5000);
  expect(reader.chunks).toEqual([line(1), line(2)]);
  reader.take();
  await flushed;
});

test('a reader that takes nothing loses what does not fit, and one line tells how much when there is room', () => {
  const reader = new Reader(30);
  for (let n = 1; n <= 8; n++) reader.sink.write(line(n));
  expect(reader.sink.lost).toBe(5);
  reader.take();
  reader.sink.write(line(9));
  reader.take();
  reader.take();
  expect(reader.chunks.join('')).toBe(`${line(1)}${line(2)}${line(3)}lost 5\n${line(9)}`);
  expect([reader.waiting, reader.sink.lost]).toEqual([0, 5]);
});

test('tells of lost lines where no further line comes', () => {
  const reader = new Reader(10);
  reader.sink.write(line(1));
  reader.sink.write(line(2));
  reader.take();
  reader.take();
  expect(reader.chunks).toEqual([line(1), 'lost 1\n']);
});

test('lines that fail are lost and counted, and told of once lines leave again', () => {
  const reader = new Reader();
  reader.sink.write(line(1));
  reader.take(0);
  reader.sink.write(line(2));
  reader.take(0);
  // The line that told of the first is lost too, and what it told is not.
  reader.sink.write(line(3));
  reader.take();
  expect(reader.chunks.at(-1)).toBe(`lost 2\n${line(3)}`);
  expect([reader.waiting, reader.sink.lost]).toEqual([0, 2]);
});

test('what was written of a torn line does not swallow the next one', () => {
  const reader = new Reader();
  for (const n of [1, 2, 3]) reader.sink.write(line(n));
  reader.take();
  reader.take(line(2).length + 4);
  expect(reader.sink.lost).toBe(1);
  reader.sink.write(line(4));
  expect(reader.chunks.at(-1)).toBe(`\nlost 1\n${line(4)}`);
  reader.take(1);
  expect(reader.sink.lost).toBe(2);
  reader.sink.write(line(5));
  // Nothing of a line had left this time.
  expect(reader.chunks.at(-1)).toBe(`lost 2\n${line(5)}`);
});

test('what waits is bounded, whatever is written', () => {
  const reader = new Reader(1000);
  for (let n = 0; n < 10_000; n++) reader.sink.write('é'.repeat(n % 300));
  reader.take();
  let size = 0;
  while (reader.waiting > 0) {
    size += Buffer.byteLength(reader.chunks.at(-1)!);
    reader.take();
  }
  expect(size).toBeLessThanOrEqual(1000 + 'lost 10000\n'.length);
});

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

test('a flush waits for whoever takes lines', async () => {
  const reader = new Reader(200_000);
  for (let n = 0; n < 3; n++) reader.sink.write('x'.repeat(60_000));
  let over = false;
  const flushed = reader.sink.flush(1000, 5000).then(() => {
    over = true;
  });
  for (let n = 0; n < 3; n++) {
    await vi.advanceTimersByTimeAsync(900);
    expect(over).toBe(false);
    reader.take();
  }
  await flushed;
  expect(reader.waiting).toBe(0);
});

test('a flush gives a reader up that takes nothing, and one that is too slow', async () => {
  const asleep = new Reader(200_000);
  asleep.sink.write(line(1));
  const flushed = asleep.sink.flush(1000, 5000);
  await vi.advanceTimersByTimeAsync(1000);
  await flushed;
  expect(asleep.waiting).toBe(1);

  const slow = new Reader(1_000_000);
  for (let n = 0; n < 12; n++) slow.sink.write('x'.repeat(60_000));
  const given = slow.sink.flush(1000, 2500);
  for (let n = 0; n < 4; n++) {
    await vi.advanceTimersByTimeAsync(700);
    slow.take();
  }
  await vi.advanceTimersByTimeAsync(1000);
  await given;
  expect(slow.waiting).toBe(1);
});
