import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { KernelTable } from '../../../../src/relay/transport/kernel-tables.ts';
import { TableReader } from '../../../../src/relay/transport/table-reader.ts';

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

/** A reader whose readings take `steps` steps of so many milliseconds; `round` is one round of the event loop. */
function setUp(steps = 1, stepMs = 0) {
  const tables: KernelTable[] = [];
  let taken = 0;
  function* begin(): Generator<void, KernelTable> {
    for (let step = 0; step < steps; step++) {
      taken++;
      spent += stepMs;
      yield;
    }
    tables.push(new KernelTable());
    return tables.at(-1)!;
  }
  let spent = 0;
  vi.spyOn(performance, 'now').mockImplementation(() => spent);
  const reader = new TableReader(begin);
  return { reader, tables, taken: () => taken, round: () => vi.runOnlyPendingTimers() };
}

test('one reading serves all who ask while it lasts', () => {
  const { reader, tables, round } = setUp();
  expect([reader.tables(1000), reader.tables(1100)]).toEqual(['pending', 'pending']);
  round();
  // However late it is there: it lasts from when somebody finds it.
  for (const now of [3000, 3400]) expect(reader.tables(now)).toMatchObject({ table: tables[0], at: 1000 });
  expect(reader.tables(3401)).toBe('pending');
  round();
  expect(reader.tables(3402)).toMatchObject({ table: tables[1], at: 3401 });
  expect(tables).toHaveLength(2);
});

test('a round of the event loop reads for a millisecond', () => {
  const { reader, tables, taken, round } = setUp(10, 0.25);
  reader.tables(0);
  const after: number[] = [];
  for (let i = 0; i < 3; i++) {
    round();
    after.push(taken());
    if (i < 2) expect(reader.tables(i)).toBe('pending');
  }
  expect(after).toEqual([4, 8, 10]);
  expect(reader.tables(3)).toMatchObject({ table: tables[0], at: 0 });
});

test('a reading lasts longer, the longer it took', () => {
  const { reader, round } = setUp(100, 1);
  reader.tables(0);
  for (let i = 0; i < 101; i++) round();
  for (const now of [1000, 3000]) expect(reader.tables(now)).toMatchObject({ at: 0, lastsMs: 2000 });
  expect(reader.tables(3001)).toBe('pending');
});

test('a reading that is too old is let go of', () => {
  const { reader, round } = setUp();
  reader.tables(0);
  round();
  const last = reader.tables(0);
  reader.forget(400);
  expect(reader.tables(0)).toBe(last);
  reader.forget(401);
  expect(reader.tables(401)).toBe('pending');
});

test('a reading whose asker has gone is given to nobody who comes much later', () => {
  const { reader, tables, round } = setUp();
  reader.tables(0);
  round();
  expect(reader.tables(2001)).toBe('pending');
  round();
  expect(reader.tables(2002)).toMatchObject({ table: tables[1], at: 2001 });
});

test('a reading that nobody wants is let go of too', () => {
  const { reader, round } = setUp();
  reader.tables(0);
  round();
  reader.forget(1000);
  reader.forget(1401);
  expect(reader.tables(1401)).toBe('pending');
});

test('tables that cannot be read are read again, and end nothing', () => {
  let tries = 0;
  const reader = new TableReader(function* begin(): Generator<void, KernelTable> {
    tries++;
    yield;
    throw new Error('EIO: i/o error, read');
  });
  for (const now of [0, 1000]) {
    expect(reader.tables(now)).toBe('pending');
    vi.runOnlyPendingTimers();
    expect(reader.tables(now)).toMatchObject({ at: now });
  }
  expect(tries).toBe(2);
});
