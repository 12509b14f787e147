/** The time of this machine. */
// The global `performance` is a getter, which takes as long as the clock itself, and every message asks.
import { performance } from 'node:perf_hooks';
import type { Clock } from './core/clock.ts';

export const systemClock: Clock = {
  now: () => performance.now(),
  after(ms, call) {
    const timer = setTimeout(call, ms);
    return { cancel: () => clearTimeout(timer) };
  },
};
