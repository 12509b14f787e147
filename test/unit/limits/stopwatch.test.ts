import { describe, expect, test } from 'vitest';
import { Stopwatch } from '../../../src/limits/stopwatch.ts';

describe('a stopwatch', () => {
  test('measures from its start', () => {
    const watch = new Stopwatch();
    expect(watch.running).toBe(false);
    watch.start(100, false);
    expect(watch.running).toBe(true);
    expect([watch.elapsedMs(100), watch.elapsedMs(350)]).toEqual([0, 250]);
  });

  test('stands still while it is held', () => {
    const watch = new Stopwatch();
    watch.start(0, false);
    watch.hold(10);
    expect(watch.elapsedMs(1000)).toBe(10);
    watch.release(1000);
    expect(watch.elapsedMs(1005)).toBe(15);
    watch.hold(1005);
    watch.release(2005);
    expect(watch.elapsedMs(2010)).toBe(20);
  });

  test('may be held from its start', () => {
    const watch = new Stopwatch();
    watch.start(0, true);
    expect(watch.elapsedMs(500)).toBe(0);
    watch.release(500);
    expect(watch.elapsedMs(501)).toBe(1);
  });

  test('goes on from the first of two holds', () => {
    const watch = new Stopwatch();
    watch.start(0, false);
    watch.hold(10);
    watch.hold(500);
    watch.release(1000);
    expect(watch.elapsedMs(1000)).toBe(10);
  });

  test('takes no notice of a release that follows no hold', () => {
    const watch = new Stopwatch();
    watch.start(0, false);
    watch.release(10);
    expect(watch.elapsedMs(20)).toBe(20);
  });

  test('is not held while it does not run, and starts anew', () => {
    const watch = new Stopwatch();
    watch.hold(0);
    watch.start(100, false);
    watch.stop();
    expect(watch.running).toBe(false);
    watch.hold(150);
    watch.start(200, false);
    expect(watch.elapsedMs(260)).toBe(60);
  });
});
