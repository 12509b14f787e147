import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { Route, RouteDrain } from '../../../src/config/types.ts';
import { Drain, type DrainTarget } from '../../../src/drain/drain.ts';
import { createLog } from '../../../src/observe/log/log.ts';
import { testRoute } from '../../helpers/relay.ts';

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

const spread: RouteDrain = { close: 'spread', protect: 'client', spreadMs: 30_000, deadlineMs: 60_000 };

/** A connection that does what it is told and notes when. */
class Target implements DrainTarget {
  readonly lastDataAt: number;
  route: Route;
  readonly told: string[] = [];
  readonly #end: (target: Target, cut: readonly ('client' | 'upstream')[]) => void;
  readonly #answers: boolean;

  constructor(stage: Stage, { idleMs = 0, drain = spread, answers = true } = {}) {
    this.lastDataAt = performance.now() - idleMs;
    this.route = testRoute({ drain });
    this.#answers = answers;
    this.#end = stage.end;
    stage.open.add(this);
  }

  drain(): void {
    if (this.told.length > 0) return;
    this.told.push(`drain ${stamp()}`);
    if (this.#answers) this.#end(this, []);
  }

  cut(): void {
    this.told.push(`cut ${stamp()}`);
    this.#end(this, ['client']);
  }
}

/** Seconds on the fake clock, which stands at 0 when a stage is made. */
let zero = 0;
const stamp = () => Math.round((performance.now() - zero) / 1000);

class Stage {
  readonly open = new Set<Target>();
  readonly lines: Record<string, unknown>[] = [];
  readonly did: string[] = [];
  readonly front = {
    handshakes: 0,
    endKeepAlive: () => this.did.push('end keep-alive'),
    refuseHandshakes: () => this.did.push(`refuse ${stamp()}`),
    stopAccepting: () => this.did.push(`stop accepting ${stamp()}`),
  };
  readonly requests = {
    active: 0,
    abort: (isOver: (route: Route) => boolean) =>
      this.requests.active > 0 && isOver(testRoute({ drain: spread })) ? 1 : 0,
  };
  drain!: Drain<Target>;

  start(announceMs: number, routes = [testRoute({ drain: spread })]): Drain<Target> {
    zero = performance.now();
    const log = createLog({ write: (line) => this.lines.push(JSON.parse(line)) });
    this.drain = new Drain({ ...this, log, sessions: () => this.open }, 'SIGTERM', announceMs, routes);
    this.drain.start();
    return this.drain;
  }

