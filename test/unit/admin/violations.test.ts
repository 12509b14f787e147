import { describe, expect, test } from 'vitest';
import { ViolationLog, type ViolationSubject } from '../../../src/admin/violations.ts';
import type { Violation } from '../../../src/observe/report.ts';

const minute = 60_000;
const start = 1_800_000_000_000;

function subject(address: string, id = 'c0ffee', route = 'panel'): ViolationSubject {
  const facts = { host: 'h', path: '/', address, upstream: 'http://u', subprotocol: null, handshakeMs: 1 };
  return { id, route, facts };
}

const tooBig: Violation = {
  sender: 'client',
  limit: 'max_message_size',
  configured: 1000,
  observed: 1001,
  partial: false,
  action: 'close',
};

describe('the log of violations', () => {
  test('names who exceeded which limit by how much', () => {
    const log = new ViolationLog();
    log.addOfConnection(subject('10.0.0.1'), tooBig, 1, start);
    expect(log.list(start)).toEqual([
      {
        id: 1,
        route: 'panel',
        address: '10.0.0.1',
        user: null,
        sender: 'client',
        limit: 'max_message_size',
        unit: 'bytes',
        action: 'close',
        configured: 1000,
        observed: 1001,
        partial: false,
        detail: null,
        connection: 'c0ffee',
        firstAt: start,
        lastAt: start,
        times: 1,
      },
    ]);
  });

  test('puts a client that fails again and again into one entry: the largest size, the last connection, a count', () => {
    const log = new ViolationLog();
    log.addOfConnection(subject('10.0.0.1', 'first'), { ...tooBig, observed: 5000 }, 1, start);
    log.addOfConnection(subject('10.0.0.1', 'second'), tooBig, 40, start + minute);
    expect(log.list(start + minute)).toMatchObject([
      { observed: 5000, connection: 'second', firstAt: start, lastAt: start + minute, times: 41 },
    ]);
  });

  test('names the user where one is known', () => {
    const log = new ViolationLog();
    const { facts, ...rest } = subject('10.0.0.1');
    log.addOfConnection({ ...rest, facts: { ...facts, user: 'anna' } }, tooBig, 1, start);
    expect(log.list(start)).toMatchObject([{ address: '10.0.0.1', user: 'anna' }]);
  });

  test('keeps apart what is not alike', () => {
    const log = new ViolationLog();
    log.addOfConnection(subject('10.0.0.1'), tooBig, 1, start);
    log.addOfConnection(subject('10.0.0.2'), tooBig, 1, start);
    log.addOfConnection(subject('10.0.0.1', 'x', 'jupyter'), tooBig, 1, start);
    log.addOfConnection(subject('10.0.0.1'), { ...tooBig, sender: 'upstream' }, 1, start);
    log.addOfConnection(subject('10.0.0.1'), { ...tooBig, limit: 'max_frame_size' }, 1, start);
    log.addOfConnection(subject('10.0.0.1'), { ...tooBig, action: 'report' }, 1, start);
    expect(log.list(start).map(({ times }) => times)).toEqual([1, 1, 1, 1, 1, 1]);
  });

  test('starts the size anew when the limit was changed', () => {
    const log = new ViolationLog();
    log.addOfConnection(subject('10.0.0.1'), { ...tooBig, observed: 9000 }, 1, start);
    log.addOfConnection(subject('10.0.0.1'), { ...tooBig, configured: 2000, observed: 2001 }, 1, start);
    expect(log.list(start)).toMatchObject([{ configured: 2000, observed: 2001, times: 2 }]);
  });

  test('takes requests that were turned away', () => {
    const log = new ViolationLog();
    log.addRejection({ route: 'panel', address: '::1', limit: 'connections.max', configured: 5, observed: 6 }, start);
    expect(log.list(start)).toMatchObject([
      { address: '::1', sender: 'client', limit: 'connections.max', action: 'reject', connection: null, observed: 6 },
    ]);
  });

  test('writes what JSON cannot hold in another way', () => {
    const log = new ViolationLog();
    const huge = { ...tooBig, configured: Number.POSITIVE_INFINITY, observed: 2n ** 63n - 1n };
    log.addOfConnection(subject('10.0.0.1'), huge, 1, start);
    expect(log.list(start)).toMatchObject([{ configured: null, observed: '9223372036854775807' }]);
  });

  test('has the latest first and forgets after an hour', () => {
    const log = new ViolationLog();
    log.addOfConnection(subject('a'), tooBig, 1, start);
    log.addOfConnection(subject('b'), tooBig, 1, start + minute);
    log.addOfConnection(subject('a'), tooBig, 1, start + 2 * minute);
    expect(log.list(start + 2 * minute).map(({ address }) => address)).toEqual(['a', 'b']);
    expect(log.list(start + 61 * minute).map(({ address }) => address)).toEqual(['a']);
    expect(log.list(start + 62 * minute)).toEqual([]);
  });

  test('says that an entry began at most an hour ago', () => {
    const log = new ViolationLog();
    for (let i = 0; i <= 4; i++) log.addOfConnection(subject('a'), tooBig, 1, start + i * 30 * minute);
    expect(log.list(start + 120 * minute)).toMatchObject([{ firstAt: start + 60 * minute, times: 2 }]);
  });

  test('tells what has changed since it was last asked', () => {
    const log = new ViolationLog();
    log.addOfConnection(subject('a'), tooBig, 1, start);
    log.addOfConnection(subject('b'), tooBig, 1, start);
    expect(log.takeChanged(start).map(({ address }) => address)).toEqual(['a', 'b']);
    log.addOfConnection(subject('a'), tooBig, 1, start);
    expect(log.takeChanged(start)).toMatchObject([{ id: 1, address: 'a', times: 2 }]);
    expect(log.takeChanged(start)).toEqual([]);
  });

  test('is bounded: a flood from many addresses displaces what was quiet for the longest, and totals stay right', () => {
    const log = new ViolationLog();
    const later = start + minute;
    log.addOfConnection(subject('busy'), tooBig, 1, start);
    log.addOfConnection(subject('quiet'), tooBig, 1, start);
    log.addOfConnection(subject('busy'), tooBig, 1, later);
    for (let i = 0; i < 999; i++) log.addOfConnection(subject(`10.0.${i >> 8}.${i & 255}`), tooBig, 1, later);
    const addresses = log.list(later).map(({ address }) => address);
    expect(addresses).toHaveLength(1000);
    expect(addresses).toContain('busy');
    expect(addresses).not.toContain('quiet');
    expect(log.takeChanged(later)).toHaveLength(1000);
    expect(log.totals(later)).toEqual([{ route: 'panel', limit: 'max_message_size', action: 'close', times: 1002 }]);
  });

  test('forgets totals after an hour', () => {
    const log = new ViolationLog();
    log.addOfConnection(subject('a'), tooBig, 3, start);
    expect(log.totals(start + 61 * minute)).toEqual([]);
  });
});
