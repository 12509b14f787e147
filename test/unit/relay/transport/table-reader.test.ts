import { EventEmitter } from 'node:events';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { type Reading, TableReader, type Tables, type Thread } from '../../../../src/relay/transport/table-reader.ts';

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  vi.useRealTimers();
});

class FakeThread extends EventEmitter {
  asked = 0;
  ended = false;

  postMessage(): void {
    this.asked++;
  }

  terminate(): Promise<number> {
    this.ended = true;
    return Promise.resolve(0);
  }
}

/** A reader and the threads that it began. */
function setUp(begin: () => void = () => {}) {
  const threads: FakeThread[] = [];
  const reader = new TableReader(() => {
    begin();
    threads.push(new FakeThread());
    return threads.at(-1) as unknown as Thread;
  });
  return { reader, threads, read: (now: number) => (reader.tables(now) as Tables).rows.toString() };
}

const reading = (text: string, tookMs = 0): Reading => ({ rows: new Uint8Array(Buffer.from(text)), tookMs });

test('one reading serves all who ask while it lasts', () => {
  const { reader, threads, read } = setUp();
  expect([reader.tables(1000), reader.tables(1100)]).toEqual(['pending', 'pending']);
  threads[0]!.emit('message', reading('a'));
  expect([read(1200), read(1400)]).toEqual(['a', 'a']);
  expect(reader.tables(1401)).toBe('pending');
  expect([threads.length, threads[0]!.asked]).toEqual([1, 2]);
});

test('a reading lasts longer, the longer it took', () => {
  const { reader, threads, read } = setUp();
  reader.tables(0);
  // The thread begins slowly; that is no reading.
  vi.advanceTimersByTime(5000);
  threads[0]!.emit('message', reading('a', 1000));
  expect(read(4000)).toBe('a');
  expect(reader.tables(4001)).toBe('pending');
});

test('a thread that was not asked for half a minute ends, and another one is begun when it is needed', () => {
  const { reader, threads, read } = setUp();
  reader.tables(0);
  threads[0]!.emit('message', reading('a'));
  vi.advanceTimersByTime(29_000);
  reader.tables(29_000);
  threads[0]!.emit('message', reading('b'));
  vi.advanceTimersByTime(29_999);
  expect(threads[0]!.ended).toBe(false);
  vi.advanceTimersByTime(1);
  expect(threads[0]!.ended).toBe(true);
  threads[0]!.emit('exit', 1);
  expect(reader.tables(60_000)).toBe('pending');
  threads[1]!.emit('message', reading('c'));
  expect(read(60_000)).toBe('c');
});

test.each(['error', 'exit'])(
  'a thread that fails by %s leaves nothing known, and is begun again after a minute',
  (how) => {
    const { reader, threads, read } = setUp();
    reader.tables(0);
    threads[0]!.emit(how, new Error('out of memory'));
    expect(threads[0]!.ended).toBe(true);
    expect([read(1), read(60_000)]).toEqual(['', '']);
    expect(reader.tables(60_001)).toBe('pending');
    threads[1]!.emit('message', reading('a'));
    // What the first one still says is nobody's.
    threads[0]!.emit('message', reading('old'));
    expect(read(60_001)).toBe('a');
  },
);

test('where no thread can be begun nothing is known', () => {
  const { reader, threads, read } = setUp(() => {
    throw new Error('no descriptor is left');
  });
  expect(reader.tables(0)).toBe('pending');
  expect(read(1)).toBe('');
  expect(threads).toEqual([]);
});

test('a reading that does not come is waited for twenty seconds, and its thread is given up', () => {
  const { reader, threads, read } = setUp();
  expect([reader.tables(0), reader.tables(20_000)]).toEqual(['pending', 'pending']);
  expect(read(20_001)).toBe('');
  vi.advanceTimersByTime(30_000);
  expect(threads[0]!.ended).toBe(true);
  expect(reader.tables(30_000)).toBe('pending');
  expect(threads).toHaveLength(2);
});

test('a reading that is too old is let go of', () => {
  const { reader, threads } = setUp();
  reader.tables(0);
  threads[0]!.emit('message', reading('a'));
  const last = reader.tables(0);
  reader.forget(400);
  expect(reader.tables(0)).toBe(last);
  reader.forget(401);
  expect(reader.tables(0)).toBe('pending');
});