  readonly end = (target: Target, cut: readonly ('client' | 'upstream')[]) => {
    this.open.delete(target);
    this.drain.ended(target, { reason: 'drain', cut });
  };
}

test('announces, refuses, closes in the window, idle ones first, and is over', async () => {
  const stage = new Stage();
  // Their last data comes while it is announced.
  const busy = Array.from({ length: 50 }, () => new Target(stage, { idleMs: -5000 }));
  const idle = Array.from({ length: 50 }, () => new Target(stage, { idleMs: 20_000 }));
  const drain = stage.start(10_000);
  expect(stage.did).toEqual(['end keep-alive']);
  await vi.advanceTimersByTimeAsync(9900);
  expect(drain.state).toMatchObject({ phase: 'announce', connections: 100 });
  await vi.advanceTimersByTimeAsync(15_000);
  expect(stage.did).toEqual(['end keep-alive', 'refuse 10']);
  expect(idle.filter(({ told }) => told.length > 0).length).toBeGreaterThan(45);
  expect(busy.filter(({ told }) => told.length > 0).length).toBe(0);
  await vi.advanceTimersByTimeAsync(16_000);
  await expect(drain.over).resolves.toEqual({ connections: 100, endedThemselves: 0, sentAway: 100, cut: 0 });
  expect(stage.lines.at(-1)).toMatchObject({ event: 'drained', sent_away: 100, requests_cut: 0 });
  expect(vi.getTimerCount()).toBe(0);
});

test('gives a slot to a connection whose handshake came through while they began to be refused', async () => {
  const stage = new Stage();
  stage.front.handshakes = 1;
  const drain = stage.start(0);
  const late = new Target(stage);
  drain.opened(late);
  stage.front.handshakes = 0;
  await vi.advanceTimersByTimeAsync(30_100);
  expect(late.told).toHaveLength(1);
  await expect(drain.over).resolves.toMatchObject({ connections: 1, sentAway: 1 });
});

test('says how long it may take, also where the clock is set meanwhile', async () => {
  vi.setSystemTime(0);
  const stage = new Stage();
  new Target(stage, { drain: { ...spread, close: 'wait' }, answers: false });
  const drain = stage.start(10_000);
  const { startedAtMs } = drain.state;
  expect(startedAtMs).toBe(0);
  await vi.advanceTimersByTimeAsync(10_100);
  vi.setSystemTime(Date.now() - 2 * 3_600_000);
  await vi.advanceTimersByTimeAsync(11_000);
  // As the clock has it now, so that it can be seen how long is left.
  expect(drain.state).toMatchObject({
    startedAtMs: startedAtMs - 2 * 3_600_000,
    deadlineAtMs: startedAtMs + 60_000 - 2 * 3_600_000,
  });
  const told = stage.lines.filter(({ event }) => event === 'draining').map(({ deadline_s }) => deadline_s);
  expect(told.length).toBeGreaterThan(2);
  expect(told).toEqual([...told].sort((a, b) => Number(b) - Number(a)));
  expect(told[0]).toBe(60);
});

test('cuts who does not answer at the deadline', async () => {
  const stage = new Stage();
  const wait = new Target(stage, { drain: { ...spread, close: 'wait' }, answers: false });
  const drain = stage.start(10_000);
  await vi.advanceTimersByTimeAsync(60_100);
  expect(wait.told).toEqual(['drain 59', 'cut 60']);
  await expect(drain.over).resolves.toMatchObject({ cut: 1, sentAway: 0 });
});

test('hastened, sends everybody away at once and cuts the rest in a second', async () => {
  const stage = new Stage();
  const gentle = new Target(stage);
  const stuck = new Target(stage, { answers: false });
  const drain = stage.start(10_000);
  await vi.advanceTimersByTimeAsync(3000);
  drain.hasten();
  drain.hasten();
  expect(stage.did.at(-1)).toBe('refuse 3');
  expect(drain.state).toMatchObject({ phase: 'cut', connections: 1 });
  await vi.advanceTimersByTimeAsync(1100);
  expect([gentle.told, stuck.told]).toEqual([['drain 3'], ['drain 3', 'cut 4']]);
  await expect(drain.over).resolves.toMatchObject({ sentAway: 1, cut: 1 });
});

test('hastened while it waits, moves the deadlines of those who have slots', async () => {
  const stage = new Stage();
  const waits = new Target(stage, { drain: { ...spread, close: 'wait' }, answers: false });
  const drain = stage.start(0);
  await vi.advanceTimersByTimeAsync(3000);
  drain.hasten();
  await vi.advanceTimersByTimeAsync(1100);
  expect(waits.told).toEqual(['drain 3', 'cut 4']);
});

test.each([
  [2, 'while it is announced'],
  [20, 'while it waits'],
])('a configuration with another deadline holds, %i s after the beginning, %s', async (seconds) => {
  const stage = new Stage();
  const waits = (deadlineMs: number): RouteDrain => ({ ...spread, close: 'wait', deadlineMs });
  const target = new Target(stage, { drain: waits(60_000), answers: false });
  const drain = stage.start(10_000);
  const deadline = () => Math.round((drain.state.deadlineAtMs - drain.state.startedAtMs) / 1000);
  await vi.advanceTimersByTimeAsync(1000 * seconds);
  expect(deadline()).toBe(60);
  target.route = testRoute({ drain: waits(90_000) });
  drain.reconfigure([target.route]);
  expect(deadline()).toBe(90);
  await vi.advanceTimersByTimeAsync(60_000);
  expect([target.told, drain.state.phase]).toEqual([[], 'close']);
  await vi.advanceTimersByTimeAsync(30_100);
  expect(target.told).toEqual(['drain 89', 'cut 90']);
});

test.each([
  { announce: 10, at: 20, closes: 10, tells: 20, cuts: 21, case: 'that is over: time for last words' },
  { announce: 30, at: 5, closes: 9, tells: 9, cuts: 10, case: 'before the announcement is over: that is shorter' },
  { announce: 30, at: 15, closes: 15, tells: 15, cuts: 16, case: 'that is over while it is announced: closing is now' },
])('a configuration with an earlier deadline, $case', async ({ announce, at, closes, tells, cuts }) => {
  const stage = new Stage();
  const waits = (deadlineMs: number): RouteDrain => ({ ...spread, close: 'wait', deadlineMs });
  const target = new Target(stage, { drain: waits(60_000), answers: false });
  stage.requests.active = 1;
  let abortedAt = Number.NaN;
  stage.requests.abort = (isOver) => {
    if (stage.requests.active === 0 || !isOver(target.route)) return 0;
    abortedAt = stamp();
    stage.requests.active = 0;
    return 1;
  };
  const drain = stage.start(1000 * announce);
  await vi.advanceTimersByTimeAsync(1000 * at);
  target.route = testRoute({ drain: waits(10_000) });
  drain.reconfigure([target.route]);
  // Said again and again, it puts nothing off.
  for (let i = 0; i < 5; i++) {
    await vi.advanceTimersByTimeAsync(500);
    drain.reconfigure([target.route]);
  }
  await vi.advanceTimersByTimeAsync(10_000);
  expect(stage.did[1]).toBe(`refuse ${closes}`);
  expect([target.told, abortedAt]).toEqual([[`drain ${tells}`, `cut ${cuts}`], cuts]);
  await expect(drain.over).resolves.toMatchObject({ cut: 1 });
});

test('says every ten seconds whom it waits for', async () => {
  const stage = new Stage();
  new Target(stage, { drain: { ...spread, close: 'wait' } });
  stage.start(0);
  await vi.advanceTimersByTimeAsync(35_000);
  expect(stage.lines.map(({ event, phase, connections }) => [event, phase, connections])).toEqual(
    new Array(4).fill(['draining', 'close', 1]),
  );
});

test('waits for requests, and not beyond the last deadline', async () => {
  const stage = new Stage();
  stage.requests.active = 1;
  const drain = stage.start(0);
  expect(stage.did).toEqual(['end keep-alive', 'refuse 0', 'stop accepting 0']);
  await vi.advanceTimersByTimeAsync(59_900);
  expect(drain.state).toMatchObject({ phase: 'finish', requests: 1 });
  await vi.advanceTimersByTimeAsync(200);
  await drain.over;
  expect(stage.lines.at(-1)).toMatchObject({ event: 'drained', requests_cut: 1 });
  // A signal or a configuration that comes now changes nothing.
  drain.hasten();
  drain.join('SIGTERM');
  drain.reconfigure([testRoute({ drain: spread })]);
  expect(stage.lines.filter(({ event }) => event === 'drained')).toHaveLength(1);
  expect(stage.lines.at(-1)).toMatchObject({ event: 'drained' });
});
