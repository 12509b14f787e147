import { describe, expect, test } from 'vitest';
import { Heartbeat, type HeartbeatInput } from '../../../../src/relay/core/heartbeat.ts';

/** A peer to which everything is written at once and that sends nothing, but for what is given. */
const input = (now: number, overrides: Partial<HeartbeatInput> = {}): HeartbeatInput => ({
  now,
  received: 0,
  drained: 0,
  pingFlushed: true,
  held: false,
  ...overrides,
});

const heartbeat = () => new Heartbeat(20_000, 5000, 0);

describe('pings', () => {
  test('go out at the interval while they are answered', () => {
    const beat = heartbeat();
    const at = (now: number, received: number) => beat.check(input(now, { received }));
    expect([at(19_999, 0), at(20_000, 0), at(20_250, 1)]).toEqual([null, 'ping', null]);
    expect([at(39_999, 1), at(40_000, 1), at(40_250, 2), at(60_000, 2)]).toEqual([null, 'ping', null, 'ping']);
  });

  test('are not sent while one is unanswered', () => {
    const beat = new Heartbeat(1000, 5000, 0);
    expect([1000, 2000, 3000].map((now) => beat.check(input(now)))).toEqual(['ping', null, null]);
  });

  test('are off with an interval of 0', () => {
    const beat = new Heartbeat(0, 5000, 0);
    expect([1, 1e6, 1e9].map((now) => beat.check(input(now)))).toEqual([null, null, null]);
  });

  test('never kill with a timeout of 0', () => {
    const beat = new Heartbeat(1000, 0, 0);
    expect([1000, 2000, 1e9].map((now) => beat.check(input(now)))).toEqual(['ping', null, null]);
  });
});

describe('new times', () => {
  test('count from the last ping', () => {
    const beat = heartbeat();
    beat.change(5000, 5000, 1000);
    expect([4999, 5000].map((now) => beat.check(input(now)))).toEqual([null, 'ping']);
  });

  test('turn pings on from now, and off with the ping that waits', () => {
    const beat = new Heartbeat(0, 5000, 0);
    beat.change(20_000, 5000, 100_000);
    expect([119_999, 120_000].map((now) => beat.check(input(now)))).toEqual([null, 'ping']);
    beat.change(0, 5000, 121_000);
    expect([122_000, 1e9].map((now) => beat.check(input(now)))).toEqual([null, null]);
    expect(beat.outstanding).toBe(false);
  });

  test('let a ping wait longer', () => {
    const beat = heartbeat();
    beat.check(input(20_000));
    beat.check(input(20_250));
    beat.change(20_000, 50_000, 24_000);
    expect([26_000, 70_251].map((now) => beat.check(input(now)))).toEqual([null, 'dead']);
  });
});

describe('a peer', () => {
  test('is dead when a ping is unanswered for longer than the timeout', () => {
    const beat = heartbeat();
    const at = (now: number) => beat.check(input(now));
    expect([20_000, 20_250, 25_250, 25_251].map(at)).toEqual(['ping', null, null, 'dead']);
  });

  test('lives by any byte that it sends', () => {
    const beat = heartbeat();
    beat.check(input(20_000));
    beat.check(input(20_250));
    expect(beat.check(input(24_000, { received: 1 }))).toBeNull();
    expect(beat.check(input(26_000, { received: 1 }))).toBeNull();
    expect(beat.check(input(40_000, { received: 1 }))).toBe('ping');
    expect(beat.check(input(40_250, { received: 1 }))).toBeNull();
    expect(beat.check(input(45_251, { received: 1 }))).toBe('dead');
  });

  test('has its time from when the ping has left our buffer', () => {
    const beat = heartbeat();
    beat.check(input(20_000));
    expect(beat.check(input(60_000, { pingFlushed: false }))).toBeNull();
    expect(beat.check(input(61_000))).toBeNull();
    expect([66_000, 66_001].map((now) => beat.check(input(now)))).toEqual([null, 'dead']);
  });

  test('has its time anew when bytes towards it make progress', () => {
    const beat = heartbeat();
    beat.check(input(20_000));
    beat.check(input(20_250));
    for (let now = 24_000, drained = 1; now < 60_000; now += 4000, drained++) {
      expect(beat.check(input(now, { drained }))).toBeNull();
    }
    const last = { drained: 10 };
    expect(beat.check(input(60_000, last))).toBeNull();
    expect([64_000, 65_001].map((now) => beat.check(input(now, last)))).toEqual([null, 'dead']);
  });

  test('is not blamed for a pong that Sluice does not read', () => {
    const beat = heartbeat();
    beat.check(input(20_000));
    beat.check(input(20_250));
    expect(beat.check(input(21_250, { held: true }))).toBeNull();
    expect(beat.check(input(90_000, { held: true }))).toBeNull();
    // 1 s of its 5 s had passed when it was held.
    expect(beat.check(input(90_000))).toBeNull();
    expect(beat.check(input(94_000))).toBeNull();
    expect(beat.check(input(94_001))).toBe('dead');
  });

  test('is not blamed where it is held from before the ping left', () => {
    const beat = heartbeat();
    beat.check(input(20_000, { held: true }));
    beat.check(input(20_250, { held: true }));
    expect(beat.check(input(60_000, { held: true }))).toBeNull();
    expect(beat.check(input(60_000))).toBeNull();
    expect([65_000, 65_001].map((now) => beat.check(input(now)))).toEqual([null, 'dead']);
  });

  test('is never declared dead at the very look at which it is held', () => {
    const beat = heartbeat();
    beat.check(input(20_000));
    beat.check(input(20_250));
    expect(beat.check(input(30_000, { held: true }))).toBeNull();
  });
});
